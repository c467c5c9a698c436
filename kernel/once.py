"""Inserting what may be there already, where two processes may come at the same moment."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from kernel.model import Base


def insert_once(session: Session, model: type[Base], **values: object) -> bool:
    """Inserts a row unless one of its unique values is taken; True when this call inserted it."""
    key = model.__mapper__.primary_key[0]
    # Asked by RETURNING: psycopg counts no rows where the key itself is made by the database.
    return session.scalar(insertion(session, model).values(**values).returning(key)) is not None


def insertion(session: Session, model: type[Base]) -> Any:
    """An INSERT that does nothing where a unique constraint already holds such a row; add `.values(…)` and run it.

    A plain insert would fail in the slower of two works on PostgreSQL, and with it everything else in that work.
    """
    return insertion_for(session.get_bind().dialect.name, model)


def insertion_for(dialect: str, model: type[Base]) -> Any:
    """The same for the database of this name, to be made once and run with values."""
    insert = postgresql.insert(model) if dialect == "postgresql" else sqlite.insert(model)
    return insert.on_conflict_do_nothing()
