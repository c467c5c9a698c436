"""The time from which lateness counts: the one that people last decided on, and nobody's hold is lifted by the way."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from content.snapshot import Target, Window
from scheduler import booking, freeze
from scheduler.figures import punctuality
from scheduler.models import Delivery, Freeze
from scheduler.states import DeliveryState
from scheduler.windows import FREEZE
from tests.scheduler.conftest import Timetable

S = DeliveryState
HOUR = timedelta(hours=1)


def strict(table: Timetable, title: str, at: datetime | None = None) -> Delivery:
    """A delivery that is dropped when it is missed by more than ten minutes."""
    piece = table.release(title=title).piece_id
    return table.book(piece, at=at, missed_after=10, missed_act="drop")


def stop(table: Timetable) -> Freeze:
    """A person stops everything."""
    with table.office.working("officer") as (work, who):
        return freeze.begin(work, who, table.office.bureau.id, "悼念活动")


def end(table: Timetable, stopped: Freeze, choices: dict[int, freeze.Choice]) -> freeze.Ended:
    """A person ends the stop."""
    with table.office.working("officer") as (work, who):
        return freeze.end(work, who, work.session.get_one(Freeze, stopped.id), choices)


def test_what_was_put_off_is_not_missed(timetable: Timetable) -> None:
    began = timetable.clock.now()
    at = began + HOUR
    until_noon, resumed, passed, retried = (strict(timetable, f"第{n}则", at) for n in range(4))
    timetable.act(until_noon, booking.hold, "等核实", began + 3 * HOUR)
    timetable.act(resumed, booking.hold, "等核实")
    timetable.platform().script += ["refused"]
    now = strict(timetable, "会被拒绝")
    timetable.run()
    assert timetable.now(now).state == S.FAILED
    stop(timetable)
    timetable.at(hours=4)
    timetable.sweep()  # The first one's hour has come an hour ago, and the system tells of it only now.
    assert timetable.now(until_noon).scheduled_at == began + 3 * HOUR
    for one in (passed, retried):
        timetable.act(one, freeze.let_through)
    with timetable.office.working("officer") as (work, who):
        freeze.end(work, who, work.session.query(Freeze).one(), {})
    timetable.act(resumed, booking.resume)
    timetable.act(now, booking.retry)
    timetable.run()
    assert [timetable.now(one).state for one in (resumed, passed, retried, now)] == [S.DONE] * 4
    assert (
        timetable.now(until_noon).state == S.CANCELLED
    )  # An hour behind the time that was decided on: that is missed.


def test_a_hold_that_ends_in_time_is_not_missed_and_is_told_late_anew(timetable: Timetable) -> None:
    held = strict(timetable, "待核实", timetable.clock.now() + HOUR)
    timetable.act(held, booking.hold, "等核实", timetable.clock.now() + 3 * HOUR)
    timetable.at(hours=2)
    timetable.sweep()
    assert timetable.now(held).late_told_at is not None
    timetable.at(hours=1)
    timetable.sweep()
    assert timetable.now(held).late_told_at is None
    timetable.run()
    assert timetable.now(held).state == S.DONE


def test_lateness_is_measured_from_the_last_decision_to_the_first_call_after_it(timetable: Timetable) -> None:
    began = timetable.clock.now()
    timetable.platform().script += ["refused"]
    delivery = timetable.book(timetable.release().piece_id)
    timetable.at(seconds=40)
    timetable.run()
    timetable.at(minutes=30)
    timetable.act(delivery, booking.retry)
    timetable.at(seconds=20)
    timetable.run()
    row = timetable.now(delivery)
    assert row.state == S.DONE
    assert row.first_attempt_at == began + timedelta(seconds=40)
    with timetable.works.read() as work:
        units = [timetable.office.bureau.id]
        figures = punctuality(work.session, units, began, began + HOUR, timetable.clock.now())
    assert (figures.p50, figures.in_time) == (20.0, 0.0)


@pytest.mark.parametrize("held_until", [None, 5])
def test_moving_keeps_the_hold(timetable: Timetable, held_until: int | None) -> None:
    now = timetable.clock.now()
    delivery = timetable.book(timetable.release().piece_id, at=now + HOUR)
    timetable.act(delivery, booking.hold, "等领导确认", now + held_until * HOUR if held_until else None)
    timetable.act(delivery, booking.move, now + 2 * HOUR)
    row = timetable.now(delivery)
    assert (row.state, row.reason, row.scheduled_at) == (S.HELD, "等领导确认", now + 2 * HOUR)
    timetable.at(hours=3)
    timetable.sweep()
    timetable.run()
    assert timetable.now(delivery).state == S.HELD
    timetable.at(hours=3)
    timetable.sweep()
    timetable.run()
    assert timetable.now(delivery).state == (S.DONE if held_until else S.HELD)


def test_moving_answers_a_hold_that_was_for_its_time(timetable: Timetable) -> None:
    delivery = timetable.book(timetable.release().piece_id, missed_after=10, missed_act="hold")
    timetable.at(hours=1)
    timetable.run()
    assert (timetable.now(delivery).state, timetable.now(delivery).code) == (S.HELD, "missed")
    timetable.act(delivery, booking.move, timetable.clock.now() + HOUR)
    assert timetable.now(delivery).state == S.BOOKED


def test_another_time_at_the_end_of_a_stop_is_checked_as_when_booking(timetable: Timetable) -> None:
    now, account = timetable.clock.now(), timetable.account("fake-a")
    piece = timetable.office.piece()
    target = Target(account.id, account.name, "fake", "text", "publish")
    submitted = timetable.office.submit(piece.id, targets=[target], window=Window(now, now + 24 * HOUR))
    timetable.office.sign_off(submitted.id)
    bound = timetable.book(piece.id, at=now + HOUR)
    free = timetable.book(timetable.release(title="另一则").piece_id, at=now + HOUR)
    past = timetable.book(timetable.release(title="第三则").piece_id, at=now + HOUR)
    push = timetable.book(timetable.release(title="第四则", action="push").piece_id, at=now + HOUR, action="push")
    stopped = stop(timetable)
    late = (now + 48 * HOUR).replace(hour=16)  # Midnight in the office.
    ended = end(timetable, stopped, {bound.id: late, free.id: late, past.id: now - HOUR, push.id: late})
    assert ended.let_go == 1
    assert list(ended.refused) == [bound.id, past.id, push.id]
    assert "免打扰" in ended.refused[push.id]
    assert timetable.now(free).scheduled_at == late
    for one in (bound, past, push):
        row = timetable.now(one)
        assert (row.state, row.scheduled_at) == (S.HELD, now + HOUR)
        assert ended.refused[one.id] in row.reason
        assert row.code != FREEZE
    timetable.act(bound, booking.resume)
    assert timetable.now(bound).state == S.BOOKED
