"""The migrations make exactly the schema that the models describe, on both databases, and go back again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, make_url, text

from hub import schema
from hub.db import open_database
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


def _differences(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": _ours})
        return list(compare_metadata(context, metadata))


def _ours(name: str | None, kind: str, _parents: Any) -> bool:
    """The queue's own tables are described by its library, not by our models."""
    return kind != "table" or not str(name).startswith("procrastinate")
