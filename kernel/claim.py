"""Claiming rows: who works on a row until when, decided by one conditional UPDATE.

Every row that leaves the house is claimed with a lease before the network is touched. A process that
dies leaves a lease that runs out, and the sweep finds the row.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, String, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.sql.operators import desc_op

from kernel.model import Base


class Claimable:
    """Columns for a row that one process at a time may work on."""

    claimed_by: Mapped[str | None] = mapped_column(String(40))
    claimed_until: Mapped[datetime | None] = mapped_column(index=True)


Row = TypeVar("Row", bound=Base)


def new_claimant() -> str:
    """A name for one claim, so that a process that lost its lease cannot record under a later one."""
    return secrets.token_hex(16)


def claim(
    session: Session,
    model: type[Row],
    where: Sequence[ColumnElement[bool]],
    order: Sequence[Any],
    *,
    limit: int,
    claimant: str,
    now: datetime,
    lease: timedelta,
    **values: object,
) -> list[Row]:
    """Claims up to `limit` matching rows and returns them; `values` are set in the same UPDATE.

    On PostgreSQL rows locked by another claimant are skipped; on SQLite the writing work already
    holds the only lock. Runs inside a writing work, which should end before the network is touched.
    """
    key = model.__mapper__.primary_key[0]
    chosen = select(key.label("chosen")).where(*where).order_by(*order).limit(limit)
    # Materialized: as a plain subquery PostgreSQL may run it once per row, each time skipping the rows it has just
    # locked, and claim every row whatever the limit.
    wanted = chosen.with_for_update(skip_locked=True).cte("wanted").prefix_with("MATERIALIZED", dialect="postgresql")
    statement = (
        update(model)
        .where(key.in_(select(wanted.c.chosen)), *where)
        .values(claimed_by=claimant, claimed_until=now + lease, **values)
        .returning(model)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    rows = list(session.scalars(statement))
    for column in reversed(order):
        rows.sort(key=_sort_key(column), reverse=getattr(column, "modifier", None) is desc_op)
    return rows


def free(model: type[Base], now: datetime, lease: timedelta) -> ColumnElement[bool]:
    """Whether nobody holds the row any more, or ever did."""
    return or_(model.__table__.c.claimed_until.is_(None), run_out(model, now, lease))


def run_out(model: type[Base], now: datetime, lease: timedelta) -> ColumnElement[bool]:
    """Whether the claim is over: its time has passed, or is so far ahead that the clock was set back since.

    Clocks of several machines may differ by up to a lease without a claim being taken for over.
    """
    until = model.__table__.c.claimed_until
    return or_(until < now, until > now + 2 * lease)


def still_mine(session: Session, model: type[Row], row_id: int, claimant: str) -> Row | None:
    """Locks the row if the claim is still held, for recording what the network answered; else None."""
    key = model.__mapper__.primary_key[0]
    held: ColumnElement[bool] = model.__table__.c.claimed_by == claimant
    query = select(model).where(key == row_id, held).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _sort_key(column: Any) -> Callable[[Base], tuple[bool, Any]]:
    name = str(getattr(column, "element", column).key)

    def key(row: Base) -> tuple[bool, Any]:
        value = getattr(row, name)
        return value is None, value

    return key
