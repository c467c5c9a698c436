"""The stage of the fault suite: rehearsal platforms as a process, the product as several, an office with signed pieces.

The platforms count what really reached them and refuse no repeats, or they would hide what the product sends twice.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import and_, func, not_, select
from sqlalchemy.exc import OperationalError

from channels.accounts import store as accounts
from channels.rehearsal.config import RehearsalConfig, WeiboAccount, WeiboRules
from content.snapshot import Target
from hub import schema
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build
from scheduler import booking
from scheduler.booking import Order
from scheduler.models import Delivery
from scheduler.states import DeliveryState
from tests.factories import PORTAL, Office, make_office

S = DeliveryState
# Long, because processes start slowly on a busy machine; nothing waits longer than it has to.
STARTING, ENDING = 300, 90
POST = "2/statuses/share.json"


@dataclass(frozen=True)
class Pace:
    """The product's periods in seconds; `step` is how far clocks are moved where a test waits for none of them."""

    lease: float = 4
    sweep: float = 1
    send_timeout: float = 2
    step: timedelta = timedelta(seconds=15)


SHORT = Pace()
AS_DELIVERED = Pace(45, 10, 20, timedelta(seconds=120))


@dataclass
class Stage:
    """The platforms' process and the product's (`parts`), which are killed and started again."""

    hub: Hub
    folder: Path
    platforms: httpx.Client
    pace: Pace
    processes: int
    offset: timedelta = timedelta()
    # The safeguard that is taken out of the product, to see the suite fail.
    without: str = ""
    parts: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def site(self) -> Path:
        """Where the portal is written."""
        return self.folder / "site"

    def start(self, processes: int = 0) -> None:
        """Runs the product: workers on PostgreSQL, serving processes on one SQLite file."""
        environment = {
            **os.environ,
            "XUANDA_DATA": str(self.folder),
            "XUANDA_SITE": str(self.site),
            "XUANDA_DATABASE_URL": self.hub.settings.database_url,
            "XUANDA_PUBLIC_URL": PORTAL,
            "XUANDA_LEASE_SECONDS": str(self.pace.lease),
            "XUANDA_SWEEP_SECONDS": str(self.pace.sweep),
            "XUANDA_SEND_TIMEOUT": str(self.pace.send_timeout),
            "XUANDA_TICK_SECONDS": "0.1",
            "XUANDA_CLOCK_OFFSET": str(self.offset.total_seconds()),
            "XUANDA_ALLOWED_PRIVATE": self.platforms.base_url.netloc.decode(),
        }
        for _ in range(processes or self.processes):
            command = ["worker", "--portal"] if self.hub.settings.uses_queue else ["serve", "--port", str(free_port())]
            module = ["tests.faults.weakened", self.without] if self.without else ["hub.cli"]
            self.parts.append(started([*module, *command], environment, self.folder / "product.log"))

    def start_later(self, moved_on: timedelta, processes: int = 0) -> None:
        """Moves both clocks on and runs the product."""
        self.offset += moved_on
        self.platforms.post("/control/clock", json={"step": moved_on.total_seconds()}).raise_for_status()
        self.start(processes)

    def end(self, how: signal.Signals, *, spare: int = 0) -> None:
        """SIGKILL gives no time for a last word; SIGTERM does. The last `spare` processes go on."""
        ended = self.parts[: len(self.parts) - spare]
        for part in ended:
            part.send_signal(how)
        for part in ended:
            part.wait(ENDING)
        self.parts = self.parts[len(ended) :]

    def break_calls(self, kind: str, lane: int | None = None, **more: Any) -> int:
        """Has the platform break calls that post, on one account or on all; returns the fault's number."""
        account = {} if lane is None else {"account": uid(lane)}
        fault = {"kind": kind, "platform": "weibo", "path": POST, **account, **more}
        answer = self.platforms.post("/control/faults", json=fault)
        answer.raise_for_status()
        return int(answer.json()["id"])

    def mend(self, number: int) -> None:
        """Takes a fault away."""
        self.platforms.delete(f"/control/faults/{number}").raise_for_status()

    def posts(self, since: int = 0) -> list[dict[str, Any]]:
        """What really arrived, in order."""
        lines = self.platforms.get("/ledger", params={"kind": "post", "since": since}).json()["entries"]
        return list(lines)

    def last(self) -> int:
        """The number of the newest line of the platforms' ledger."""
        return int(self.platforms.get("/ledger", params={"kind": "none"}).json()["last"])

    def busy(self) -> int:
        """How many deliveries are neither done nor waiting for a later moment or for a person."""
        waits = and_(Delivery.state == S.BOOKED, Delivery.next_at > self.hub.clock.now() + self.offset)
        shown = and_(Delivery.state == S.UNKNOWN, Delivery.next_at.is_(None))
        return self.count(Delivery.state != S.DONE, not_(waits), not_(shown))

    def claimants(self) -> set[str | None]:
        """Who has something on its way."""
        with self.hub.works.read() as work:
            return set(work.session.scalars(select(Delivery.claimed_by).where(Delivery.state == S.SENDING)))

    def count(self, *where: Any) -> int:
        """How many deliveries are like that."""
        with self.hub.works.read() as work:
            return work.session.scalar(select(func.count(Delivery.id)).where(*where)) or 0

    def rows(self, ids: Sequence[int]) -> list[Delivery]:
        """These deliveries as they stand; waits for a database that is away."""
        for _ in range(STARTING * 2):
            try:
                with self.hub.works.read() as work:
                    query = select(Delivery).where(Delivery.id.in_(ids)).order_by(Delivery.id)
                    return list(work.session.scalars(query))
            except OperationalError:
                time.sleep(0.5)
        raise AssertionError("the database did not come back")


