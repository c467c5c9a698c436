"""What is late, and how punctual the day has been: counts by state, lateness, the share handed on in time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from scheduler.models import Delivery
from scheduler.states import DeliveryState

S = DeliveryState
NOT_OUT = (S.BOOKED, S.SENDING, S.UNKNOWN, S.HELD, S.MANUAL)
# How long a platform may take over a job where it names no time of its own.
ANSWERED_WITHIN = timedelta(hours=2)
IN_TIME = timedelta(seconds=10)
# The code of what a platform took, goes on by itself, and has hardly reached anybody.
HELD_UP = "held_up"
# The code of what its own rule kept back because it was not called in time.
MISSED = "missed"


@dataclass(frozen=True)
class Punctuality:
    """One day's figures. Lateness: from the time people last decided on to when it was handed on, in seconds; None
    where nothing was."""

    counts: Mapping[str, int]
    late: int
    handed_on: int
    p50: float | None
    p95: float | None
    in_time: float | None


def late(now: datetime) -> ColumnElement[bool]:
    """超时未发, as a condition: the alarm was raised for its present time, and it is still not out."""
    return and_(
        Delivery.late_told_at.is_not(None),
        Delivery.scheduled_at < now,
        or_(Delivery.state.in_(NOT_OUT), no_answer(now), held_up()),
    )


def is_late(delivery: Delivery, now: datetime) -> bool:
    """The same for a row in hand."""
    if delivery.late_told_at is None or delivery.scheduled_at >= now:
        return False
    if delivery.state == S.ACCEPTED and delivery.accepted_at is not None:
        answered_by = delivery.accepted_until or delivery.accepted_at + ANSWERED_WITHIN
        return delivery.code == HELD_UP or answered_by < now
    return delivery.state in NOT_OUT


def no_answer(now: datetime) -> ColumnElement[bool]:
    """Whether a platform took it and owes its result by now."""
    unnamed = and_(Delivery.accepted_until.is_(None), Delivery.accepted_at < now - ANSWERED_WITHIN)
    return and_(Delivery.state == S.ACCEPTED, or_(Delivery.accepted_until < now, unnamed))


def held_up() -> ColumnElement[bool]:
    """Whether it goes on by itself and has hardly reached anybody, because its platform does not take it."""
    return and_(Delivery.state == S.ACCEPTED, Delivery.code == HELD_UP)


def handed_on_at() -> ColumnElement[datetime | None]:
    """The first call since people last decided on it; of what people published without one, when it was done."""
    return case(
        (Delivery.handed_on_at.is_not(None), Delivery.handed_on_at),
        (Delivery.state == S.DONE, Delivery.done_at),
    )


def not_out(now: datetime) -> ColumnElement[bool]:
    """到点未送出: it was due and nothing was ever handed on, also where its own rule for what is missed dropped it.

    A withdrawal that found nothing to take back, and what people cancelled before it was missed, owe nothing.
    """
    dropped = and_(Delivery.state == S.CANCELLED, Delivery.code == MISSED)
    return and_(
        Delivery.scheduled_at < now,
        Delivery.handed_on_at.is_(None),
        Delivery.rehearses.is_(None),
        or_(Delivery.state.in_(NOT_OUT), dropped),
    )


def punctuality(session: Session, units: Collection[int], start: datetime, end: datetime, now: datetime) -> Punctuality:
    """The figures of what these units booked for the time from `start` up to `end`."""
    mine = (
        Delivery.unit_id.in_(units),
        Delivery.scheduled_at >= start,
        Delivery.scheduled_at < end,
        Delivery.rehearses.is_(None),
    )
    counted = select(Delivery.state, func.count()).where(*mine).group_by(Delivery.state)
    calls = select(Delivery.scheduled_at, handed_on_at()).where(*mine, handed_on_at().is_not(None))
    waits = sorted(max(timedelta(0), called - planned) for planned, called in session.execute(calls) if called)
    return Punctuality(
        counts=dict(session.execute(counted).all()),
        late=session.scalar(select(func.count()).where(*mine, late(now))) or 0,
        handed_on=len(waits),
        p50=quantile(waits, 0.5),
        p95=quantile(waits, 0.95),
        in_time=sum(wait <= IN_TIME for wait in waits) / len(waits) if waits else None,
    )


@dataclass(frozen=True)
class DayOfSending:
    """A day's lateness in seconds, from the time people last decided on to when it was handed on; `not_out` was due and
    never handed on."""

    day: date
    handed_on: int
    in_time: int
    p50: float | None
    p95: float | None
    not_out: int

    @property
    def percent(self) -> float | None:
        """The share within ten seconds, in percent; None without calls."""
        return round(100 * self.in_time / self.handed_on, 1) if self.handed_on else None


def days_of(
    session: Session, units: Collection[int], since: datetime, until: datetime, zone: ZoneInfo
) -> list[DayOfSending]:
    """Every day of the office from `since` up to `until`, the moment until which things were due."""
    query = select(Delivery.scheduled_at, handed_on_at()).where(
        Delivery.unit_id.in_(units),
        Delivery.scheduled_at >= since,
        Delivery.scheduled_at < until,
        Delivery.rehearses.is_(None),
        or_(handed_on_at().is_not(None), not_out(until)),
    )
    waits: dict[date, list[timedelta | None]] = {}
    day, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    while day <= last:
        waits[day] = []
        day += timedelta(days=1)
    for planned, called in session.execute(query):
        wait = max(timedelta(0), called - planned) if called else None
        waits[planned.astimezone(zone).date()].append(wait)
    return [_day(day, found) for day, found in waits.items()]


def _day(day: date, found: Sequence[timedelta | None]) -> DayOfSending:
    waits = sorted(wait for wait in found if wait is not None)
    return DayOfSending(
        day,
        handed_on=len(waits),
        in_time=sum(wait <= IN_TIME for wait in waits),
        p50=quantile(waits, 0.5),
        p95=quantile(waits, 0.95),
        not_out=len(found) - len(waits),
    )


def quantile(waits: Sequence[timedelta], share: float) -> float | None:
    """The wait in seconds that this share of them does not exceed (nearest rank); `waits` are in order."""
    if not waits:
        return None
    return waits[max(0, -(-int(share * 100) * len(waits) // 100) - 1)].total_seconds()
