"""A throw-away PostgreSQL server for the tests, where its programs are installed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg


def programs() -> Path | None:
    """The folder that holds initdb and postgres, or None."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return candidates[-1].parent if candidates else None


class Server:
    """A server of its own on a free loopback port, which can be killed and started again."""

    def __init__(self, folder: Path, data: Path, *, durable: bool) -> None:
        self._folder = folder
        self._data = data
        self._durable = durable
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"postgresql+psycopg://xuanda@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -c port={self._port} -c unix_socket_directories={self._data}"
        options += "" if self._durable else " -c fsync=off"
        with (self._data / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_user(self._data), str(self._folder / "postgres"), "-D", str(self._data / "db"), *options.split()],
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd="/",
            )
        _wait(self._port, self._process, self._data / "log")

    def stop(self) -> None:
        """Ends it in an orderly way."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once, without a checkpoint and without a word to anybody connected.

        Each of its processes gets its own SIGKILL: told to end by itself, the first waits for the others.
        """
        if self._process is None:
            return
        # While it stands still it replaces none of those that go.
        self._process.send_signal(signal.SIGSTOP)
        others = _children(self._process.pid)
        for other in others:
            with suppress(ProcessLookupError):
                os.kill(other, signal.SIGKILL)
        self._end(signal.SIGKILL)
        # A new server refuses to start while one of them still holds the shared memory.
        for _ in range(300):
            if not any(Path(f"/proc/{other}").exists() for other in others):
                return
            time.sleep(0.1)
        raise RuntimeError(f"PostgreSQL's processes did not end within 30 s: {others}")

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=30)


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Starts a server; yields the address of its `postgres` database.

    Only a `durable` one waits for the disk, as every office's does; tests do not need to.
    """
    with running(durable=durable) as made:
        yield made.url


@contextmanager
def running(*, durable: bool = False) -> Iterator[Server]:
    """Starts a server, and removes it and all it kept in the end."""
    folder = programs()
    if folder is None:
        raise RuntimeError("PostgreSQL's programs are not installed")
    data = Path(tempfile.mkdtemp(prefix="xuanda-pg-"))
    subprocess.run(
        [*_as_user(data), str(folder / "initdb"), "-D", str(data / "db"), "-U", "xuanda", "-A", "trust", "-E", "UTF8"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    made = Server(folder, data, durable=durable)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        shutil.rmtree(data, ignore_errors=True)


def _as_user(data: Path) -> list[str]:
    # initdb refuses to run as root, so root lends the folder to Debian's own postgres user.
    if os.geteuid() != 0:
        return []
    shutil.chown(data, "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


def _children(pid: int) -> list[int]:
    """The processes that this one started and that have not ended."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()]


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(150):
        if process.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-500:]}")
        try:  # It takes connections before it answers them, and says then that it is starting up.
            psycopg.connect(f"postgresql://xuanda@127.0.0.1:{port}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("PostgreSQL did not answer within 15 s")
