"""好差评 for everybody: counted per service item, unit and quarter, where enough people rated to tell of nobody.

What is shown is a row that was counted once, never the ratings: the same rows stand on the host that citizens reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analytics.models import ServiceFigure
from analytics.service_ratings import LEVELS, Levelled
from bot.models import Rating, Ticket
from bot.states import SET_RIGHT, TicketState
from content.models import Piece
from kernel.people import Unit
from kernel.work import Work, Works

LEAST = 5
"""So few ratings of an item would tell what one of the people said whom the unit has just served."""
# Older quarters are counted once, while their ratings are still kept.
COUNTED_AGAIN, SHOWN = 2, 8


@dataclass
class Counted(Levelled):
    """One item in a quarter, or what is left of a unit's items."""

    unit_id: int
    piece_id: int | None
    title: str
    levels: list[int]
    righted: int = 0
    in_time: int = 0

    def take(self, other: Counted) -> None:
        """Counts another item with this one."""
        self.levels = [one + more for one, more in zip(self.levels, other.levels, strict=True)]
        self.righted += other.righted
        self.in_time += other.in_time


def publish(works: Works, zone: ZoneInfo) -> int:
    """Counts the quarters that may have changed; returns how many did."""
    with works.read() as work:
        first = work.session.scalar(select(func.min(Rating.at)).where(Rating.service_id.is_not(None)))
        known = set(work.session.scalars(select(ServiceFigure.period).distinct()))
        quarters = list(_quarters(first, work.now, zone)) if first else []
    wanted = [one for place, one in enumerate(quarters) if place < COUNTED_AGAIN or one not in known]
    changed = 0
    for period in wanted:
        with works.write() as work:
            changed += _publish(work, period, zone)
    return changed


def bounds(period: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a quarter begins and when the next one does."""
    year, quarter = int(period[:4]), int(period[5])
    after = (year + 1, 1) if quarter == 4 else (year, quarter * 3 + 1)
    return datetime(year, quarter * 3 - 2, 1, tzinfo=zone), datetime(*after, 1, tzinfo=zone)


def quarter_of(day: date) -> str:
    """The quarter that a day lies in."""
    return f"{day.year}Q{(day.month + 2) // 3}"


def count(session: Session, period: str, zone: ZoneInfo) -> list[Counted]:
    """The items of a quarter as they may be read by everybody, those of a unit together."""
    units: dict[int, list[Counted]] = {}
    for one in _items(session, *bounds(period, zone)):
        shown = units.setdefault(one.unit_id, [])
        if one.total >= LEAST:
            shown.append(one)
            continue
        rest = next((row for row in shown if row.piece_id is None), None)
        if rest is None:
            shown.append(Counted(one.unit_id, None, "", one.levels, one.righted, one.in_time))
        else:
            rest.take(one)
    rows = [row for shown in units.values() for row in shown if row.total >= LEAST]
    return sorted(rows, key=lambda row: (row.unit_id, row.piece_id is None, -row.total, row.title))


def _items(session: Session, since: datetime, until: datetime) -> list[Counted]:
    item = (Rating.service_unit_id, Rating.service_id)
    in_period = (Rating.service_id.is_not(None), Rating.at >= since, Rating.at < until)
    query = (
        select(*item, Piece.title, Rating.score, func.count())
        .join(Piece, Piece.id == Rating.service_id)
        .where(*in_period)
        .group_by(*item, Piece.title, Rating.score)
    )
    found: dict[tuple[int, int], Counted] = {}
    rows: Iterable[tuple[Any, ...]] = session.execute(query).all()
    for unit_id, piece_id, title, score, times in rows:
        one = found.setdefault((unit_id, piece_id), Counted(unit_id, piece_id, title, [0] * LEVELS))
        one.levels[score - 1] += times
    righted = (
        select(*item, Ticket.answered_at, Ticket.due_at)
        .join(Ticket, Ticket.conversation_id == Rating.conversation_id)
        .where(*in_period, Ticket.kind == SET_RIGHT, Ticket.state.in_((TicketState.ANSWERED, TicketState.CLOSED)))
    )
    done: Iterable[tuple[Any, ...]] = session.execute(righted).all()
    for unit_id, piece_id, answered_at, due_at in done:
        one = found[unit_id, piece_id]
        one.righted += 1
        one.in_time += answered_at is not None and answered_at <= due_at
    return list(found.values())


def _publish(work: Work, period: str, zone: ZoneInfo) -> bool:
    """Puts the rows of a quarter in the place of those that stood; nothing where they are the same."""
    rows = [
        (one.unit_id, one.piece_id, one.title, one.levels, one.low, one.righted, one.in_time)
        for one in count(work.session, period, zone)
    ]
    stood = _standing(work.session, period)
    if rows == [_told(one) for one in stood]:
        return False
    for row in stood:
        work.session.delete(row)
    names = ("unit_id", "piece_id", "title", "levels", "low", "righted", "in_time")
    for values in rows:
        work.session.add(ServiceFigure(period=period, counted_at=work.now, **dict(zip(names, values, strict=True))))
    work.session.flush()
    work.audit("service_figures.published", None, period=period, rows=len(rows))
    return True


def _standing(session: Session, period: str) -> Sequence[ServiceFigure]:
    query = select(ServiceFigure).where(ServiceFigure.period == period)
    return session.scalars(query.order_by(ServiceFigure.id)).all()


def _told(row: ServiceFigure) -> tuple[int, int | None, str, list[int], int, int, int]:
    return row.unit_id, row.piece_id, row.title, row.levels, row.low, row.righted, row.in_time


def _quarters(first: datetime, now: datetime, zone: ZoneInfo) -> Iterator[str]:
    """The newest quarters down to the one in which somebody rated first."""
    day, last = now.astimezone(zone).date(), quarter_of(first.astimezone(zone).date())
    for _place in range(SHOWN):
        period = quarter_of(day)
        yield period
        if period == last:
            return
        day = date(day.year - 1, 12, 1) if day.month <= 3 else date(day.year, day.month - 3, 1)


# --- reading ------------------------------------------------------------------------------------------


def periods(session: Session) -> list[str]:
    """The quarters that can be read, the newest first."""
    query = select(ServiceFigure.period).distinct().order_by(ServiceFigure.period.desc())
    return list(session.scalars(query.limit(SHOWN)))


def of_period(session: Session, period: str) -> list[tuple[str, list[ServiceFigure]]]:
    """A quarter's rows by the names of their units, in the order of the tree."""
    query = select(Unit.name, ServiceFigure).join(Unit, Unit.id == ServiceFigure.unit_id)
    found: dict[int, tuple[str, list[ServiceFigure]]] = {}
    for name, row in session.execute(query.where(ServiceFigure.period == period).order_by(Unit.path, ServiceFigure.id)):
        found.setdefault(row.unit_id, (name, []))[1].append(row)
    return list(found.values())
