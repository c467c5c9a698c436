"""Response times of people: from the handoff, bot time apart, in working time."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from bot.models import Conversation, Rating
from kernel.people import Permission, Viewer
from kernel.workdays import Workdays

SATISFIED = 3  # 1 非常满意, 2 满意, 3 基本满意


@dataclass(frozen=True)
class ResponseTimes:
    """The figures of one period; times are None where nothing was measured."""

    conversations: int
    handed_off: int
    answered: int
    waiting: int
    first_response: timedelta | None
    first_response_p90: timedelta | None
    resolution: timedelta | None
    bot_share: float | None
    ratings: int
    satisfaction: float | None


@dataclass(frozen=True)
class DayOfWork:
    """What people were handed on one day, and the median of their first response."""

    day: date
    handed_off: int
    answered: int
    first_response: timedelta | None


# Which conversations stand behind a figure.
SHOWN: dict[str, tuple[ColumnElement[bool], ...]] = {
    "": (),
    "handed": (Conversation.handed_off_at.is_not(None),),
    "answered": (Conversation.handed_off_at.is_not(None), Conversation.first_reply_at.is_not(None)),
    "waiting": (
        Conversation.handed_off_at.is_not(None),
        Conversation.first_reply_at.is_(None),
        Conversation.closed_at.is_(None),
    ),
    "resolved": (Conversation.handed_off_at.is_not(None), Conversation.closed_at.is_not(None)),
    "closed": (Conversation.closed_at.is_not(None),),
    "bot": (Conversation.closed_at.is_not(None), Conversation.handed_off_at.is_(None)),
    "rated": (Conversation.id.in_(select(Rating.conversation_id)),),
}


def response_times(
    session: Session, who: Viewer, workdays: Workdays, since: datetime, until: datetime
) -> ResponseTimes:
    """The response times of conversations opened in a period, in the units whose reports this person reads."""
    units = who.units(Permission.REPORT_READ)
    rows = session.scalars(conversations(who, since, until)).all()
    handed = [row for row in rows if row.handed_off_at is not None]
    first = _durations(workdays, [(row.handed_off_at, row.first_reply_at) for row in handed])
    whole = _durations(workdays, [(row.handed_off_at, row.closed_at) for row in handed])
    ended = [row for row in rows if row.closed_at is not None]
    scores = session.scalars(
        select(Rating.score).where(Rating.unit_id.in_(units), Rating.at >= since, Rating.at < until)
    ).all()
    return ResponseTimes(
        conversations=len(rows),
        handed_off=len(handed),
        answered=len(first),
        waiting=sum(1 for row in handed if row.first_reply_at is None and row.closed_at is None),
        first_response=_median(first),
        first_response_p90=_p90(first),
        resolution=_median(whole),
        bot_share=_share(sum(1 for row in ended if row.handed_off_at is None), len(ended)),
        ratings=len(scores),
        satisfaction=_share(sum(1 for score in scores if score <= SATISFIED), len(scores)),
    )


def conversations(who: Viewer, since: datetime, until: datetime, show: str = "") -> Select[Conversation]:
    """The conversations behind a figure (`show`, a key of SHOWN) opened in a period, in the units of the reports."""
    units = who.units(Permission.REPORT_READ)
    query = select(Conversation).where(
        Conversation.unit_id.in_(units), Conversation.opened_at >= since, Conversation.opened_at < until
    )
    return query.where(*SHOWN[show])


def by_day(
    session: Session, who: Viewer, workdays: Workdays, since: datetime, until: datetime, zone: tzinfo
) -> list[DayOfWork]:
    """Per day of the handoff (office zone), without gaps: how many were handed to people, how soon they answered."""
    query = conversations(who, since, until, "handed")
    found: dict[date, list[Conversation]] = {}
    for row in session.scalars(query):
        if row.handed_off_at is not None:
            found.setdefault(row.handed_off_at.astimezone(zone).date(), []).append(row)
    first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    return [_day_of_work(day, found.get(day, []), workdays) for day in days]


def _day_of_work(day: date, rows: Sequence[Conversation], workdays: Workdays) -> DayOfWork:
    first = _durations(workdays, [(row.handed_off_at, row.first_reply_at) for row in rows])
    return DayOfWork(day, len(rows), len(first), _median(first))


def _durations(workdays: Workdays, spans: Sequence[tuple[datetime | None, datetime | None]]) -> list[timedelta]:
    return sorted(workdays.working_time(start, end) for start, end in spans if start is not None and end is not None)


def _median(values: Sequence[timedelta]) -> timedelta | None:
    return timedelta(seconds=statistics.median(value.total_seconds() for value in values)) if values else None


def _p90(values: Sequence[timedelta]) -> timedelta | None:
    return values[min(len(values) - 1, int(len(values) * 0.9))] if values else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
