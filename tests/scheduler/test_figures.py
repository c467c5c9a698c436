"""准点率 by day: the office's days, lateness from the time people chose, what was due and never handed on."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from scheduler import booking, by_hand
from scheduler.figures import DayOfSending, days_of, not_out, punctuality
from scheduler.models import Delivery
from scheduler.states import DeliveryState
from tests.scheduler.conftest import Timetable

SHANGHAI = ZoneInfo("Asia/Shanghai")


def add(table: Timetable, at: datetime, late: float | None, **words: object) -> None:
    """A delivery due at that moment and called so many seconds later, or never."""
    account = table.account("fake-a")
    with table.works.write() as work:
        number = work.session.query(Delivery).count()
        called = None if late is None else at + timedelta(seconds=late)
        row = {"state": "booked" if late is None else "done", "scheduled_at": at, "handed_on_at": called, **words}
        work.session.add(
            Delivery(
                unit_id=account.unit_id, account_id=account.id, channel="fake", action="publish",
                identity=f"i{number}", key=f"k{number}", next_at=None, created_at=at, **row,
            )
        )  # fmt: skip


def test_every_day_has_its_share_its_lateness_and_what_never_left(timetable: Timetable) -> None:
    def at(day: int, hour: int) -> datetime:
        return datetime.combine(date(2026, 3, day), time(hour), SHANGHAI)

    for late in (0, 1, 10, 11):
        add(timetable, at(1, 9), late)
    add(timetable, at(1, 23), -5)  # Called a moment early by another machine's clock: in time.
    add(timetable, at(3, 0), None)
    add(timetable, at(3, 0), None, state="cancelled")
    add(timetable, at(3, 1), 2, rehearses=timetable.account("fake-b").id)
    add(timetable, at(3, 9), None)  # Not due yet.
    units = {timetable.office.bureau.id}
    with timetable.works.read() as work:
        found = days_of(work.session, units, at(1, 0), at(3, 8), SHANGHAI)
        nobody = days_of(work.session, {timetable.office.other.id}, at(1, 0), at(3, 8), SHANGHAI)
    assert found == [
        DayOfSending(date(2026, 3, 1), 5, 4, 1.0, 11.0, 0),
        DayOfSending(date(2026, 3, 2), 0, 0, None, None, 0),
        DayOfSending(date(2026, 3, 3), 0, 0, None, None, 1),
    ]
    assert [one.percent for one in found] == [80.0, None, None]
    assert [one.handed_on for one in nobody] == [0, 0, 0]


def test_what_its_own_rule_dropped_was_not_out_and_is_found(timetable: Timetable) -> None:
    began = timetable.at()
    dropped = timetable.book(timetable.release().piece_id, missed_after=5, missed_act="drop")
    unwanted = timetable.book(timetable.release(title="不发了").piece_id, at=began + timedelta(minutes=1))
    timetable.act(unwanted, booking.cancel, "不发了")
    timetable.at(hours=6)
    timetable.run()
    assert timetable.now(dropped).state == DeliveryState.CANCELLED
    units = {timetable.office.bureau.id}
    with timetable.works.read() as work:
        (day,) = days_of(work.session, units, began, work.now, SHANGHAI)
        found = work.session.scalars(select(Delivery.id).where(not_out(work.now))).all()
    assert (day.handed_on, day.not_out) == (0, 1)
    assert found == [dropped.id]


def test_a_withdrawal_that_found_nothing_to_take_back_owed_nothing(timetable: Timetable) -> None:
    began = timetable.at()
    add(timetable, began, None, state="cancelled", code="offline")
    timetable.at(minutes=1)
    with timetable.works.read() as work:
        (day,) = days_of(work.session, {timetable.office.bureau.id}, began, work.now, SHANGHAI)
    assert (day.handed_on, day.not_out) == (0, 0)


def test_what_a_person_published_without_a_call_was_handed_on_when_it_was_done(timetable: Timetable) -> None:
    began = timetable.at()
    delivery = timetable.book(timetable.release().piece_id, at=began + timedelta(minutes=10))
    timetable.act(delivery, booking.take_by_hand)
    timetable.at(minutes=40)
    timetable.act(delivery, by_hand.close, "https://example.com/1")
    units = {timetable.office.bureau.id}
    with timetable.works.read() as work:
        (day,) = days_of(work.session, units, began, work.now, SHANGHAI)
        today = punctuality(work.session, units, began, work.now, work.now)
    assert (day.handed_on, day.in_time, day.p50, day.not_out) == (1, 0, 1800.0, 0)
    assert (today.handed_on, today.in_time, today.p50) == (1, 0.0, 1800.0)
