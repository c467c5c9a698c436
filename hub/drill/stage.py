"""What a drill is played on: a throw-away office, the product and the platforms as processes, clients for people."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlalchemy import select

from hub import schema
from hub.auth import tokens
from hub.demo.fill import found
from hub.demo.platforms import write_config
from hub.drill import faces
from hub.drill.faces import Apart
from hub.drill.sites import open_sites
from hub.errors import CannotRun
from hub.settings import Settings
from hub.wiring import build
from kernel.office_rules import set_rule
from kernel.people import Person, Unit
from kernel.work import Actor
from kernel.workdays import Workdays
from scheduler.windows import ENDS, STARTS

Answer = TypeVar("Answer")

READY_SECONDS = 60.0
PATIENCE_SECONDS = 30.0


class DrillFailed(Exception):
    """A step did not come out as it must; the text says what was expected and what was seen."""


@dataclass
class Stage:
    """The addresses of the drill, and what its steps remember for one another."""

    folder: Path
    url: str
    platforms: str
    ledger_read: bool
    tokens: dict[str, str]
    # Where citizens and platforms come: the product itself, or the outer side where the two faces are apart.
    site: str
    # How long the site may take to follow: no time at all, unless it stands on another host.
    patience: float = 0.0
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def api(self, login: str) -> httpx.Client:
        """A client of the JSON API in somebody's name."""
        if login not in self.clients:
            headers = {"Authorization": f"Bearer {self.tokens[login]}"}
            self.clients[login] = httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=30)
        return self.clients[login]

    def public(self) -> httpx.Client:
        """A client without any name: a citizen's browser."""
        if "" not in self.clients:
            self.clients[""] = httpx.Client(base_url=self.site, timeout=30)
        return self.clients[""]

    def ledger(self, **wanted: str) -> list[dict[str, Any]]:
        """What the platforms wrote down; empty where they keep no ledger for us."""
        if not self.ledger_read:
            return []
        answer = httpx.get(f"{self.platforms}/ledger", params=wanted, timeout=10).raise_for_status().json()
        entries: list[dict[str, Any]] = answer["entries"]
        return entries

    def close(self) -> None:
        """Ends everything the drill started."""
        for client in self.clients.values():
            client.close()
        for process in self.processes.values():
            stop(process)


