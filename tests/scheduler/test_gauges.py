"""What a supervisor is told of the way out."""

from __future__ import annotations

from datetime import timedelta

from scheduler.gauges import gauges
from tests.scheduler.conftest import Timetable


def test_what_is_due_how_late_and_how_calls_ended(timetable: Timetable) -> None:
    now = timetable.clock.now()
    timetable.book(timetable.release(title="甲").piece_id)
    timetable.book(timetable.release(title="乙").piece_id, at=now + timedelta(hours=1))
    timetable.at(seconds=90)
    with timetable.works.read() as work:
        before = gauges(work.session, work.now)
    assert before.waiting == {("fake", "booked"): 2}
    assert (before.due, before.latest) == ({"fake": 1}, {"fake": 90.0})
    timetable.run()
    with timetable.works.read() as work:
        after = gauges(work.session, work.now)
    assert (after.waiting, after.due) == ({("fake", "booked"): 1}, {})
    assert list(after.attempts.values()) == [1]
    timetable.at(hours=2)
    with timetable.works.read() as work:
        assert gauges(work.session, work.now).attempts == {}
