"""Lanes side by side: who hangs or breaks holds up nobody else, and the database works by the batch, not the row."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, select

from channels.base import Post
from content.models import Release
from kernel.duties import Duty, DutyMark
from kernel.events import Listeners
from kernel.work import Work, Works
from scheduler import receipts
from scheduler.dispatch import Timing
from scheduler.events import NeedsPerson, WentLive
from scheduler.lanes import Lanes
from scheduler.models import Delivery
from scheduler.rounds import Rounds
from scheduler.states import DeliveryState
from scheduler.ticks import Ticks
from tests.scheduler.conftest import Timetable

S = DeliveryState


class Hanging(list[Post]):
    """A platform that answers only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let = threading.Event(), threading.Event()

    def append(self, post: Post) -> None:
        """Takes the post and keeps the caller waiting."""
        super().append(post)
        self.asked.set()
        assert self.let.wait(30)


def book(timetable: Timetable, account: str, count: int) -> list[Delivery]:
    """That many pieces on an account, due now."""
    return [
        timetable.book(timetable.release(account, title=f"{account} 第{n}件").piece_id, account=account)
        for n in range(count)
    ]


def test_a_platform_that_hangs_holds_up_its_own_lane_only(timetable: Timetable) -> None:
    hanging = timetable.platform("fake-a").arrived = Hanging()
    (stuck,), (free,) = book(timetable, "fake-a", 1), book(timetable, "fake-b", 1)
    with running(Lanes(timetable.dispatcher)) as lanes:
        lanes.wake()
        assert hanging.asked.wait(30)
        until(lambda: timetable.now(free).state == S.DONE)
        assert timetable.now(stuck).state == S.SENDING
        (late,) = book(timetable, "fake-b", 1)
        lanes.wake()
        until(lambda: timetable.now(late).state == S.DONE)
        hanging.let.set()
        until(lambda: timetable.now(stuck).state == S.DONE)


CROWD = 20


@contextmanager
def crowded(timetable: Timetable) -> Iterator[list[Delivery]]:
    """Twenty that fail in front of twenty good ones on their account, and a channel that hangs in front of both.

    Yields the good ones. The clock stands still, so that whatever leaves at all leaves at its own time.
    """
    hanging = timetable.platform("fake-a").arrived = Hanging()
    book(timetable, "fake-a", 1)
    kinds = ("retryable", "throttled", "refused", "lost")
    timetable.platform("fake-b").script = [kinds[number % len(kinds)] for number in range(CROWD)]
    failing = book(timetable, "fake-b", CROWD)
    good = [
        timetable.book(timetable.release("fake-b", title=f"好的第{number}件").piece_id, account="fake-b")
        for number in range(CROWD)
    ]
    try:
        yield good
        assert hanging.asked.is_set()
        assert states(timetable, failing) <= {S.BOOKED, S.FAILED, S.UNKNOWN}
        assert [timetable.now(one).first_attempt_at for one in good] == [one.scheduled_at for one in good]
    finally:
        hanging.let.set()


def states(timetable: Timetable, booked: list[Delivery]) -> set[str]:
    """The states in which these are."""
    return {timetable.now(one).state for one in booked}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_neither_failing_items_nor_a_hanging_channel_make_a_good_one_late(timetable: Timetable) -> None:
    with running(Lanes(timetable.dispatcher)) as lanes, crowded(timetable) as good:
        lanes.wake()
        until(lambda: states(timetable, good) == {S.DONE})


def test_a_lane_goes_on_until_nothing_is_due(timetable: Timetable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler.dispatch.LANE_MOST", 2)
    monkeypatch.setattr("scheduler.dispatch.CLAIM_MOST", 3)
    booked = book(timetable, "fake-a", 5) + book(timetable, "fake-b", 3)
    with running(Lanes(timetable.dispatcher)) as lanes:
        lanes.wake()
        until(lambda: all(timetable.now(one).state == S.DONE for one in booked))
    assert [timetable.platform("fake-a").times(one.key) for one in booked[:5]] == [1] * 5


def test_stopping_records_the_call_under_way_and_gives_the_rest_back(timetable: Timetable) -> None:
    hanging = timetable.platform("fake-a").arrived = Hanging()
    first, *rest = book(timetable, "fake-a", 3)
    lanes = Lanes(timetable.dispatcher)
    lanes.start()
    lanes.wake()
    assert hanging.asked.wait(30)
    stopping = threading.Thread(target=lanes.stop)
    stopping.start()
    until(lanes.stopping.is_set)
    hanging.let.set()
    stopping.join(30)
    assert timetable.now(first).state == S.DONE
    for one in rest:
        row = timetable.now(one)
        assert (row.state, row.attempts, row.claimed_by) == (S.BOOKED, 0, None)
        assert timetable.attempts(one) == [("send", "not_sent")]
    lanes.wake()
    timetable.run()
    assert [timetable.platform().times(one.key) for one in (first, *rest)] == [1, 1, 1]


def test_an_answer_that_cannot_be_recorded_keeps_no_other_from_it(timetable: Timetable, listeners: Listeners) -> None:
    bad, *good = book(timetable, "fake-a", 3)

    def refuse(_work: Work, fact: WentLive) -> None:
        if fact.delivery_id == bad.id:
            raise RuntimeError("a listener's own fault")

    listeners.in_work(WentLive, refuse)
    timetable.run()
    assert [timetable.now(one).state for one in good] == [S.DONE, S.DONE]
    assert timetable.now(bad).state == S.SENDING
    timetable.at(seconds=46)
    timetable.sweep()
    timetable.run()
    assert timetable.platform().times(bad.key) == 1


def test_a_lane_whose_rows_cannot_be_claimed_keeps_no_other_from_its_turn(
    timetable: Timetable, listeners: Listeners
) -> None:
    unsigned = timetable.book(timetable.release("fake-a", signed=False).piece_id)
    (good,) = book(timetable, "fake-b", 1)

    def refuse(_work: Work, _fact: NeedsPerson) -> None:
        raise RuntimeError("a listener's own fault")

    listeners.in_work(NeedsPerson, refuse)
    with running(Lanes(timetable.dispatcher)) as lanes:
        lanes.wake()
        until(lambda: timetable.now(good).state == S.DONE)
    assert timetable.now(unsigned).state == S.BOOKED


def test_a_release_that_cannot_be_read_is_held_and_the_others_leave(timetable: Timetable) -> None:
    bad, good = book(timetable, "fake-a", 2)
    with timetable.works.write() as work:
        release = work.session.scalars(select(Release).order_by(Release.id)).first()
        assert release is not None
        release.content = {"title": "旧"}
    timetable.run()
    row = timetable.now(bad)
    assert (row.state, row.code, row.attempts, row.claimed_by) == (S.HELD, "content", 0, None)
    assert timetable.now(good).state == S.DONE
    assert [fact.delivery_id for fact in timetable.told if isinstance(fact, NeedsPerson)] == [bad.id]


def test_an_account_that_cannot_be_opened_leaves_nothing_on_its_way(timetable: Timetable) -> None:
    (delivery,) = book(timetable, "fake-a", 1)

    def broken(_account: object) -> None:
        raise RuntimeError("no such plugin")

    timetable.dispatcher.make = broken  # type: ignore[assignment]
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, timetable.attempts(delivery)) == (S.BOOKED, [("send", "retryable")])
    assert "no such plugin" in row.reason


