"""Inserting a row that may be there already, without a race and without aborting the transaction."""

from __future__ import annotations

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from kernel.model import Base


def insert_once(session: Session, model: type[Base], **values: object) -> bool:
    """Inserts a row unless one of its unique values is taken; True when this call inserted it."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    key = model.__mapper__.primary_key[0]
    # Asked by RETURNING: psycopg counts no rows where the key itself is made by the database.
    return session.scalar(insert(model).values(**values).on_conflict_do_nothing().returning(key)) is not None
