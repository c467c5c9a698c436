"""Opens the database: SQLite with the settings that keep writers apart, or PostgreSQL."""

from __future__ import annotations

import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
from sqlalchemy import Connection, Dialect, Engine, create_engine, event, exc
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from kernel.work import LOOKING

PostgresConnection: TypeAlias = "psycopg.Connection[Any]"
# A connection in use a moment ago is not asked whether it still lives: the question costs as much as any other.
IDLE_SECONDS = 1.0


def open_database(url: str, pool_size: int = 20) -> Engine:
    """An engine for the address; on SQLite a writing work begins IMMEDIATE, so that two never deadlock.

    SQLite runs in WAL mode with synchronous=FULL: a commit that says a post was sent must survive a power cut.
    `pool_size` is how many connections are kept open; twice as many may be opened at a time.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url)
    return _postgres(url, pool_size)


def _postgres(url: str, pool_size: int) -> Engine:
    """Connections for writing, and others for looking: each question of a look is a transaction of its own.

    A look of five questions then goes to the server five times; a transaction around them would add its beginning and
    its end and give nothing, for under READ COMMITTED each question sees the moment at which it is asked anyway.
    """
    kept = max(1, pool_size // 2)
    looking = create_engine(url, pool_size=kept, max_overflow=2 * pool_size - kept, isolation_level="AUTOCOMMIT")
    event.listen(looking, "connect", _only_look)
    engine = create_engine(url, pool_size=kept, max_overflow=2 * pool_size - kept)
    for one in (looking, engine):
        event.listen(one, "checkin", _note)
        event.listen(one, "checkout", partial(_ask_whether_alive, one.dialect))
    # The caller knows one engine, and its end is the other's.
    event.listen(engine, "engine_disposed", lambda _engine: looking.dispose())
    engine.update_execution_options(**{LOOKING: looking})
    return engine


def _only_look(connection: PostgresConnection, _record: Any) -> None:
    connection.autocommit = True
    connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")


def _note(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info["used"] = time.monotonic()


def _ask_whether_alive(dialect: Dialect, connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
    """A connection that lay idle may have been closed by the server, or by what stands between."""
    if time.monotonic() - record.info.get("used", time.monotonic()) < IDLE_SECONDS:
        return
    try:
        dialect.do_ping(connection)
    except psycopg.Error as gone:
        raise InvalidatePoolError from gone


def _sqlite(url: str) -> Engine:
    database = make_url(url).database
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=20, max_overflow=20)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours to say; the driver would open a deferred one.
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def is_away(error: BaseException) -> bool:
    """Whether the database could not be reached, was busy for too long, or went away in the middle."""
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, exc.OperationalError):
        # SQLite tells a statement that it cannot make out, such as of a table that is not there, in the same class.
        return getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR
    return isinstance(error, exc.TimeoutError)
