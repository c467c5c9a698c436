"""The drill behind nginx: two web processes of each face and three workers; one of each is killed in the middle.

Everything is asked through nginx's port, with the configuration that `deploy/` hands out; the portal's pages are
the files that the workers draw.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from hub.demo.platforms import write_config
from hub.drill.report import play
from hub.drill.stage import Stage, found_office, must, seconds_to_office_hours, start, until, wait_ready
from hub.drill.way_out import AUTHOR
from hub.settings import Settings
from tests.deploy import nginx
from tests.postgres import free_port

WEB = {"public-1": "public", "public-2": "public", "console-1": "console", "console-2": "console"}
WORKERS = ("worker-1", "worker-2", "worker-3")
# Nobody works while everything is booked; then one begins and is killed with a delivery in its hands.
PAUSE, KILL_WORKER, KILL_WEB = "a browser asks to be told", "book on every account", "read on the portal"


def drill(folder: Path, database: str, say: Callable[[str], None]) -> bool:
    """Plays the whole drill; True when every step came out and the audit log holds."""
    with many(folder, database) as stage:
        say(f"nginx at {stage.site} and {stage.url}, {len(WEB)} web processes, {len(WORKERS)} workers")
        between = {
            PAUSE: lambda: _signal(stage, WORKERS, signal.SIGSTOP),
            KILL_WORKER: lambda: _kill_amid_sending(stage, say),
            KILL_WEB: lambda: _kill_one_of_each(stage, say),
        }
        if not play(stage, say, between):
            return False
        verdict = _audit(folder, database)
        say(f"audit log: {verdict}")
        return "hold" in verdict


@contextmanager
def many(folder: Path, database: str) -> Iterator[Stage]:
    """The demo's office on that database, the platforms, and the product as many processes behind nginx."""
    port, platform_port = free_port(), free_port()
    site, console, platforms = (
        f"http://127.0.0.1:{port}",
        f"http://localhost:{port}",
        f"http://127.0.0.1:{platform_port}",
    )
    data, pages = folder / "data", folder / "site"
    settings = Settings(data=data, site=pages, database_url=database, public_url=site)
    ahead = seconds_to_office_hours(settings)
    tokens = found_office(settings, platforms)
    stage = Stage(folder, console, platforms, ledger_read=True, tokens=tokens, site=site)
    environment = {
        "XUANDA_DATA": str(data),
        "XUANDA_SITE": str(pages),
        "XUANDA_DATABASE_URL": database,
        "XUANDA_PUBLIC_URL": site,
        "XUANDA_CONSOLE_URL": console,
        "XUANDA_TRUSTED_PROXIES": "127.0.0.1",
        "XUANDA_REHEARSAL_URL": platforms,
        "XUANDA_DEMO": "true",
        "XUANDA_CLOCK_OFFSET": str(ahead),
        "XUANDA_ALLOWED_PRIVATE": platforms.partition("//")[2],
    }
    ports = {name: free_port() for name in WEB}
    with ExitStack() as stack:
        stack.callback(stage.close)
        config = write_config(site, folder / "rehearsal")
        arguments = ["-m", "channels.rehearsal", "--port", str(platform_port), "--config", str(config)]
        stage.processes["platforms"] = start(arguments, {}, folder / "platforms.log")
        for name in WORKERS:
            _run(stage, name, ["worker", "--portal"], environment)
        for name, face in WEB.items():
            _run(stage, name, ["serve", "--face", face, "--port", str(ports[name])], environment)
        names = {nginx.PUBLIC: "127.0.0.1", nginx.INSIDE: "localhost"}
        (folder / "nginx").mkdir()
        hubs = {face: [ports[name] for name, its in WEB.items() if its == face] for face in WEB.values()}
        stack.enter_context(nginx.running(folder / "nginx", pages, port, hubs, names))
        # Ready means that the database has the schema and that a worker's heart beats.
        for name, own in ports.items():
            wait_ready(f"http://127.0.0.1:{own}/readyz", stage.processes[name], folder / f"{name}.log")
        wait_ready(f"{platforms}/ledger", stage.processes["platforms"], folder / "platforms.log")
        httpx.post(f"{platforms}/control/clock", json={"step": ahead}, timeout=10).raise_for_status()
        yield stage


def _run(stage: Stage, name: str, command: list[str], environment: Mapping[str, str]) -> None:
    arguments = ["-m", "hub.cli", *command]
    stage.processes[name] = start(arguments, dict(environment), stage.folder / f"{name}.log")


def _kill_amid_sending(stage: Stage, say: Callable[[str], None]) -> None:
    """Only one worker works on, until something is on its way; it dies, and the others find what it had."""
    first, *others = WORKERS
    _signal(stage, [first], signal.SIGCONT)
    numbers = stage.kept["deliveries"].values()
    held = until("a delivery on its way", lambda: [one for one in numbers if _state(stage, one) == "sending"] or None)
    _kill(stage, first, say)
    say(f"          it held: {', '.join(f'delivery {one}' for one in held if _state(stage, one) == 'sending')}")
    _signal(stage, others, signal.SIGCONT)


def _kill_one_of_each(stage: Stage, say: Callable[[str], None]) -> None:
    for face in sorted(set(WEB.values())):
        _kill(stage, f"{face}-1", say)


def _state(stage: Stage, delivery: int) -> str:
    return str(must(stage.api(AUTHOR).get(f"/deliveries/{delivery}"))["state"])


def _signal(stage: Stage, names: Sequence[str], what: signal.Signals) -> None:
    for name in names:
        stage.processes[name].send_signal(what)


def _kill(stage: Stage, name: str, say: Callable[[str], None]) -> None:
    process = stage.processes.pop(name)
    process.kill()
    process.wait(30)
    say(f"          {name} was killed")


def _audit(folder: Path, database: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli", "audit", "verify"],
        env={**os.environ, "XUANDA_DATA": str(folder / "data"), "XUANDA_DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout or done.stderr).strip()
