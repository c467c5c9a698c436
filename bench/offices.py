"""An office to measure with, in a throw-away folder: accounts, and releases signed by three people."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.registry import style_of
from content import compose, release, review
from content.compose import Draft
from content.models import Column, Release
from content.snapshot import Target, Window
from hub import schema
from hub.outgoing import adapter_maker
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build
from kernel.people import Grant, Person, Role, Unit, Viewer, add_unit, viewer
from kernel.work import Actor, Work
from scheduler import booking
from scheduler.booking import Order
from scheduler.dispatch import Dispatcher


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
        with self.hub.works.write() as work:
            for number in range(count):
                code = f"{channel}-{number}"
                made = accounts.add(
                    work,
                    self.hub.seal,
                    unit_id=self.unit.id,
                    channel=channel,
                    name=code,
                    code=code,
                    settings={"id_code": "0"},
                )
                self.accounts.append(made)

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
        action: str = "publish",
        draft: Draft | None = None,
        column: Column | None = None,
    ) -> int:
        """A piece that went through submission, proofs and three signatures; returns its id."""
        targets = [Target(one.id, one.name, one.channel, style_of(one.channel), action) for one in to]
        with self.acting("officer") as (work, who):
            draft = draft or Draft(title=title, body=f"<p>{title}，请市民相互转告。</p>" * 8)
            piece = compose.create(work, who, column or self.column, draft=draft)
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

    def book(self, pieces: Sequence[int], to: Sequence[Account], at: datetime, action: str = "publish") -> None:
        """Books every piece on every account for one moment."""
        for piece in pieces:
            with self.acting("officer") as (work, who):
                for account in to:
                    booking.book(work, who, Order([piece], account.id, action, at), self.hub.settings.address)

    def dispatcher(self) -> Dispatcher:
        """What takes booked pieces out in this process."""
        return Dispatcher(self.hub.works, self.hub.seal, adapter_maker(self.hub), self.hub.settings.address)

    def serve(self, port: int, **settings: str) -> subprocess.Popen[bytes]:
        """Starts the product on this office's data as a process of its own, and waits until it is ready."""
        own = {"XUANDA_DATA": str(self.folder), "XUANDA_PORT": str(port)}
        environment = {**os.environ, **own, **{f"XUANDA_{name.upper()}": value for name, value in settings.items()}}
        process = subprocess.Popen(
            [sys.executable, "-m", "hub.cli", "serve"], env=environment, stderr=subprocess.DEVNULL
        )
        wait_for(f"http://127.0.0.1:{port}/readyz", process)
        return process


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the block."""
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
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
