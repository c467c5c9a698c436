"""Moving to PostgreSQL: every row arrives as it was, or nothing does."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Engine,
    Integer,
    LargeBinary,
    Table,
    create_engine,
    func,
    insert,
    inspect,
    make_url,
    null,
    select,
    text,
)
from sqlalchemy.types import JSON, TypeDecorator
from typer.testing import CliRunner

from hub import cli, schema
from hub.db import open_database
from hub.errors import CannotRun
from hub.moving import BATCH, move_database, same, set_aside
from hub.tables import metadata
from kernel import audit
from kernel.blobs import Blobs
from kernel.clock import StillClock
from kernel.people import Person
from kernel.work import Works
from scheduler import booking
from scheduler.booking import Order
from templates.engine import Engine as Pages
from tests.factories import PORTAL, make_office

pytestmark = pytest.mark.postgresql

MANY = BATCH + 7


@pytest.fixture
def old(filled: Path, tmp_path: Path) -> str:
    """The address of a SQLite installation in which every table has rows, one of them more than a batch."""
    shutil.copyfile(filled, tmp_path / "xuanda.db")
    return f"sqlite:///{tmp_path / 'xuanda.db'}"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of which each test has a copy."""
    tmp_path = tmp_path_factory.mktemp("filled")
    url = f"sqlite:///{tmp_path / 'xuanda.db'}"
    engine = open_database(url)
    schema.migrate(engine)
    works = Works(engine, StillClock())
    office = make_office(works, Blobs(tmp_path / "files"), Pages())
    release = office.signed_release("portal", title="含“引号”与🙂的标题")
    with office.working("officer") as (work, who):
        booking.book(work, who, Order([release.piece_id], office.accounts["portal"].id, "publish"), PORTAL)
    for number in range(3):
        with works.write() as work:
            work.audit("probe.done", None, number=number, words="宣")
    _fill(engine)
    engine.dispose()
    return tmp_path / "xuanda.db"