def until(what: str, look: Callable[[], Answer | None], seconds: float = 30.0) -> Answer:
    """Looks again and again until there is an answer; raises DrillFailed when the time is up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = look()
        if answer is not None:
            return answer
        time.sleep(0.1)
    raise DrillFailed(f"{what}: not within {seconds:.0f} s")


def patiently(stage: Stage, look: Callable[[], Answer]) -> Answer:
    """What a step sees on the site, as soon as the site has followed."""
    end = time.monotonic() + stage.patience
    while True:
        try:
            return look()
        except (DrillFailed, httpx.HTTPStatusError):
            if time.monotonic() >= end:
                raise
            time.sleep(0.1)


def must(answer: httpx.Response, *codes: int) -> Any:
    """The answer's JSON; raises DrillFailed unless it came with one of these codes (default 200 or 201)."""
    if answer.status_code not in (codes or (200, 201)):
        said = answer.text[:300].replace("\n", " ")
        raise DrillFailed(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {said}")
    kind = answer.headers.get("content-type", "")
    return answer.json() if "json" in kind else answer.text


@contextmanager
def stage(platforms: str = "", apart: Apart | None = None) -> Iterator[Stage]:
    """A fresh office in a throw-away folder, the product beside the platforms, ready to be used.

    With two faces `apart`, an outer side in a folder of its own stands between the product and everybody else.
    """
    folder = Path(tempfile.mkdtemp(prefix="xuanda-drill-"))
    port, platform_port = free_port(), free_port()
    base = platforms.rstrip("/") or f"http://127.0.0.1:{platform_port}"
    url = f"http://127.0.0.1:{port}"
    outside = faces.between(apart, folder, free_port()) if apart else None
    site = outside.site if outside else url
    settings = Settings(data=folder, host="127.0.0.1", port=port, public_url=site)
    ahead = seconds_to_office_hours(settings)
    built = Stage(folder, url, base, ledger_read=not platforms, tokens=found_office(settings, base), site=site)
    built.patience = PATIENCE_SECONDS if apart else 0.0
    called = [base.partition("//")[2].partition("/")[0]]
    try:
        if not platforms:
            config = write_config(site, folder / "rehearsal")
            arguments = ["-m", "channels.rehearsal", "--port", str(platform_port), "--config", str(config)]
            built.processes["platforms"] = start(arguments, {}, folder / "platforms.log")
            wait_ready(f"{base}/ledger", built.processes["platforms"], folder / "platforms.log")
            called += open_sites(settings, base)
        more = {"XUANDA_PUBLIC_URL": site, "XUANDA_ALLOWED_PRIVATE": ",".join(called)}
        if outside is not None:
            more |= outside.inner
            environment = {
                "XUANDA_CLOCK_OFFSET": str(ahead),
                "XUANDA_DEMO": "true",
                "XUANDA_ALLOWED_PRIVATE": base.partition("//")[2].partition("/")[0],
                **outside.outer,
            }
            built.processes["outer"] = start(["-m", "hub.cli", "serve", "--face", "outer"], environment, outside.log)
            wait_ready(f"{site}/readyz", built.processes["outer"], outside.log)
        built.processes["product"] = start_product(folder, port, base, ahead, more)
        wait_ready(f"{url}/readyz", built.processes["product"], folder / "product.log")
        if not platforms:
            httpx.post(f"{base}/control/clock", json={"step": ahead}, timeout=10).raise_for_status()
        with outside.carried() if outside else nullcontext():
            yield built
    finally:
        built.close()
        shutil.rmtree(folder, ignore_errors=True)


def seconds_to_office_hours(settings: Settings) -> float:
    """How far the drill's clocks are moved on, so that people are at their desks whenever it is played."""
    now = datetime.now(UTC)
    days = Workdays(settings.office_zone)
    soon = days.next_opening(now + timedelta(minutes=20))
    return 0.0 if days.open_at(now) and soon - now <= timedelta(minutes=20) else (soon - now).total_seconds() + 1800


def start_product(
    folder: Path, port: int, platforms: str, ahead: float = 0.0, more: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts `xuanda serve` on the drill's folder."""
    environment = {
        "XUANDA_DATA": str(folder),
        "XUANDA_HOST": "127.0.0.1",
        "XUANDA_PORT": str(port),
        "XUANDA_REHEARSAL_URL": platforms,
        "XUANDA_DEMO": "true",
        "XUANDA_CLOCK_OFFSET": str(ahead),
        "XUANDA_ALLOWED_PRIVATE": platforms.partition("//")[2].partition("/")[0],
        **(more or {}),
    }
    return start(["-m", "hub.cli", "serve"], environment, folder / "product.log")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a process of ours and waits for it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def found_office(settings: Settings, platforms: str) -> dict[str, str]:
    """Makes the demo's office without any piece; returns a token of each person's."""
    hub = build(settings)
    try:
        schema.migrate(hub.engine)
    finally:
        hub.close()
    found(settings, platforms)
    hub = build(settings)
    try:
        with hub.works.write(Actor("drill")) as work:
            # The drill passes at any hour: nobody real is woken by what it pushes.
            for unit in work.session.scalars(select(Unit).where(Unit.parent_id.is_(None))):
                set_rule(work, ENDS.name, unit.id, STARTS.default)
            people = work.session.scalars(select(Person)).all()
            return {person.login: tokens.create(work, person, "drill")[1] for person in people}
    finally:
        hub.close()


def start(arguments: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Starts our own Python with these arguments; what it says goes to a file."""
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603  # Our own modules with fixed arguments.
            [sys.executable, *arguments],
            env={**os.environ, **environment},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until a process answers there; raises CannotRun, with the end of its log, when it has stopped."""

    def look() -> bool | None:
        if process.poll() is not None:
            raise CannotRun(why=f"A process of the drill stopped while starting:\n{log.read_text('utf-8')[-2000:]}")
        try:
            return httpx.get(url, timeout=2).status_code == 200 or None
        except httpx.HTTPError:
            return None

    until(url, look, READY_SECONDS)
