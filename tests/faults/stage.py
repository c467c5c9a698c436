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
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
from sqlalchemy import and_, func, not_, or_, select
from sqlalchemy.exc import OperationalError

from content.snapshot import Target
from hub import schema
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build
from kernel.office_rules import set_rule
from scheduler import booking, windows
from scheduler.booking import Order
from scheduler.models import Delivery
from scheduler.states import DeliveryState
from tests.factories import PORTAL, Office, make_office
from tests.faults import accounts
from tests.faults.accounts import Arrival, Browser, Kind

S = DeliveryState
# What a question may wait for before it is worth moving the clocks.
A_WHILE = timedelta(seconds=9)
# Long, because processes start slowly on a busy machine; nothing waits longer than it has to.
STARTING, ENDING = 300, 90
LONGEST_AWAY = 900


@dataclass(frozen=True)
class Pace:
    """The product's periods in seconds; `step` is how far clocks are moved where a test waits for none of them."""

    lease: float = 4
    sweep: float = 1
    send_timeout: float = 2
    step: timedelta = timedelta(seconds=15)


SHORT = Pace()
AS_DELIVERED = Pace(45, 10, 20, timedelta(seconds=120))


class Process(Protocol):
    """What is killed and waited for."""

    def send_signal(self, sig: int, /) -> None:
        """Sends it a signal."""

    def wait(self, timeout: float | None = None, /) -> object:
        """Waits until it has ended."""


