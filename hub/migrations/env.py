"""Runs migrations on a connection handed in by `hub.schema`, or on the database of the settings."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, Connection

from hub.db import open_database
from hub.settings import Settings
from hub.tables import metadata
from kernel.model import UtcDateTime


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Writes our own column types by name, so that a migration holds no copy of them."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        autogen.imports.add("from kernel.model import UtcDateTime")
        return "UtcDateTime()"
    if isinstance(item, JSON):
        autogen.imports.add("from kernel.model import Json")
        return "Json"
    return False


def run(connection: Connection) -> None:
    """Migrates in one transaction; SQLite rebuilds a table where it cannot alter it."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=render_item,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_in: Connection | None = context.config.attributes.get("connection")
if handed_in is not None:
    run(handed_in)
else:
    engine = open_database(Settings().database)
    with engine.begin() as own:
        run(own)
    engine.dispose()
