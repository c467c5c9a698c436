"""An office to measure with, in a throw-away folder: accounts, and releases signed by three people."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.registry import channels, style_of
from content import compose, release, review
from content.compose import Draft
from content.models import Column, Release
from content.pictures import Picture, normalise
from content.snapshot import Target, Window
from hub import schema
from hub.demo.drawing import landscape
from hub.outgoing import adapter_maker
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build
from kernel.people import Grant, Person, Role, Unit, Viewer, add_unit, viewer
from kernel.work import Actor, Work
from scheduler import booking
from scheduler.booking import Order
from scheduler.dispatch import Dispatcher

NOTHING: Mapping[str, str] = MappingProxyType({})
AHEAD = 5.0


@cache
def _cover() -> Picture:
    return normalise(landscape(1), "封面.jpg")


@dataclass
class BenchOffice:
    """One unit with an officer, two reviewers and a signer."""

    hub: Hub
    folder: Path
    unit: Unit
    column: Column
    people: dict[str, Person] = field(default_factory=dict)
    accounts: list[Account] = field(default_factory=list)

    @contextmanager
    def acting(self, login: str) -> Iterator[tuple[Work, Viewer]]:
        """A work by one person, with what he may do."""
        person = self.people[login]
        with self.hub.works.write(Actor(person.name, person.id, person.unit_id)) as work:
            yield work, viewer(work.session, person, work.now)

    def add_accounts(self, channel: str, count: int) -> None:
        """Registers accounts of one channel."""
        for number in range(count):
            self.add_account(channel, f"{channel}-{number}", settings={"id_code": "0"})

    def add_account(
        self,
        channel: str,
        code: str,
        *,
        base_url: str = "",
        settings: Mapping[str, Any] = NOTHING,
        credentials: Mapping[str, str] = NOTHING,
    ) -> Account:
        """Registers one account, of a platform at `base_url` where it has one."""
        with self.hub.works.write() as work:
            made = accounts.add(
                work,
                self.hub.seal,
                unit_id=self.unit.id,
                channel=channel,
                name=code,
                code=code,
                base_url=base_url,
                settings=settings,
                credentials=credentials,
            )
        self.accounts.append(made)
        return made

    def add_column(self, slug: str, name: str, kind: str) -> Column:
        """A further column, for pieces of another kind."""
        with self.hub.works.write() as work:
            column = Column(unit_id=self.unit.id, slug=slug, name=name, kind=kind)
            work.session.add(column)
        return column

    def signed(
        self,
        title: str,
        to: Sequence[Account],
        draft: Draft | None = None,
        column: Column | None = None,
        *,
        covered: bool = False,
    ) -> int:
        """A piece that went through submission, proofs and three signatures; returns its id."""
        targets = [Target(one.id, one.name, one.channel, style_of(one.channel), usual(one)) for one in to]
        with self.acting("officer") as (work, who):
            draft = draft or Draft(title=title, body=f"<p>{title}，请市民相互转告。</p>" * 8)
            piece = compose.create(work, who, column or self.column, draft=draft)
            if covered:
                cover = compose.add_picture(work, who, piece, self.hub.blobs, "封面.jpg", _cover(), alt="风光")
                compose.save(work, who, piece, replace(draft, cover_id=cover.id), piece.version)
            made = release.submit(
                work, who, piece, targets, Window(), engine=self.hub.pages, portal=self.hub.settings.address
            )
            piece_id, release_id = piece.id, made.id
        for login in ("first", "second", "signer"):
            with self.acting(login) as (work, who):
                waiting = work.session.get_one(Release, release_id)
                if login == "second":
                    for _ in range(3):
                        review.record_proof(work, who, waiting)
                review.sign(work, who, waiting, waiting.hash)
        return piece_id

    def book(self, pieces: Sequence[int], to: Sequence[Account], at: datetime) -> None:
        """Books every piece on every account for one moment, with the channel's usual action."""
        for piece in pieces:
            with self.acting("officer") as (work, who):
                for account in to:
                    booking.book(work, who, Order([piece], account.id, usual(account), at), self.hub.settings.address)

    @contextmanager
    def timed(self, deliveries: int) -> Iterator[datetime]:
        """A moment by which so many can be booked; raises RuntimeError when they were not."""
        seconds = AHEAD + 2 * deliveries * min(self._one_booking(), self._one_booking())
        at = self.hub.clock.now() + timedelta(seconds=seconds)
        yield at
        if self.hub.clock.now() >= at:
            raise RuntimeError(f"booking took longer than {seconds:.0f} s; the machine is too busy")

    def _one_booking(self) -> float:
        """How long it takes to book one delivery, in seconds."""
        piece = self.signed("预约所需时间", self.accounts, covered=True)
        began = time.monotonic()
        self.book([piece], self.accounts, self.hub.clock.now() + timedelta(days=60))
        return (time.monotonic() - began) / len(self.accounts)

    def dispatcher(self) -> Dispatcher:
        """What takes booked pieces out in this process."""
        return Dispatcher(self.hub.works, self.hub.seal, adapter_maker(self.hub), self.hub.settings.address)

    def serve(self, port: int, face: str = "all", **settings: str) -> subprocess.Popen[bytes]:
        """Starts the product on this office's data as a process of its own, and waits until it is ready."""
        settings["port"] = str(port)
        process = self.run("serve", "--face", face, **settings)
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        """Starts a process that only does what is due; on PostgreSQL."""
        return self.run("worker")

    def run(self, *command: str, **settings: str) -> subprocess.Popen[bytes]:
        """Starts a command of the product on this office's data."""
        own = {"data": str(self.folder), "database_url": self.hub.settings.database_url, **settings}
        environment = {**os.environ, **{f"XUANDA_{name.upper()}": value for name, value in own.items()}}
        whole = [sys.executable, "-m", "hub.cli", *command]
        return subprocess.Popen(whole, env=environment, stderr=subprocess.DEVNULL)  # Our own command.


def usual(account: Account) -> str:
    """What is done on an account where nobody chooses."""
    return channels()[account.channel].limits.default_action


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the block; one that still waits for a platform's long answers is killed."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 120.0) -> None:
    """Waits until a process answers; one that does not is killed, and RuntimeError raised."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  # Our own process on loopback.
                return
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise RuntimeError(f"{url} did not answer")


@contextmanager
def bench_office(**settings: str) -> Iterator[BenchOffice]:
    """An office in a folder of its own, removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="xuanda-bench-"))
    hub = build(Settings(data=folder, **settings))  # type: ignore[arg-type]  # Settings parse their own text.
    try:
        schema.migrate(hub.engine)
        yield _found(hub, folder)
    finally:
        hub.close()
        shutil.rmtree(folder, ignore_errors=True)


def _found(hub: Hub, folder: Path) -> BenchOffice:
    with hub.works.write() as work:
        unit = add_unit(work.session, "某市新闻办", "bench")
        column = Column(unit_id=unit.id, slug="notices", name="通知公告", kind="notice")
        work.session.add(column)
        work.session.flush()
        office = BenchOffice(hub, folder, unit, column)
        roles = {"officer": Role.OFFICER, "first": Role.REVIEWER, "second": Role.REVIEWER, "signer": Role.SIGNER}
        for login, role in roles.items():
            person = Person(unit_id=unit.id, name=login, login=login)
            work.session.add(person)
            work.session.flush()
            work.session.add(Grant(person_id=person.id, role=role, unit_id=unit.id))
            office.people[login] = person
    return office
