"""SIGKILL in the middle of dispatch, again and again: nothing goes out twice, nothing is lost, nothing stays stuck.

The product runs as a process of its own, or as three workers on PostgreSQL, against rehearsal platforms in another
process, which count what really arrived and refuse no repeats. Between two runs both clocks are moved on, so that
waits of minutes need no minutes here.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic import command
from sqlalchemy import and_, func, not_, select

from channels.accounts import store as accounts
from channels.rehearsal.config import RehearsalConfig, WeiboAccount, WeiboRules
from content.snapshot import Target
from hub import schema
from hub.db import open_database
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build
from kernel.audit import verify
from scheduler import booking
from scheduler.booking import Order
from scheduler.models import Attempt, Delivery
from scheduler.states import DeliveryState
from tests.factories import PORTAL, Office, make_office

S = DeliveryState
KILLS = 10
WORKERS, FEWER_KILLS = 3, 4
LANES = 5
PIECES_A_RUN = 2
SLOW, SLOW_PIECES = LANES, 10
LEASE, SWEEP = 3, 1
STARTING = 60
STEP = timedelta(seconds=15)
"""How far the clocks move between two runs: more than a lease and the first wait of a retry."""


@dataclass
class Outside:
    """The platforms' process, and the product's (`parts`), which are killed and started again."""

    hub: Hub
    folder: Path
    platforms: httpx.Client
    port: int = 0
    offset: timedelta = timedelta()
    parts: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, moved_on: timedelta) -> None:
        """Moves both clocks on and runs the product."""
        self.offset += moved_on
        self.platforms.post("/control/clock", json={"step": moved_on.total_seconds()}).raise_for_status()
        environment = {
            **os.environ,
            "XUANDA_DATA": str(self.folder),
            "XUANDA_DATABASE_URL": self.hub.settings.database_url,
            "XUANDA_PORT": str(self.port),
            "XUANDA_PUBLIC_URL": PORTAL,
            "XUANDA_LEASE_SECONDS": str(LEASE),
            "XUANDA_SWEEP_SECONDS": str(SWEEP),
            "XUANDA_SEND_TIMEOUT": "1",
            "XUANDA_TICK_SECONDS": "0.1",
            "XUANDA_CLOCK_OFFSET": str(self.offset.total_seconds()),
            "XUANDA_ALLOWED_PRIVATE": self.platforms.base_url.netloc.decode(),
        }
        commands = [["worker"]] * WORKERS if self.hub.settings.uses_queue else [["serve"]]
        self.parts = [started(["hub.cli", *one], environment, self.folder / "product.log") for one in commands]

    def end(self, how: signal.Signals) -> None:
        """SIGKILL gives no time for a last word; SIGTERM does."""
        for part in self.parts:
            part.send_signal(how)
        for part in self.parts:
            part.wait(30)
        self.parts = []

    def posts(self) -> list[tuple[str, str]]:
        """What really arrived, as (account, text), in order."""
        answer = self.platforms.get("/ledger", params={"kind": "post"}).json()
        return [(line["account"], line["data"]["text"]) for line in answer["entries"]]

    def arrived_after(self, before: int) -> bool:
        """Whether more has arrived than there was."""
        return len(self.posts()) > before

    def busy(self) -> int:
        """How many deliveries are neither done nor waiting for a later moment."""
        waits = and_(Delivery.state == S.BOOKED, Delivery.next_at > self.hub.clock.now() + self.offset)
        return self.count(Delivery.state != S.DONE, not_(waits))

    def count(self, *where: Any) -> int:
        """How many deliveries are like that."""
        with self.hub.works.read() as work:
            return work.session.scalar(select(func.count(Delivery.id)).where(*where)) or 0


def test_nothing_is_sent_twice_or_lost_when_the_product_is_killed_again_and_again(tmp_path: Path, stamped: str) -> None:
    seed = time.time_ns()
    chance = random.Random(seed)  # noqa: S311  # Instants, no secrets.
    with outside(tmp_path, stamped) as world:
        desk = open_desk(world)
        for run in range(FEWER_KILLS if stamped else KILLS):
            desk.book(desk.pieces[run * PIECES_A_RUN :][:PIECES_A_RUN], desk.lanes[:SLOW])
            world.start(STEP)
            until(partial(world.arrived_after, len(world.posts())), STARTING, "nothing goes out any more")
            time.sleep(chance.uniform(0, 0.5))
            world.end(signal.SIGKILL)
        on_their_way = world.count(Delivery.state == S.SENDING)

        # More on the slow account than a claim lasts for: what does not fit has to be given back.
        desk.book(desk.pieces[:SLOW_PIECES], desk.lanes[SLOW:])
        world.start(STEP)
        stuck = (Delivery.state == S.SENDING, Delivery.claimed_until < world.hub.clock.now() + world.offset)
        until(lambda: not world.count(*stuck), STARTING, "rows stay on their way after lease and sweep")
        for _ in range(KILLS):
            until(lambda: not world.busy(), STARTING, "what is due does not go out")
            world.end(signal.SIGTERM)
            if not world.count(Delivery.state != S.DONE):
                break
            world.start(timedelta(minutes=2))

        arrived = Counter(world.posts())
        said = f"seed {seed}, {on_their_way} on their way at the last kill"
        assert {text: times for text, times in arrived.items() if times > 1} == {}, said
        assert (len(arrived), world.count(Delivery.state == S.DONE)) == (desk.booked, desk.booked), said
        assert world.count(Delivery.claimed_by.is_not(None)) == 0
        with world.hub.works.read() as work:
            assert work.session.scalar(select(func.count(Attempt.id)).where(Attempt.outcome == "")) == 0
            assert verify(work.session).fault is None


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def stamped(request: pytest.FixtureRequest) -> str:
    """The address of a database of each kind; empty for the one in the data folder."""
    if request.param == "sqlite":
        return ""
    url: str = request.getfixturevalue("postgres_url")
    engine = open_database(url)
    with engine.begin() as connection:
        config = schema.configuration()
        config.attributes["connection"] = connection
        command.stamp(config, "head")
    engine.dispose()
    return url


@contextmanager
def outside(folder: Path, database: str) -> Iterator[Outside]:
    """An office in a folder, platforms in another process, nothing running on it yet."""
    port, platform_port = free_port(), free_port()
    # The platforms refuse no repeats, or they would hide what the product sends twice.
    rules = WeiboRules(duplicate_seconds=0)
    config = RehearsalConfig(weibo=[weibo(lane) for lane in range(LANES + 1)], weibo_rules=rules)
    (folder / "platforms.json").write_text(config.model_dump_json(), "utf-8")
    hub = build(Settings(data=folder / "data", database_url=database, public_url=PORTAL))
    schema.migrate(hub.engine)
    platforms = started(
        ["channels.rehearsal", "--port", str(platform_port), "--config", str(folder / "platforms.json")],
        {**os.environ},
        folder / "platforms.log",
    )
    url = f"http://127.0.0.1:{platform_port}"
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
        world = Outside(hub, folder / "data", client, port)
        try:
            until(lambda: answers(f"{url}/ledger"), STARTING, "the platforms did not start")
            slow = {"kind": "delay", "platform": "weibo", "path": "2/statuses/share.json", "count": 0}
            client.post("/control/faults", json={**slow, "account": uid(SLOW), "seconds": 0.45}).raise_for_status()
            client.post("/control/faults", json={**slow, "seconds": 0.05}).raise_for_status()
            yield world
        finally:
            world.end(signal.SIGKILL)
            platforms.kill()
            platforms.wait(30)
            hub.close()


@dataclass
class Desk:
    """The office's signed pieces and its accounts, and how much was booked."""

    office: Office
    lanes: list[int]
    pieces: list[int]
    booked: int = 0

    def book(self, pieces: list[int], lanes: list[int]) -> None:
        """Books these pieces on these accounts for now."""
        for piece in pieces:
            with self.office.working("officer") as (work, who):
                for lane in lanes:
                    booking.book(work, who, Order([piece], lane, "publish"), PORTAL)
                    self.booked += 1


