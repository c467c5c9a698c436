"""A hub with a communications office on it: fake accounts, people who log in, and the engine one step at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.adapters.fake import PLATFORMS, FakePlatform
from content.models import Release
from content.snapshot import Target, Window
from hub.product import Hub
from kernel.clock import Clock
from scheduler.dispatch import Dispatcher
from scheduler.models import Delivery, Placement
from scheduler.sweep import sweep
from tests import factories
from tests.hub.office import Browser
from tests.hub.web.newsroom import Newsroom, open_newsroom


@dataclass
class Desk:
    """The hub, the office on it, and its accounts `a`, `b` (fake), the portal left aside."""

    office: Newsroom
    city: factories.Office
    dispatcher: Dispatcher

    @property
    def hub(self) -> Hub:
        """The product."""
        return self.office.hub

    def browser(self, login: str = "officer") -> Browser:
        """A browser in which this person of the office is logged in."""
        return self.office.desk_of(login)

    def account(self, code: str = "a") -> Account:
        """An account by its code."""
        with self.hub.works.read() as work:
            return work.session.scalars(select(Account).where(Account.code == code)).one()

    def platform(self, code: str = "a") -> FakePlatform:
        """The platform's side of an account."""
        return PLATFORMS[self.account(code).id]

    def release(
        self,
        *codes: str,
        signed: bool = True,
        action: str = "publish",
        window: Window | None = None,
        audience: dict[str, Any] | None = None,
        **words: Any,
    ) -> Release:
        """A piece submitted to these accounts, signed unless told otherwise."""
        targets = [
            Target(account.id, account.name, account.channel, "text", action, audience or {})
            for account in map(self.account, codes or ("a",))
        ]
        piece = self.city.piece(by="author", **words)
        release = self.city.submit(piece.id, targets=targets, window=window)
        return self.city.sign_off(release.id) if signed else release

    def book(self, release: Release, *codes: str, by: str = "officer", **form: Any) -> Any:
        """Books through the form, for now unless told otherwise."""
        ids = [str(self.account(code).id) for code in codes or ("a",)]
        return self.browser(by).send_form(
            "/console/bookings/new", piece=release.piece_id, accounts=ids, **{"when": "now", **form}
        )

    def booked(self, release: Release, **form: Any) -> Delivery:
        """The one delivery made by booking this release."""
        answer = self.book(release, **form)
        assert answer.status_code == 303, answer.text
        return self.deliveries()[-1]

    def deliveries(self) -> list[Delivery]:
        """Every delivery in the order of booking."""
        with self.hub.works.read() as work:
            return list(work.session.scalars(select(Delivery).order_by(Delivery.id)))

    def now(self, delivery: Delivery) -> Delivery:
        """The delivery as it stands."""
        with self.hub.works.read() as work:
            return work.session.get_one(Delivery, delivery.id)

    def placements(self, piece_id: int) -> list[Placement]:
        """Where a piece shows."""
        with self.hub.works.read() as work:
            query = select(Placement).where(Placement.piece_id == piece_id).order_by(Placement.account_id)
            return list(work.session.scalars(query))

    def run(self) -> None:
        """Runs every lane that has something due, once."""
        for lane in self.dispatcher.due_lanes():
            self.dispatcher.run_lane(lane)

    def sweep(self) -> None:
        """One round of the sweep."""
        sweep(self.hub.works)


def desk_over(newsroom: Newsroom) -> Desk:
    """The desk over a running office, with two fake accounts in its bureau; nothing has arrived at them yet."""
    PLATFORMS.clear()
    hub = newsroom.hub
    with hub.works.write() as work:
        for code, name in (("a", "住建发布"), ("b", "住建快讯")):
            bureau = newsroom.office.bureau.id
            accounts.add(work, hub.seal, unit_id=bureau, channel="fake", name=name, code=code)
    dispatcher = Dispatcher(hub.works, hub.seal, hub.make_adapter, hub.settings.address)
    return Desk(newsroom, newsroom.office, dispatcher)


@contextmanager
def open_desk(url: str, folder: Path, clock: Clock, **settings: Any) -> Iterator[Desk]:
    """A hub on a fresh database with the office of tests.factories and two fake accounts in its bureau."""
    with open_newsroom(url, folder, clock, **settings) as newsroom:
        yield desk_over(newsroom)
    PLATFORMS.clear()
