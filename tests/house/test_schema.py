"""The migrations make exactly the schema that the models describe, on both databases, and go back again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    create_engine,
    inspect,
    make_url,
    text,
)

from hub import schema
from hub.db import open_database
from hub.errors import CannotRun
from hub.tables import metadata


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without any table, once of each kind."""
    if request.param == "sqlite":
        engine = open_database(f"sqlite:///{tmp_path / 'empty.db'}")
        yield engine
        engine.dispose()
        return
    server: str = request.getfixturevalue("postgres_server")
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE schema_test TEMPLATE template0"))
    engine = open_database(make_url(server).set(database="schema_test").render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE schema_test WITH (FORCE)"))
    admin.dispose()


def test_migrations_make_what_the_models_describe(empty: Engine) -> None:
    assert not schema.is_current(empty)
    schema.migrate(empty)
    assert schema.is_current(empty)
    assert _differences(empty) == []


def test_a_second_time_changes_nothing(empty: Engine) -> None:
    schema.migrate(empty)
    schema.migrate(empty)
    assert _differences(empty) == []


def test_migrations_go_back_to_nothing(empty: Engine) -> None:
    schema.migrate(empty)
    with empty.begin() as connection:
        config = schema.configuration()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert inspect(empty).get_table_names() == ["alembic_version"]


def test_rows_of_the_first_version_come_along(empty: Engine) -> None:
    _upgrade(empty, "0001")
    filled = _one_row_everywhere(empty)
    schema.migrate(empty)
    assert _differences(empty) == []
    with empty.connect() as connection:
        kept = {name: connection.scalar(text(f'SELECT count(*) FROM "{name}"')) for name in filled}  # noqa: S608
    assert kept == dict.fromkeys(filled, 1)


def test_rows_that_refer_to_nothing_stop_a_migration_whole(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'broken.db'}")
    _upgrade(engine, "0001")
    _one_row_everywhere(engine)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")
        driver.execute("UPDATE piece SET column_id = 77")
        driver.execute("PRAGMA foreign_keys=ON")
    with pytest.raises(CannotRun, match="rows of piece refer"):
        schema.migrate(engine)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0001"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    engine.dispose()


def _upgrade(engine: Engine, revision: str) -> None:
    with engine.begin() as connection:
        config = schema.configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def _one_row_everywhere(engine: Engine) -> list[str]:
    """Fills every table with one row that refers to the one row of each other table."""
    tables = MetaData()
    tables.reflect(engine)
    filled = [table for name, table in tables.tables.items() if name != "alembic_version"]
    off, on = {
        "sqlite": ("PRAGMA foreign_keys=OFF", "PRAGMA foreign_keys=ON"),
        "postgresql": ("SET session_replication_role = replica", "SET session_replication_role = DEFAULT"),
    }[engine.dialect.name]
    with engine.connect() as connection:  # Tables refer to one another in circles, so that no order would do.
        connection.connection.driver_connection.execute(off)  # type: ignore[union-attr]
        for table in filled:
            connection.execute(table.insert().values({column.name: _value(column) for column in table.columns}))
        connection.commit()
        connection.connection.driver_connection.execute(on)  # type: ignore[union-attr]
        connection.connection.commit()
    return [table.name for table in filled]


def _value(column: Column[Any]) -> Any:
    kind = column.type.as_generic()
    told = {
        Boolean: False,
        DateTime: datetime(2026, 3, 2, tzinfo=UTC),
        Date: date(2026, 3, 2),
        JSON: {},
        LargeBinary: b"x",
    }
    return told.get(type(kind), 1 if isinstance(kind, Numeric | Integer) else "x")


def _differences(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": _ours})
        return list(compare_metadata(context, metadata))


def _ours(name: str | None, kind: str, _parents: Any) -> bool:
    """The queue's own tables are described by its library, not by our models."""
    return kind != "table" or not str(name).startswith("procrastinate")
