"""好差评 counted per service item and unit, and what became of the low ones.

Only ratings of sessions that were about a service item; how content people were with a chat is counted elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.models import Rating, Ticket
from bot.states import LOW_RATING, RATINGS, SET_RIGHT, TicketState
from content.models import Piece
from kernel.people import Unit

LEVELS = len(RATINGS)


class Levelled:
    """Something that was rated; `levels` are how often it got each of the five, the best first."""

    levels: Sequence[int]

    @property
    def total(self) -> int:
        """All its ratings."""
        return sum(self.levels)

    @property
    def low(self) -> int:
        """差评: 不满意 and 非常不满意."""
        return sum(self.levels[LOW_RATING - 1 :])


@dataclass(frozen=True)
class ItemRated(Levelled):
    """An item with its ratings."""

    piece_id: int
    title: str
    unit: str
    levels: tuple[int, ...]

    @property
    def share(self) -> float | None:
        """基本满意 or better of all, between 0 and 1."""
        return share_of(self.levels)


@dataclass(frozen=True)
class SetRight:
    """差评整改: opened in a period; those still open, those past their deadline, those done, those done in time."""

    opened: int
    waiting: int
    overdue: int
    done: int
    in_time: int

    @property
    def share(self) -> float | None:
        """In time of all that were due, between 0 and 1; None where nothing was."""
        due = self.done + self.overdue
        return self.in_time / due if due else None


def rated(session: Session, units: Collection[int], since: datetime, until: datetime) -> list[ItemRated]:
    """The items of these units that were rated in a period, those with the most low ratings first."""
    query = (
        select(Rating.service_id, Piece.title, Unit.name, Rating.score, func.count(Rating.id))
        .join(Piece, Piece.id == Rating.service_id)
        .join(Unit, Unit.id == Rating.service_unit_id)
        .where(Rating.service_unit_id.in_(units), Rating.at >= since, Rating.at <= until)
        .group_by(Rating.service_id, Piece.title, Unit.name, Rating.score)
    )
    found: dict[tuple[int, str, str], list[int]] = {}
    for piece_id, title, unit, score, count in session.execute(query):
        found.setdefault((int(piece_id or 0), title, unit), [0] * LEVELS)[score - 1] += count
    rows = [ItemRated(*about, tuple(levels)) for about, levels in found.items()]
    return sorted(rows, key=lambda row: (-row.low, -row.total, row.title))


def set_right(session: Session, units: Collection[int], since: datetime, until: datetime, now: datetime) -> SetRight:
    """What became of the low ratings of a period."""
    query = select(Ticket).where(
        Ticket.unit_id.in_(units), Ticket.kind == SET_RIGHT, Ticket.created_at >= since, Ticket.created_at <= until
    )
    rows = session.scalars(query).all()
    waiting = [row for row in rows if row.state == TicketState.OPEN]
    done = [row for row in rows if row.state != TicketState.OPEN]
    return SetRight(
        opened=len(rows),
        waiting=len(waiting),
        overdue=sum(row.due_at < now for row in waiting),
        done=len(done),
        in_time=sum(row.answered_at is not None and row.answered_at <= row.due_at for row in done),
    )


def opened(
    session: Session, units: Collection[int], since: datetime, until: datetime
) -> Sequence[tuple[Ticket, int, str, str]]:
    """The 整改 of a period, each with the score, the item's title and the unit that has it, the oldest first."""
    query = (
        select(Ticket, Rating.score, Piece.title, Unit.name)
        .join(Rating, Rating.conversation_id == Ticket.conversation_id)
        .join(Piece, Piece.id == Rating.service_id)
        .join(Unit, Unit.id == Ticket.unit_id)
        .where(Ticket.unit_id.in_(units), Ticket.kind == SET_RIGHT)
        .where(Ticket.created_at >= since, Ticket.created_at <= until)
    )
    return [(row[0], row[1], row[2], row[3]) for row in session.execute(query.order_by(Ticket.id))]


def summed(rows: Sequence[ItemRated]) -> tuple[int, ...]:
    """All items together, level by level."""
    return tuple(sum(row.levels[place] for row in rows) for place in range(LEVELS))


def share_of(levels: Sequence[int]) -> float | None:
    """基本满意 or better of all, between 0 and 1; None where nobody rated."""
    return sum(levels[: LOW_RATING - 1]) / sum(levels) if sum(levels) else None
