"""Response times of people: from the handoff, bot time apart, in working time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

import numpy as np
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from analytics.open_hours import DesksHours, HoursOf, Moments, moments
from bot.models import Conversation, Rating
from kernel.people import Permission, Viewer

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
    # What became a ticket out of hours waits for people too.
    "bot": (
        Conversation.closed_at.is_not(None),
        Conversation.handed_off_at.is_(None),
        Conversation.handoff_reason == "",
    ),
    "rated": (Conversation.id.in_(select(Rating.conversation_id)),),
}


@dataclass(frozen=True)
class Handed:
    """Conversations that were handed to people: when, and the working seconds to the first answer and to the end.

    NaN stands where that did not happen.
    """

    at: Moments
    first: Moments
    whole: Moments


def handed(session: Session, who: Viewer, hours_of: HoursOf, since: datetime, until: datetime) -> Handed:
    """The conversations opened in a period that were handed to people, with their working times.

    Each is counted by the hours of the desk that has it, whoever looks.
    """
    times = (Conversation.handed_off_at, Conversation.first_reply_at, Conversation.closed_at)
    asked = conversations(who, since, until, "handed").with_only_columns(Conversation.unit_id, *times)
    units: list[int] = []
    spans: list[tuple[datetime | None, ...]] = []
    for unit, *span in session.execute(asked):
        units.append(unit)
        spans.append(tuple(span))
    at, first, closed = (moments([span[place] for span in spans]) for place in range(len(times)))
    last = max((moment for span in spans for moment in span if moment is not None), default=since)
    hours = DesksHours(hours_of, units, since, last)
    return Handed(at, hours.between(at, first), hours.between(at, closed))


def response_times(session: Session, who: Viewer, people: Handed, since: datetime, until: datetime) -> ResponseTimes:
    """The response times of conversations opened in a period, in the units whose reports this person reads.

    `people` is what `handed` found for the same period.
    """
    first, whole = known(people.first), known(people.whole)
    of_period = conversations(who, since, until).with_only_columns(
        func.count(),
        func.count(Conversation.closed_at),
        func.count(Conversation.closed_at).filter(*SHOWN["bot"]),
        func.count().filter(*SHOWN["waiting"]),
    )
    opened, ended, by_bot, waiting = session.execute(of_period).one()
    units = who.units(Permission.REPORT_READ)
    scores = select(Rating.score, func.count()).where(Rating.unit_id.in_(units), Rating.at >= since, Rating.at < until)
    counted: dict[int, int] = dict(session.execute(scores.group_by(Rating.score)).all())
    content = sum(count for score, count in counted.items() if score <= SATISFIED)
    return ResponseTimes(
        conversations=opened,
        handed_off=len(people.at),
        answered=len(first),
        waiting=waiting,
        first_response=median(first),
        first_response_p90=_p90(first),
        resolution=median(whole),
        bot_share=share(by_bot, ended),
        ratings=sum(counted.values()),
        satisfaction=share(content, sum(counted.values())),
    )


def conversations(who: Viewer, since: datetime, until: datetime, show: str = "") -> Select[Conversation]:
    """The conversations behind a figure (`show`, a key of SHOWN) opened in a period, in the units of the reports."""
    units = who.units(Permission.REPORT_READ)
    query = select(Conversation).where(
        Conversation.unit_id.in_(units), Conversation.opened_at >= since, Conversation.opened_at < until
    )
    return query.where(*SHOWN[show])


def by_day(people: Handed, since: datetime, until: datetime, zone: tzinfo) -> list[DayOfWork]:
    """Per day of the handoff (office zone), without gaps: how many were handed to people, how soon they answered."""
    first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 2)]
    begins = moments([datetime.combine(day, time(), zone) for day in days])
    place = np.searchsorted(begins, people.at, "right") - 1
    return [_day_of_work(day, people.first[place == number]) for number, day in enumerate(days[:-1])]


def _day_of_work(day: date, first: Moments) -> DayOfWork:
    answered = known(first)
    return DayOfWork(day, len(first), len(answered), median(answered))


def known(values: Moments) -> Moments:
    """Those that are there, in order."""
    return np.sort(values[~np.isnan(values)])


def median(values: Moments) -> timedelta | None:
    """The middle value; None of none."""
    return timedelta(seconds=float(np.median(values))) if len(values) else None


def _p90(values: Moments) -> timedelta | None:
    return timedelta(seconds=float(values[min(len(values) - 1, int(len(values) * 0.9))])) if len(values) else None


def share(part: int, whole: int) -> float | None:
    """The part of the whole; None of nothing."""
    return part / whole if whole else None
