"""Looks for a value in the whole database, whatever table and column it may have strayed into."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine, select

from hub.tables import metadata


def places(engine: Engine, *values: str) -> set[str]:
    """The `table.column` in which any of the values stands, as text, in JSON or in bytes."""
    return {place for place, content in _contents(engine) if any(_has(content, value) for value in values)}


def _contents(engine: Engine) -> Iterator[tuple[str, object]]:
    with engine.connect() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                for column, content in row.items():
                    yield f"{table.name}.{column}", content


def _has(content: object, value: str) -> bool:
    if isinstance(content, bytes):
        return value.encode() in content
    return value in str(content)