@pytest.fixture
def new(postgres_server: str) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    name = f"moved_{uuid.uuid4().hex}"
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def test_every_row_arrives_as_it_was(old: str, new: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XUANDA_DATA", str(tmp_path / "data"))
    before = _everything(old)
    result = CliRunner().invoke(cli.app, ["move-database", "--from", old, "--to", new])
    assert result.exit_code == 0, result.output
    assert [name for name, rows in before.items() if not rows] == []
    for name, rows in before.items():
        assert f"{name:<24} {len(rows):>10,} rows the same" in result.output
    after = _everything(new)
    differing = [name for name, rows in before.items() if not same(rows, after[name])]
    assert differing == ["audit_head", "audit_line"]  # The move itself is the one line more.
    assert after["audit_line"][:-1] == before["audit_line"]

    works = Works(open_database(new), StillClock())
    with works.read() as work:
        assert audit.verify(work.session).fault is None
        assert work.session.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'lane'"))
        empty = "SELECT count(*) FILTER (WHERE scopes IS NULL), count(*) FILTER (WHERE scopes = 'null') FROM api_token"
        assert work.session.execute(text(empty)).one() == (1, 1)
    with works.write() as work:
        work.session.add(Person(unit_id=before["unit"][0]["id"], name="新人", login="the-next-number"))
    works.engine.dispose()
    assert not Path(make_url(old).database or "").exists()
    with pytest.raises(CannotRun, match="There is no file"):
        move_database(old, new)


def test_rows_that_cannot_be_kept_are_named_and_nothing_is_moved(old: str, new: str) -> None:
    words = _everything(old)["listed_word"]
    first, last = words[0]["id"], words[-1]["id"]
    _change(
        old,
        "UPDATE listed_word SET word = 'a' || char(0) || 'b' WHERE id = (SELECT min(id) FROM listed_word)",
        "UPDATE listed_word SET word = printf('%999s', '长') WHERE id = (SELECT max(id) FROM listed_word)",
    )
    with pytest.raises(CannotRun) as refused:
        move_database(old, new)
    assert f"listed_word, row {first}: " in str(refused.value)
    assert f"listed_word, row {last}: value too long" in str(refused.value)
    assert not any(_everything(new).values())

    _change(old, "UPDATE listed_word SET word = 'mended' || id", "UPDATE duty_mark SET due_at = 'soon'")
    with pytest.raises(CannotRun, match="duty_mark, the first row: cannot be read"):
        move_database(old, new)
    _change(old, "UPDATE duty_mark SET due_at = '2026-03-02 00:00:00.000000'")
    assert move_database(old, new) == sum(map(len, _everything(old).values()))


def test_rows_that_refer_to_nothing_are_named(old: str, new: str) -> None:
    _change(old, "UPDATE freeze SET unit_id = 777")  # Without the switch that would refuse it.
    with pytest.raises(CannotRun, match="freeze, row 1: refers to a row of unit that is not there"):
        move_database(old, new)


def test_a_killed_move_leaves_nothing_and_is_begun_again(old: str, new: str) -> None:
    # It dies after everything was written, when the first table has been compared.
    program = f"import os, hub.moving as m; m.move_database({old!r}, {new!r}, lambda line: os.kill(os.getpid(), 9))"
    died = subprocess.run([sys.executable, "-c", program], check=False, env={**os.environ})
    assert died.returncode == -signal.SIGKILL
    assert not any(_everything(new).values())
    assert move_database(old, new) == sum(map(len, _everything(old).values()))
    with pytest.raises(CannotRun, match="The target has data"):
        move_database(old, new)


def test_what_became_different_on_the_way_is_found(old: str, new: str) -> None:
    engine = open_database(new)
    schema.migrate(engine)
    engine.dispose()
    body = "BEGIN NEW.name = NEW.name || ' '; RETURN NEW; END"
    _change(
        new,
        f"CREATE FUNCTION spoil() RETURNS trigger AS $$ {body} $$ LANGUAGE plpgsql",
        "CREATE TRIGGER s BEFORE INSERT ON unit FOR EACH ROW EXECUTE FUNCTION spoil()",
    )
    with pytest.raises(CannotRun, match="unit, row 1: name differ"):
        move_database(old, new)
    assert not any(_everything(new).values())


def test_a_database_in_use_is_not_moved(old: str, new: str) -> None:
    engine = open_database(old)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(CannotRun, match="is in use"):
            move_database(old, new)
    engine.dispose()
    assert not any(_everything(new).values())


def test_only_from_sqlite_to_a_database_of_ours(old: str, new: str) -> None:
    with pytest.raises(CannotRun, match="Only from SQLite to PostgreSQL"):
        move_database(new, old)
    with pytest.raises(CannotRun, match="cannot be reached"):
        move_database(old, "postgresql+psycopg://nobody@127.0.0.1:1/none")
    _change(new, "CREATE TABLE theirs (id int)")
    with pytest.raises(CannotRun, match="tables of something else"):
        move_database(old, new)


def test_the_old_file_is_never_put_over_another(old: str) -> None:
    file = Path(make_url(old).database or "")
    file.with_name("xuanda.db.moved").touch()
    with pytest.raises(CannotRun, match="exists already"):
        set_aside(old)
    assert file.exists()


def _change(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _everything(url: str) -> dict[str, list[dict[str, Any]]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        present = set(inspect(connection).get_table_names())
        found = {
            table.name: [dict(row._mapping) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
            if table.name in present
        }
    engine.dispose()
    return {name: sorted(rows, key=str) if name == "public_link" else rows for name, rows in found.items()}


def _fill(engine: Engine) -> None:
    """A row in every table that has none, and in some what is easily lost."""
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            if not connection.scalar(select(func.count()).select_from(table)):
                connection.execute(insert(table).values(**_row(connection, table)))
        token = metadata.tables["api_token"]
        row = {**_row(connection, token), "token_hash": "other"} if "token_hash" in token.c else _row(connection, token)
        connection.execute(insert(token).values(**{**row, "scopes": null()}))
        words = metadata.tables["listed_word"]
        sample = {key: value for key, value in _row(connection, words).items() if key != "id"}
        connection.execute(insert(words), [{**sample, "word": f"词{number}"} for number in range(MANY)])


def _row(connection: Any, table: Table) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in table.c:
        references = list(column.foreign_keys)
        if references:
            values[column.name] = connection.scalar(select(references[0].column).limit(1))
        elif column is not table.autoincrement_column:
            values[column.name] = _value(column)
    return values


def _value(column: Any) -> Any:
    kind = column.type.impl if isinstance(column.type, TypeDecorator) else column.type
    told: dict[type[Any], Any] = {
        Boolean: True,
        DateTime: datetime(2026, 3, 2, 1, 2, 3, 456789, tzinfo=UTC),
        Date: date(2026, 3, 2),
        LargeBinary: bytes(range(256)),
        Integer: 7,
        BigInteger: 5_000_000_000,
    }
    if isinstance(kind, JSON):
        return None if column.nullable else {"词": [1, 1.5, None, True, "é"], "b": {}}
    return told.get(type(kind), "é")
