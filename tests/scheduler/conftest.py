"""A timetable to test with: an office whose accounts are platforms in memory, and a dispatcher for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.adapters.fake import PLATFORMS, FakeChannel, FakePlatform
from channels.base import AccountInfo, Channel, Tools
from content import public
from content.models import Release
from content.snapshot import Target
from kernel.blobs import Blobs
from kernel.clock import StillClock
from kernel.events import Event, Listeners
from kernel.people import Viewer
from kernel.seal import Seal
from kernel.work import Works
from scheduler import booking
from scheduler.booking import Order
from scheduler.dispatch import Dispatcher
from scheduler.events import NeedsPerson, RanLate, WasWithdrawn, WentLive
from scheduler.models import Attempt, Delivery, Placement
from scheduler.sweep import sweep
from templates.engine import Engine
from tests.factories import Office, make_office

PUBLIC_URL = "https://www.yunzhou.example"
TEXT = "【{{ post.title }}】{{ post.text }} {{ post.href }}"


@dataclass
class Timetable:
    """An office, its clock, and the engine's steps one at a time."""

    office: Office
    clock: StillClock
    dispatcher: Dispatcher
    works: Works
    told: list[Event] = field(default_factory=list)

    def account(self, name: str) -> Account:
        """An account of the office by its code."""
        with self.works.read() as work:
            return work.session.scalars(select(Account).where(Account.code == name)).one()

    def platform(self, name: str = "fake-a") -> FakePlatform:
        """The platform's side of an account."""
        return PLATFORMS[self.account(name).id]

    def release(self, *accounts: str, signed: bool = True, action: str = "publish", **words: Any) -> Release:
        """A release for these accounts, signed unless told otherwise."""
        return self._submitted(self.office.piece(**words).id, accounts, action, signed=signed)

    def edition(self, piece_id: int, *accounts: str, signed: bool = True, **words: Any) -> Release:
        """The piece in other words, submitted for these accounts and signed anew unless told otherwise."""
        self.office.save(piece_id, **words)
        return self._submitted(piece_id, accounts, "publish", signed=signed)

    def _submitted(self, piece_id: int, accounts: tuple[str, ...], action: str, *, signed: bool) -> Release:
        targets = [
            Target(account.id, account.name, "fake", "text", action)
            for account in map(self.account, accounts or ("fake-a",))
        ]
        submitted = self.office.submit(piece_id, targets=targets)
        return self.office.sign_off(submitted.id) if signed else submitted

    def book(self, *pieces: int, account: str = "fake-a", by: str = "officer", **order: Any) -> Delivery:
        """Books these pieces on an account, for now unless told otherwise."""
        with self.office.working(by) as (work, who):
            made = Order(pieces, self.account(account).id, order.pop("action", "publish"), **order)
            if made.action in ("correct", "withdraw", "refresh"):
                return booking.book_act(work, who, made)
            return booking.book(work, who, made, PUBLIC_URL)

    def act(self, delivery: Delivery, step: Any, *args: Any, by: str = "officer") -> None:
        """A person's act on a delivery."""
        with self.office.working(by) as (work, who):
            step(work, who, work.session.get_one(Delivery, delivery.id), *args)

    def who(self, name: str) -> Viewer:
        """What a person may do."""
        return self.office.who(name)

    def run(self) -> None:
        """Runs every lane that has something due, once."""
        for lane in self.dispatcher.due_lanes():
            self.dispatcher.run_lane(lane)

    def sweep(self) -> int:
        """One round of the sweep."""
        return sweep(self.works)

    def now(self, delivery: Delivery) -> Delivery:
        """The delivery as it stands."""
        with self.works.read() as work:
            return work.session.get_one(Delivery, delivery.id)

    def attempts(self, delivery: Delivery) -> list[tuple[str, str]]:
        """The delivery's attempts as (act, outcome), in order."""
        with self.works.read() as work:
            rows = work.session.scalars(select(Attempt).filter_by(delivery_id=delivery.id).order_by(Attempt.id))
            return [(row.act, row.outcome) for row in rows]

    def placements(self, piece_id: int) -> list[Placement]:
        """Everywhere a piece shows."""
        with self.works.read() as work:
            return list(work.session.scalars(select(Placement).filter_by(piece_id=piece_id)))

    def at(self, **delta: float) -> datetime:
        """Moves the clock on."""
        return self.clock.step(**delta)


@pytest.fixture(scope="session")
def text_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine with one text for every channel."""
    folder = tmp_path_factory.mktemp("templates")
    (folder / "outbound").mkdir()
    (folder / "outbound/text.txt").write_text(TEXT, "utf-8")
    return Engine(folder=folder)


@pytest.fixture
def timetable(
    works: Works, clock: StillClock, listeners: Listeners, tmp_path: Path, text_engine: Engine
) -> Iterator[Timetable]:
    """The timetable once on each kind of database."""
    PLATFORMS.clear()
    office = make_office(works, Blobs(tmp_path / "files"), text_engine)
    seal = Seal(Fernet.generate_key())
    with works.write() as work:
        for code in ("fake-a", "fake-b"):
            accounts.add(work, seal, unit_id=office.bureau.id, channel="fake", name=code, code=code)

    def make(account: AccountInfo) -> Channel:
        return FakeChannel(account, tools(clock))

    table = Timetable(office, clock, Dispatcher(works, seal, make, PUBLIC_URL), works)
    for kind in (NeedsPerson, RanLate, WentLive, WasWithdrawn):
        listeners.after(kind, table.told.append)
    listeners.in_work(WentLive, lambda work, fact: public.went_live(work, fact.release_id, fact.at))
    yield table
    PLATFORMS.clear()


def tools(clock: StillClock) -> Tools:
    """What the adapter of the platform in memory needs: a clock."""
    nothing: Any = None
    return Tools(
        clock=clock,
        http=httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(500))),
        tokens=nothing,
        quotas=nothing,
        files=nothing,
        catalogue=nothing,
        render=nothing,
    )
