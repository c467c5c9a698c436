"""A throw-away PostgreSQL server for the tests, where its programs are installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


def programs() -> Path | None:
    """The folder that holds initdb and postgres, or None."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return candidates[-1].parent if candidates else None


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Starts a server of its own on a free loopback port; yields the address of its `postgres` database.

    Only a `durable` one waits for the disk, as every office's does; tests do not need to.
    """
    folder = programs()
    if folder is None:
        raise RuntimeError("PostgreSQL's programs are not installed")
    data = Path(tempfile.mkdtemp(prefix="xuanda-pg-"))
    as_user = _as_user(data)
    subprocess.run(
        [*as_user, str(folder / "initdb"), "-D", str(data / "db"), "-U", "xuanda", "-A", "trust", "-E", "UTF8"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    port = free_port()
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={data}"
    options += "" if durable else " -c fsync=off"
    with (data / "log").open("wb") as log:
        process = subprocess.Popen(
            [*as_user, str(folder / "postgres"), "-D", str(data / "db"), *options.split()],
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd="/",
        )
    try:
        _wait(port, process, data / "log")
        yield f"postgresql+psycopg://xuanda@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.wait(timeout=30)
        shutil.rmtree(data, ignore_errors=True)


def _as_user(data: Path) -> list[str]:
    # initdb refuses to run as root, so root lends the folder to Debian's own postgres user.
    if os.geteuid() != 0:
        return []
    shutil.chown(data, "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]


def free_port() -> int:
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