def test_a_question_that_died_open_is_closed_by_the_next(timetable: Timetable) -> None:
    timetable.platform().script = ["lost"]
    (delivery,) = book(timetable, "fake-a", 1)
    timetable.run()
    timetable.at(seconds=5)
    timetable.dispatcher.claim([delivery.account_id])
    timetable.at(seconds=46)
    timetable.run()
    assert timetable.attempts(delivery) == [("send", "unknown"), ("ask", "lost"), ("ask", "live")]


def test_claim_and_record_cost_the_same_for_two_rows_and_for_twelve(timetable: Timetable) -> None:
    costs = []
    for count in (2, 12):
        timetable.at(seconds=1)
        book(timetable, "fake-a", count)
        lane = timetable.account("fake-a").id
        with counting(timetable.works.engine) as claiming:
            jobs = timetable.dispatcher.claim([lane]).jobs[lane]
        assert len(jobs) == count
        outcomes = list(timetable.dispatcher.answers(lane, jobs))
        with counting(timetable.works.engine) as recording, timetable.works.write() as work:
            receipts.record(work, outcomes)
            work.events.clear()
        costs.append((len(claiming), len(recording)))
    assert costs[0] == costs[1]
    assert sum(costs[0]) < 30


def test_a_slow_platform_claims_no_more_than_it_will_send_soon(timetable: Timetable) -> None:
    book(timetable, "fake-a", 4)
    lane = timetable.account("fake-a").id
    for seconds_a_call, claimed in ((2.0, 2), (600.0, 1)):
        timetable.dispatcher.pace[lane] = seconds_a_call
        assert len(timetable.dispatcher.claim([lane]).jobs[lane]) == claimed


def test_a_call_longer_than_a_claim_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="lease"):
        Timing(lease=20.0, send_timeout=20.0)


def test_a_duty_that_waits_keeps_no_other_from_its_round(timetable: Timetable) -> None:
    let, ran = threading.Event(), threading.Event()
    duties = [Duty("waits", timedelta(hours=1), lambda: let.wait(30)), Duty("sweeps", timedelta(hours=1), ran.set)]
    ticks = Ticks(timetable.works, timetable.dispatcher, lambda: duties, every=0.05)
    ticks.start()
    try:
        assert ran.wait(30)
    finally:
        let.set()
        ticks.stop()


def test_stopping_does_not_wait_for_a_duty_that_takes_minutes(sqlite_works: Works) -> None:
    begun, let = threading.Event(), threading.Event()

    def long() -> None:
        begun.set()
        let.wait(30)

    rounds = Rounds(sqlite_works, lambda: [Duty("long", timedelta(hours=1), long)])
    rounds.look()
    assert begun.wait(30)
    rounds.stop(0.1)
    assert all(one.daemon for one in threading.enumerate() if one.name == "duty long")
    with sqlite_works.read() as work:
        mark = work.session.scalars(select(DutyMark)).one()
        assert mark.claimed_by
        assert mark.claimed_until == work.now + timedelta(minutes=10)
    let.set()
    rounds.stop()


def test_a_booking_for_now_leaves_before_the_next_tick(timetable: Timetable) -> None:
    ticks = Ticks(timetable.works, timetable.dispatcher, list, every=3600)
    ticks.start()
    try:
        (delivery,) = book(timetable, "fake-a", 1)
        ticks.wake(delivery.account_id)
        until(lambda: timetable.now(delivery).state == S.DONE)
    finally:
        ticks.stop()


@contextmanager
def running(lanes: Lanes) -> Iterator[Lanes]:
    """Lanes from start to stop."""
    lanes.start()
    try:
        yield lanes
    finally:
        lanes.stop()


@contextmanager
def counting(engine: Engine) -> Iterator[list[str]]:
    """The statements sent to the database."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def until(met: Callable[[], bool]) -> None:
    """Waits for something that comes soon; the limit is only against waiting for ever."""
    end = time.monotonic() + 30
    while not met():
        assert time.monotonic() < end
        time.sleep(0.01)
