"""Moves an installation from SQLite to PostgreSQL: all of it or nothing, compared row by row before it counts.

The old file is held shut from the first row read to the last one compared, so that no process still writes into it;
what was written on the other side becomes visible only when every row, and the audit chain, was found the same there.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy import (
    JSON,
    URL,
    Column,
    Connection,
    Engine,
    Row,
    Select,
    String,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from hub import schema
from hub.backup import Say
from hub.db import open_database
from hub.errors import CannotRun
from hub.tables import metadata
from kernel import audit

BATCH = 1000
TOLD_EVERY = 20
FAULTS_SHOWN = 20
VERSIONS = "alembic_version"
IS_NULL = "is null: "


def move_database(source: str, target: str, say: Say = lambda _line: None) -> int:
    """Copies every row from a SQLite file into an empty PostgreSQL database; returns how many there are.

    Raises CannotRun, and leaves the target without a row, when anything differs, cannot be kept there, or is in use.
    """
    old, new = make_url(source), make_url(target)
    _must_be(old, new)
    writing = open_database(target)
    try:
        _prepare_target(writing)
        with _shut(old) as reading, writing.connect() as there, there.begin():
            _must_be_whole(reading)
            _must_be_empty(there)
            faults: list[str] = []
            rows = 0
            for table in metadata.sorted_tables:
                rows += _copy(reading, there, table, say, faults)
                if faults:
                    raise _broken(faults)
            for table in metadata.sorted_tables:
                _refer_ahead(reading, there, table)
            for table in metadata.sorted_tables:
                faults += _compared(reading, there, table, say)
            faults += _chain_fault(there, say)
            if faults:
                raise _broken(faults)
    finally:
        writing.dispose()
    return rows


def set_aside(source: str) -> Path:
    """Renames the old file, so that nobody goes on with it by mistake; returns where it is now."""
    file = Path(make_url(source).database or "")
    aside = file.with_name(f"{file.name}.moved")
    if aside.exists():
        raise CannotRun(why=f"{aside} exists already: move it away, and rename {file} yourself.")
    file.rename(aside)
    return aside


def _must_be(old: URL, new: URL) -> None:
    if old.get_backend_name() != "sqlite" or new.get_backend_name() != "postgresql":
        raise CannotRun(
            why="Only from SQLite to PostgreSQL: --from sqlite:///var/xuanda.db --to postgresql+psycopg://…"
        )
    if not Path(old.database or "").is_file():
        raise CannotRun(why=f"There is no file {old.database}.")


def _prepare_target(engine: Engine) -> None:
    try:
        present = inspect(engine).get_table_names()
    except OperationalError as failure:
        raise CannotRun(why=f"The target cannot be reached: {_first_line(failure)}") from None
    if not present:
        schema.migrate(engine)
    elif not schema.is_current(engine):
        raise CannotRun(why="The target has tables of something else or of another version. Use a fresh database.")


@contextmanager
def _shut(url: URL) -> Iterator[Connection]:
    """The SQLite file, which nobody else may open meanwhile."""
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": 2})
    event.listen(engine, "connect", _alone)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN EXCLUSIVE"))
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    except OperationalError as failure:
        if "locked" not in str(failure.orig):
            raise
        raise CannotRun(
            why=f"{url.database} is in use. Stop xuanda serve and whatever else has it open, then run this again."
        ) from None
    finally:
        engine.dispose()


def _alone(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA locking_mode=EXCLUSIVE")


def _must_be_whole(reading: Connection) -> None:
    if set(MigrationContext.configure(reading).get_current_heads()) != set(schema.newest()):
        raise CannotRun(why="The source is not at this version's schema. Run xuanda migrate on it first.")
    strange = set(inspect(reading).get_table_names()) - {table.name for table in metadata.sorted_tables} - {VERSIONS}
    if strange:
        raise CannotRun(why=f"The source has tables that would be left behind: {', '.join(sorted(strange))}.")
    dangling = reading.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(FAULTS_SHOWN)
    if dangling:
        raise _broken([f"{row[0]}, row {row[1]}: refers to a row of {row[2]} that is not there" for row in dangling])


def _must_be_empty(there: Connection) -> None:
    quote = there.dialect.identifier_preparer.quote
    names = ", ".join(quote(table.name) for table in metadata.sorted_tables)
    there.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")  # Nobody writes there until this is done.
    for table in metadata.sorted_tables:
        if there.scalar(select(func.count()).select_from(select(table).limit(1).subquery())):
            raise CannotRun(why=f"The target has data (table {table.name}). Use an empty database.")


def _copy(reading: Connection, there: Connection, table: Table, say: Say, faults: list[str]) -> int:
    """Writes one table's rows; those that PostgreSQL refuses are named in `faults`."""
    total = reading.scalar(select(func.count()).select_from(table)) or 0
    done = 0
    with closing(_rows(reading, table)) as source:
        for number, rows in enumerate(iter(lambda: list(islice(source, BATCH)), []), 1):
            _write(there, table, rows, faults)
            if len(faults) >= FAULTS_SHOWN:
                return done
            done += len(rows)
            if number % TOLD_EVERY == 0:
                say(f"{table.name} {done:,} / {total:,}")
    _go_on_counting(there, table)
    return done


def _write(there: Connection, table: Table, rows: Sequence[Row[Any]], faults: list[str]) -> None:
    try:
        with there.begin_nested():
            _insert(there, table, rows)
    except SQLAlchemyError:
        for row in rows:
            try:
                with there.begin_nested():
                    _insert(there, table, [row])
            except SQLAlchemyError as failure:
                faults.append(f"{table.name}, row {_key(table, row)}: {_first_line(failure)}")
                if len(faults) >= FAULTS_SHOWN:
                    return


