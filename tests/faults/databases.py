"""The databases of the fault suite, each of which can be away for a while."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sqlalchemy import create_engine, make_url, text

from tests import postgres


class Database(Protocol):
    """An address, and a way to take what stands there away."""

    url: str

    def away(self, seconds: float) -> None:
        """Nobody can use it for so long."""


class SqliteFile:
    """The file in the data folder; away means that another program holds it exclusively."""

    url = ""

    def __init__(self, file: Path) -> None:
        self.file = file

    def away(self, seconds: float) -> None:
        """Locks the file."""
        other = sqlite3.connect(self.file, isolation_level=None, timeout=30)
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(seconds)
        other.execute("ROLLBACK")
        other.close()


class PostgresServer:
    """A database on a server of its own; away means that the server is stopped."""

    def __init__(self, server: postgres.Server, name: str) -> None:
        self.server = server
        self.url = make_url(server.url).set(database=name).render_as_string(hide_password=False)

    def away(self, seconds: float) -> None:
        """Stops the server as a crash would, and starts it again."""
        self.server.kill()
        time.sleep(seconds)
        self.server.start()


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Database]:
    """A fresh database of this kind."""
    if kind == "sqlite":
        yield SqliteFile(folder / "data" / "xuanda.db")
        return
    with postgres.running() as server:
        admin = create_engine(server.url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text("CREATE DATABASE faults TEMPLATE template0"))
        admin.dispose()
        yield PostgresServer(server, "faults")