@dataclass
class Desk:
    """The office's people and its accounts; a lane is an account's place in the list."""

    office: Office
    lanes: list[int]
    booked: int = 0

    def sign(self, name: str, lanes: Sequence[int]) -> int:
        """A piece signed for these accounts."""
        piece = self.office.piece(title=name, summary=f"{name}的摘要")
        targets = [Target(self.lanes[lane], uid(lane), "weibo", "text", "publish") for lane in lanes]
        targets = targets or self.office.targets("portal")
        self.office.sign_off(self.office.submit(piece.id, targets=targets).id)
        return piece.id

    def book(self, pieces: Sequence[int], lanes: Sequence[int]) -> list[int]:
        """Books these pieces on these accounts for now, on the portal where none is named; returns the deliveries."""
        accounts = [self.lanes[lane] for lane in lanes] or [self.office.accounts["portal"].id]
        made = []
        with self.office.working("officer") as (work, who):
            for piece in pieces:
                for account in accounts:
                    made.append(booking.book(work, who, Order([piece], account, "publish"), PORTAL))
        self.booked += len(made)
        return [row.id for row in made]


@contextmanager
def staged(folder: Path, database: str, lanes: int, processes: int, pace: Pace = SHORT) -> Iterator[tuple[Stage, Desk]]:
    """An office in a folder with accounts at platforms in another process; nothing of the product runs yet."""
    port = free_port()
    config = RehearsalConfig(
        weibo=[_account(lane) for lane in range(lanes)], weibo_rules=WeiboRules(duplicate_seconds=0)
    )
    (folder / "platforms.json").write_text(config.model_dump_json(), "utf-8")
    data = folder / "data"
    hub = build(Settings(data=data, site=data / "site", database_url=database, public_url=PORTAL))
    schema.migrate(hub.engine)
    platforms = started(
        ["channels.rehearsal", "--port", str(port), "--config", str(folder / "platforms.json")],
        {**os.environ},
        folder / "platforms.log",
    )
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
        stage = Stage(hub, data, client, pace, processes)
        try:
            until(lambda: answers(f"{url}/ledger"), STARTING, "the platforms did not start")
            yield stage, _open_desk(stage, lanes)
        finally:
            stage.end(signal.SIGKILL)
            platforms.kill()
            platforms.wait(30)
            hub.close()


@contextmanager
def small_disk(folder: Path, megabytes: int = 32) -> Iterator[Path | None]:
    """A file system of its own at that folder; None where this machine allows none to be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = shutil.which("mount") or "mount"
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run([mount, *options], capture_output=True, check=False).returncode != 0:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run([shutil.which("umount") or "umount", "-l", str(folder)], check=True)


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


def until(met: Callable[[], bool], seconds: float, fault: str | None) -> bool:
    """Waits for something; when it does not come, fails with `fault`, or says False without one."""
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            assert fault is None, fault
            return False
        time.sleep(0.1)
    return True


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _open_desk(stage: Stage, lanes: int) -> Desk:
    hub = stage.hub
    office = make_office(hub.works, hub.blobs, hub.pages)
    url = str(stage.platforms.base_url).rstrip("/")
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
                    "requests_per_day": 1_000_000,
                    "safe_domains": [PORTAL.removeprefix("https://")],
                },
                credentials={"access_token": f"token-{lane}", "app_key": "1", "app_secret": "s"},
            )
            for lane in range(lanes)
        ]
    return Desk(office, [row.id for row in rows])


def _account(lane: int) -> WeiboAccount:
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