def _insert(there: Connection, table: Table, rows: Sequence[Row[Any]]) -> None:
    later = {column.name for column in _ahead(table)}
    alike: dict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        kept = {
            name: None if name in later else value
            for name, value in row._mapping.items()
            # An empty JSON column is left out: written as None it would become JSON's own null.
            if not name.startswith(IS_NULL) and not row._mapping.get(IS_NULL + name)
        }
        alike[frozenset(kept)].append(kept)
    for values in alike.values():
        there.execute(insert(table), values)


def _refer_ahead(reading: Connection, there: Connection, table: Table) -> None:
    """Rows refer to rows of their own table, or of one filled later, once all of them are there."""
    key = table.primary_key.columns[0]
    for column in _ahead(table):
        source = reading.execute(select(key.label("row"), column.label("value")).where(column.is_not(None)))
        statement = update(table).where(key == bindparam("row")).values({column: bindparam("value")})
        for rows in source.mappings().partitions(BATCH):
            there.execute(statement, [dict(row) for row in rows])


def _ahead(table: Table) -> list[Column[Any]]:
    filled = metadata.sorted_tables[: metadata.sorted_tables.index(table)]
    return [column for column in table.c if any(key.column.table not in filled for key in column.foreign_keys)]


def _go_on_counting(there: Connection, table: Table) -> None:
    column = table.autoincrement_column
    if column is None:
        return
    sequence = there.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
    highest = there.scalar(select(func.max(column)))
    if sequence and highest is not None:
        there.execute(select(func.setval(sequence, highest)))


def _compared(reading: Connection, there: Connection, table: Table, say: Say) -> list[str]:
    """Reads both sides again in the same order; a value of another type is another value."""
    faults: list[str] = []
    count = 0
    with closing(_rows(reading, table)) as here, closing(_rows(there, table)) as beyond:
        for old, new in zip_longest(here, beyond):
            count += 1
            if old is None or new is None:
                where, row = ("target", new) if old is None else ("source", old)
                faults.append(f"{table.name}, row {_key(table, row)}: only in the {where}")
                break
            differing = [name for name, value in old._mapping.items() if not same(value, new._mapping[name])]
            if differing:
                faults.append(f"{table.name}, row {_key(table, old)}: {', '.join(differing)} differ")
            if len(faults) >= FAULTS_SHOWN:
                break
    if not _counts_on(there, table):
        faults.append(f"{table.name}: its numbers do not go on after the last row")
    say(f"{table.name:<24} {count:>10,} rows {'DIFFERENT' if faults else 'the same'}")
    return faults


def same(old: Any, new: Any) -> bool:
    """Whether both are equal and of one type, down into JSON."""
    if type(old) is not type(new):
        return False
    if isinstance(old, dict):
        return old.keys() == new.keys() and all(same(value, new[key]) for key, value in old.items())
    if isinstance(old, list):
        return len(old) == len(new) and all(map(same, old, new))
    return bool(old == new)


def _counts_on(there: Connection, table: Table) -> bool:
    column = table.autoincrement_column
    if column is None:
        return True
    sequence = there.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
    highest = there.scalar(select(func.max(column)))
    if not sequence or highest is None:
        return True
    last = there.scalar(text("SELECT coalesce(pg_sequence_last_value(CAST(:name AS regclass)), 0)"), {"name": sequence})
    return bool(last == highest)


def _chain_fault(there: Connection, say: Say) -> list[str]:
    with Session(there, join_transaction_mode="create_savepoint") as session:
        verdict = audit.verify(session)
    say(f"audit chain: {verdict.lines:,} lines {'hold' if verdict.fault is None else 'DO NOT HOLD'}")
    return [] if verdict.fault is None else [f"audit log: {verdict.fault}"]


def _rows(connection: Connection, table: Table) -> Generator[Row[Any]]:
    """Every row in the order of its key, as the models read it, with a mark where a JSON column is empty."""
    last: Row[Any] | None = None
    try:
        with connection.execute(_query(connection, table)) as result:
            for row in result:
                last = row
                yield row
    except (ValueError, TypeError) as failure:
        after = f"the row after {_key(table, last)}" if last is not None else "the first row"
        raise _broken([f"{table.name}, {after}: cannot be read ({failure})"]) from None


def _query(connection: Connection, table: Table) -> Select[Any]:
    empty = [
        column.is_(None).label(IS_NULL + column.name)
        for column in table.c
        if isinstance(column.type, JSON) and column.nullable
    ]
    # PostgreSQL sorts words by a language's rules, SQLite by their bytes.
    by_bytes = connection.dialect.name == "postgresql"
    order = [
        column.collate("C") if by_bytes and isinstance(column.type, String) else column
        for column in table.primary_key.columns
    ]
    return select(table, *empty).order_by(*order).execution_options(yield_per=BATCH)


def _key(table: Table, row: Row[Any]) -> str:
    return ", ".join(str(row._mapping[column.name]) for column in table.primary_key.columns)


def _first_line(failure: SQLAlchemyError) -> str:
    cause = failure.orig if isinstance(failure, DBAPIError) and failure.orig is not None else failure
    return " ".join(str(cause).split())[:200]


def _broken(faults: Sequence[str]) -> CannotRun:
    shown = "\n  ".join(faults[:FAULTS_SHOWN])
    return CannotRun(
        why=f"Nothing was moved; these do not pass:\n  {shown}\nMend them in the source, then run this again."
    )
