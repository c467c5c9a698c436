"""The two ways into a PostgreSQL database: one that writes, one that looks; and connections that died meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from hub import db
from hub.db import open_database
from kernel.clock import StillClock
from kernel.people import Unit, add_unit
from kernel.work import Works

pytestmark = pytest.mark.postgresql

OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def works(postgres_url: str) -> Iterator[Works]:
    engine = open_database(postgres_url)
    yield Works(engine, StillClock())
    engine.dispose()


def look(works: Works) -> list[str]:
    with works.read() as work:
        return list(work.session.scalars(select(Unit.code)))


def write(works: Works, code: str) -> None:
    with works.write() as work:
        add_unit(work.session, code, code)


def driver_of(work: Any) -> psycopg.Connection[Any]:
    driver: psycopg.Connection[Any] = work.session.connection().connection.driver_connection
    return driver


def test_a_look_holds_no_transaction_and_a_writing_work_is_one(works: Works) -> None:
    with works.read() as work:
        work.session.scalars(select(Unit.code)).all()
        assert driver_of(work).info.transaction_status == TransactionStatus.IDLE
    with works.write() as work:
        work.session.scalars(select(Unit.code)).all()
        assert driver_of(work).info.transaction_status == TransactionStatus.INTRANS


def test_a_look_cannot_write_even_past_the_session(works: Works) -> None:
    with works.read() as work, pytest.raises(DBAPIError, match="read-only"):
        work.session.execute(text("DELETE FROM unit"))
    write(works, "city")  # What looks leaves nothing behind for who writes.
    assert look(works) == ["city"]


def test_connections_that_the_server_closed_meanwhile_are_replaced(
    works: Works, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "IDLE_SECONDS", 0.0)
    write(works, "city")
    assert look(works) == ["city"]
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as admin:
        assert len(admin.execute(OTHERS).fetchall()) == 2
        admin.execute(END_OTHERS)
        while admin.execute(OTHERS).fetchone():
            pass
    write(works, "bureau")
    assert sorted(look(works)) == ["bureau", "city"]


def test_only_a_connection_that_lay_idle_is_asked_whether_it_lives(
    works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Engine] = []
    for one in (works.engine, works.looking):
        ping = one.dialect.do_ping
        monkeypatch.setattr(one.dialect, "do_ping", lambda raw, one=one, ping=ping: asked.append(one) or ping(raw))
    for _ in range(3):
        write(works, f"unit-{_}")
        look(works)
    assert asked == []
    monkeypatch.setattr(db, "IDLE_SECONDS", 0.0)
    look(works)
    write(works, "last")
    assert asked == [works.looking, works.engine]


def test_the_end_of_one_is_the_end_of_both(works: Works) -> None:
    write(works, "city")
    look(works)
    closed: list[object] = []
    for one in (works.engine, works.looking):
        event.listen(one, "close", lambda raw, _record: closed.append(raw))
    works.engine.dispose()
    assert len(closed) == 2


def test_a_statement_that_cannot_be_made_out_is_no_absence(tmp_path: Path) -> None:
    file = tmp_path / "xuanda.db"
    engine = open_database(f"sqlite:///{file}")
    with pytest.raises(OperationalError) as missing, engine.connect() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")
    engine.dispose()
    assert not db.is_away(missing.value)

    file.unlink()
    file.mkdir()
    with pytest.raises(OperationalError) as away, engine.connect():
        pass
    assert db.is_away(away.value)