def open_desk(world: Outside) -> Desk:
    """An office with accounts on the platforms and pieces signed for all of them."""
    hub = world.hub
    office = make_office(hub.works, hub.blobs, hub.pages)
    url = str(world.platforms.base_url).rstrip("/")
    with hub.works.write() as work:
        rows = [
            accounts.add(
                work,
                hub.seal,
                unit_id=office.bureau.id,
                channel="weibo",
                name=uid(lane),
                code=uid(lane),
                base_url=f"{url}/weibo",
                settings={
                    "uid": uid(lane),
                    "rip": "1.2.3.4",
                    "requests_per_day": 100_000,
                    "safe_domains": [PORTAL.removeprefix("https://")],
                },
                credentials={"access_token": f"token-{lane}", "app_key": "1", "app_secret": "s"},
            )
            for lane in range(LANES + 1)
        ]
    targets = [Target(row.id, row.name, "weibo", "text", "publish") for row in rows]
    desk = Desk(office, [row.id for row in rows], [])
    for number in range(KILLS * PIECES_A_RUN):
        piece = office.piece(title=f"第{number}号通知", summary=f"第{number}号摘要")
        office.sign_off(office.submit(piece.id, targets=targets).id)
        desk.pieces.append(piece.id)
    return desk


def weibo(lane: int) -> WeiboAccount:
    """An account without limits that may read its own posts, so that a lost answer can be asked for."""
    return WeiboAccount(
        uid=uid(lane),
        name=f"微博{lane}",
        app_key="1",
        app_secret="s",
        access_token=f"token-{lane}",
        safe_domains=[PORTAL.removeprefix("https://")],
        granted=["statuses/user_timeline"],
        requests_per_day=1_000_000,
        posts_per_hour=1_000_000,
    )


def uid(lane: int) -> str:
    """An account's number on the platform."""
    return str(7_000_000_001 + lane)


def started(module: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A process of our own Python; what it says goes to a file."""
    with log.open("ab") as said:
        return subprocess.Popen([sys.executable, "-m", *module], env=environment, stdout=said, stderr=said)


def answers(url: str) -> bool:
    """Whether something answers there."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def until(met: Callable[[], bool], seconds: float, fault: str | None) -> None:
    """Waits for something; when it does not come, fails with `fault`, or goes on without one."""
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            assert fault is None, fault
            return
        time.sleep(0.02)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
