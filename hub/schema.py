"""Brings a database to the schema of this version, and says whether it has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from hub.errors import CannotRun

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Applies every migration the database lacks, all of them or none."""
    with _apart(engine) as connection, connection.begin():
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _still_whole(connection)


def is_current(engine: Engine) -> bool:
    """Whether the database stands at the newest migration."""
    with engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_heads()
    return set(present) == set(newest())


def newest() -> tuple[str, ...]:
    """The newest migrations this version knows; empty before there is any."""
    return tuple(ScriptDirectory.from_config(configuration()).get_heads())


def configuration() -> Config:
    """Alembic's settings, without a file of their own."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


@contextmanager
def _apart(engine: Engine) -> Iterator[Connection]:
    """A connection on which a table may be rebuilt while others refer to its rows.

    SQLite changes a table by copying it and dropping the old one, which its foreign keys forbid as soon as there is
    a row that refers to it; they can be switched off only outside a transaction.
    """
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            yield connection
            return
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            driver.execute("PRAGMA foreign_keys=ON")


def _still_whole(connection: Connection) -> None:
    """Raises CannotRun, which rolls all of it back, where a row refers to one that is not there."""
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = ", ".join(sorted({str(row[0]) for row in broken}))
        raise CannotRun(
            why=f"The database was left as it was: rows of {tables} refer to rows that are not there. "
            "Restore a backup (xuanda restore --verify), then run this again."
        )
