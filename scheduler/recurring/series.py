"""系列: one release that goes out again and again on an account; each occurrence is a delivery of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from content.errors import NoRight
from content.models import Piece
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, Viewer
from kernel.work import Work
from kernel.workdays import Workdays, declared_days
from scheduler import booking
from scheduler.booking import Order
from scheduler.models import Delivery
from scheduler.recurring.models import Series
from scheduler.recurring.pattern import Pattern
from scheduler.states import DeliveryState

S = DeliveryState
FEWEST, MOST = 2, 60
HORIZON = timedelta(days=732)


@dataclass(frozen=True)
class SeriesOrder:
    """What a person books: one piece on one account, again and again from `first` on, so often or until a day."""

    piece_id: int
    account_id: int
    action: str
    pattern: Pattern
    first: date
    count: int | None = None
    until: date | None = None
    audience: Mapping[str, Any] | None = None

    def order(self) -> Order:
        """One occurrence of it; a series is itself the word that it goes out again."""
        return Order((self.piece_id,), self.account_id, self.action, audience=self.audience or {}, again=True)


def moments_of(session: Session, order: SeriesOrder, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """When its occurrences are due; raises Invalid when there would be fewer than two or too many."""
    if (order.count is None) == (order.until is None):
        raise Invalid(field="count", why="请填写共几次，或到哪一天为止，二者填一项。")
    if order.count is not None and not FEWEST <= order.count <= MOST:
        raise Invalid(field="count", why=f"次数须为 {FEWEST} 至 {MOST}。")
    starts = max(now, datetime.combine(order.first, time(), zone) - timedelta(microseconds=1))
    ends = starts + HORIZON
    if order.until is not None:
        ends = min(ends, datetime.combine(order.until, time(), zone) + timedelta(days=1, microseconds=-1))
    workdays = Workdays(zone, declared_days(session))
    found: list[datetime] = []
    for at in order.pattern.moments(starts, ends, workdays):
        found.append(at)
        if len(found) == order.count or len(found) > MOST:
            break
    if len(found) > MOST:
        raise Invalid(field="until", why=f"到这一天超过 {MOST} 次，请提前结束日期。")
    if len(found) < (order.count or FEWEST):
        raise Invalid(field="until" if order.until else "count", why="这段时间内不足所要的次数，请调整。")
    return found


def book(work: Work, who: Viewer, order: SeriesOrder, public_url: str, zone: ZoneInfo) -> Series:
    """Books every occurrence; what was signed must cover them all. Raises OutsideSeries for the first it does not."""
    moments = moments_of(work.session, order, work.now, zone)
    piece = work.session.get_one(Piece, order.piece_id)
    if not who.may(Permission.BOOKING_WRITE, piece.unit_id):
        raise NoRight(what="安排此稿件的发布")
    series = Series(
        unit_id=piece.unit_id,
        account_id=order.account_id,
        piece_id=piece.id,
        action=order.action,
        count=len(moments),
        created_by=who.person_id,
        created_at=work.now,
    )
    series.pattern = order.pattern
    work.session.add(series)
    work.session.flush()
    made = booking.book_repeatedly(work, who, order.order(), moments, public_url, series.id, zone)
    series.first = made[0].occurrence
    work.audit(
        "series.booked", series, occurrences=len(made), first=moments[0].isoformat(), last=moments[-1].isoformat()
    )
    return series


def skip(work: Work, who: Viewer, series: Series, delivery: Delivery) -> None:
    """Leaves one occurrence out; the others stand."""
    if delivery.series_id != series.id:
        raise NotFound
    booking.must_write(who, delivery)
    values = {"state": S.CANCELLED, "next_at": None, "reason": "系列中跳过这一次", "done_at": work.now}
    booking.change(work, delivery, (S.BOOKED, S.HELD), **values)
    work.audit("delivery.cancelled", delivery, reason=values["reason"])


def end(work: Work, who: Viewer, series: Series) -> int:
    """Ends it: what waits of it is cancelled, what is on its way or out stays; returns how many were cancelled."""
    if not who.may(Permission.BOOKING_WRITE, series.unit_id):
        raise NoRight(what="结束此系列")
    statement = (
        update(Series)
        .where(Series.id == series.id, Series.ended_at.is_(None))
        .values(ended_at=work.now, ended_by=who.person_id)
        .returning(Series)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if work.session.scalars(statement).one_or_none() is None:
        raise Invalid(field="series", why="这个系列已经结束。")
    waiting = (
        update(Delivery)
        .where(Delivery.series_id == series.id, Delivery.state.in_((S.BOOKED, S.HELD)))
        .values(state=S.CANCELLED, next_at=None, reason="系列已结束", done_at=work.now)
        .returning(Delivery)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    rows = work.session.scalars(waiting).all()
    for row in rows:
        work.audit("delivery.cancelled", row, reason=row.reason)
    work.audit("series.ended", series, cancelled=len(rows))
    return len(rows)


def series_for(session: Session, who: Viewer, series_id: int, permission: Permission) -> Series:
    """The series, when the person may do this in its unit; raises NotFound otherwise."""
    series = session.get(Series, series_id)
    if series is None or not who.may(permission, series.unit_id):
        raise NotFound
    return series


def occurrences(session: Session, series: Series) -> Sequence[Delivery]:
    """Its deliveries in the order of their occurrences."""
    query = select(Delivery).where(Delivery.series_id == series.id).order_by(Delivery.occurrence, Delivery.id)
    return session.scalars(query).all()


def places(session: Session, deliveries: Sequence[Delivery]) -> dict[int, tuple[int, int]]:
    """For those that belong to a series: which of its occurrences each is, and of how many."""
    ids = {one.series_id for one in deliveries if one.series_id is not None}
    found = {one.id: one for one in session.scalars(select(Series).where(Series.id.in_(ids)))} if ids else {}
    return {
        one.id: (one.occurrence - found[one.series_id].first + 1, found[one.series_id].count)
        for one in deliveries
        if one.series_id is not None
    }


def standing(session: Session, ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many occurrences of each series stand in which state."""
    query = (
        select(Delivery.series_id, Delivery.state, func.count())
        .where(Delivery.series_id.in_(ids))
        .group_by(Delivery.series_id, Delivery.state)
    )
    counts: dict[int, dict[str, int]] = {one: {} for one in ids}
    for series_id, state, number in session.execute(query):
        counts[series_id or 0][state] = number
    return counts