def started(module: Sequence[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A process of our own Python; what it says goes to a file."""
    with log.open("ab") as said:
        return subprocess.Popen([sys.executable, "-m", *module], env=environment, stdout=said, stderr=said)


Begin = Callable[[Sequence[str], Mapping[str, str], Path], Process]
"""Begins what `python -m` runs for these words, in such an environment; what it says goes to a file."""


@dataclass
class Stage:
    """The platforms' process and the product's (`parts`), which are killed and started again."""

    hub: Hub
    folder: Path
    platforms: httpx.Client
    pace: Pace
    processes: int
    kinds: Sequence[Kind]
    # Where platforms push to: the first serving process.
    port: int
    offset: timedelta = timedelta()
    # A push service that never answers.
    deaf: str = ""
    # The safeguard that is taken out of the product, to see the suite fail.
    without: str = ""
    begin: Begin = started
    parts: list[Process] = field(default_factory=list)
    given_up: threading.Event = field(default_factory=threading.Event)

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
            "XUANDA_ALLOWED_PRIVATE": ",".join([self.platforms.base_url.netloc.decode(), *self._deaf()]),
        }
        module = ["tests.faults.weakened", self.without] if self.without else ["hub.cli"]
        for command in self._commands(processes or self.processes):
            self.parts.append(self.begin([*module, *command], environment, self.folder / "product.log"))

    def _deaf(self) -> list[str]:
        return [self.deaf.partition("//")[2]] if self.deaf else []

    def _commands(self, processes: int) -> list[list[str]]:
        """Whom platforms push to comes first; it is ended first too."""
        serving = ["serve", "--port", str(self.port)]
        if not self.hub.settings.uses_queue:
            return [serving, *(["serve", "--port", str(free_port())] for _ in range(processes - 1))]
        listens = processes > 1 and any(kind.called_back for kind in self.kinds)
        return [*([serving] if listens else []), *(["worker", "--portal"] for _ in range(processes))]

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

    def break_calls(self, kind: str, lane: int, **more: Any) -> int:
        """Has the platform break calls that post on an account, or on that of a browser; returns the fault's number."""
        about = self.kinds[lane]
        platform = {"web_push": "webpush"}.get(about.channel, about.channel)
        # A push service knows browsers only.
        account = "" if about.browsers else accounts.number_of(about, lane)
        known = {"platform": platform, "path": about.path, "account": account}
        answer = self.platforms.post("/control/faults", json={"kind": kind, **known, **more})
        answer.raise_for_status()
        return int(answer.json()["id"])

    def mend(self, number: int) -> None:
        """Takes a fault away."""
        self.platforms.delete(f"/control/faults/{number}").raise_for_status()

    def arrived(self, since: int = 0) -> list[Arrival]:
        """What really arrived, in order."""
        kinds = ",".join(sorted({kind.seen for kind in self.kinds}))
        lines = self.platforms.get("/ledger", params={"kind": kinds, "since": since}).json()["entries"]
        return [one for line in lines for one in accounts.arrivals(line)]

    def last(self) -> int:
        """The number of the newest line of the platforms' ledger."""
        return int(self.platforms.get("/ledger", params={"kind": "none"}).json()["last"])

    def busy(self) -> int:
        """How many deliveries are neither done nor waiting for a later moment or for a person."""
        now = self.hub.clock.now() + self.offset
        waits = or_(
            and_(Delivery.state == S.BOOKED, Delivery.next_at > now),
            and_(Delivery.state.in_((S.ACCEPTED, S.UNKNOWN)), Delivery.next_at > now + A_WHILE),
        )
        shown = and_(Delivery.state.in_((S.UNKNOWN, S.HELD, S.FAILED)), Delivery.next_at.is_(None))
        return self.count(Delivery.state != S.DONE, not_(waits), not_(shown))

    def unsure(self) -> Counter[str]:
        """By delivery, of how many browsers nobody knows whether they got its notice."""
        with self.hub.works.read() as work:
            return accounts.unsure(work)

    def shown(self, key: str) -> dict[int, str]:
        """What is written of each browser of a delivery."""
        with self.hub.works.read() as work:
            return accounts.told(work, key)

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
        for _ in range(LONGEST_AWAY * 2):
            try:
                with self.hub.works.read() as work:
                    query = select(Delivery).where(Delivery.id.in_(ids)).order_by(Delivery.id)
                    return list(work.session.scalars(query))
            except OperationalError:
                if self.given_up.wait(0.5):
                    break
        raise AssertionError("the database did not come back")

    @contextmanager
    def given_up_on_failure(self) -> Iterator[None]:
        """Nobody waits any longer for a database that is away when what runs in here fails."""
        try:
            yield
        except BaseException:
            self.given_up.set()
            raise


@dataclass
class Desk:
    """The office's people and its accounts; a lane is an account's place in the list, no lane is the portal."""

    office: Office
    kinds: Sequence[Kind]
    lanes: list[int]
    browsers: dict[int, list[Browser]]
    booked: int = 0

    def sign(self, name: str, lanes: Sequence[int]) -> int:
        """A piece signed for these accounts."""
        words: dict[str, Any] = {"title": name, "summary": f"{name}的摘要"}
        piece = self.office.piece(**words)
        if any(self.kinds[lane].style == "layout" for lane in lanes):
            self.office.save(piece.id, cover_id=self.office.picture(piece.id).id, **words)
        targets = [self._target(lane) for lane in lanes] or self.office.targets("portal")
        self.office.sign_off(self.office.submit(piece.id, targets=targets).id)
        return piece.id

    def _target(self, lane: int) -> Target:
        kind = self.kinds[lane]
        return Target(self.lanes[lane], accounts.number_of(kind, lane), kind.channel, kind.style, kind.action)

    def book(self, pieces: Sequence[int], lanes: Sequence[int]) -> list[int]:
        """Books these pieces on these accounts for now, on the portal where none is named; returns the deliveries."""
        chosen = [(self.lanes[lane], self.kinds[lane].action) for lane in lanes]
        chosen = chosen or [(self.office.accounts["portal"].id, "publish")]
        made = []
        with self.office.working("officer") as (work, who):
            for piece in pieces:
                for account, action in chosen:
                    made.append(booking.book(work, who, Order([piece], account, action), PORTAL))
        self.booked += len(made)
        return [row.id for row in made]


@contextmanager
def staged(
    folder: Path, database: str, kinds: Sequence[Kind], processes: int, pace: Pace = SHORT, *, begin: Begin = started
) -> Iterator[tuple[Stage, Desk]]:
    """An office in a folder with accounts at platforms in another process; nothing of the product runs yet."""
    port, callbacks = free_port(), free_port()
    config = accounts.config_of(kinds, f"http://127.0.0.1:{callbacks}")
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
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(base_url=url, timeout=20, trust_env=False))
        stage = Stage(hub, data, client, pace, processes, kinds, callbacks, begin=begin)
        if any(kind.hanging for kind in kinds):
            stage.deaf = stack.enter_context(accounts.deaf_service())
        try:
            until(lambda: answers(f"{url}/ledger"), STARTING, "the platforms did not start")
            yield stage, _open_desk(stage)
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


def _open_desk(stage: Stage) -> Desk:
    hub = stage.hub
    office = make_office(hub.works, hub.blobs, hub.pages)
    url = str(stage.platforms.base_url).rstrip("/")
    lanes: list[int] = []
    opened = [
        [
            *accounts.opened(stage.platforms, kind.browsers - kind.hanging),
            *accounts.opened(stage.platforms, kind.hanging, stage.deaf),
        ]
        for kind in stage.kinds
    ]
    browsers: dict[int, list[Browser]] = {}
    with hub.works.write() as work:
        # What rings is to go out at whatever hour this runs.
        set_rule(work, windows.ENDS.name, office.bureau.id, windows.STARTS.default)
        for lane, kind in enumerate(stage.kinds):
            lanes.append(accounts.register(work, hub.seal, office.bureau.id, url, kind, lane))
            browsers[lane] = accounts.subscribe(work, lanes[lane], opened[lane])
    return Desk(office, stage.kinds, lanes, browsers)
