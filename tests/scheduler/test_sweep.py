"""One round of the sweep finds all there is; what is late is told: work by hand too, what a platform works on later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from kernel.office_rules import set_rule
from kernel.work import Works
from scheduler import booking, sweep
from scheduler.events import RanLate
from scheduler.figures import days_of, is_late, punctuality
from scheduler.models import Delivery
from scheduler.outages import outages
from scheduler.states import DeliveryState
from tests.scheduler.conftest import Timetable

S = DeliveryState
MINUTE = timedelta(minutes=1)


def rows(table: Timetable, count: int, state: str, **words: object) -> None:
    """So many deliveries as a crash leaves them."""
    account = table.account("fake-a")
    now = table.clock.now()
    with table.works.write() as work:
        for number in range(count):
            row = {"unit_id": account.unit_id, "scheduled_at": now, "next_at": None, **words}
            work.session.add(
                Delivery(
                    account_id=account.id, channel="fake", action="publish", state=state,
                    identity=f"{state}{number}", key=f"{state}{number}", created_at=now, **row,
                )
            )  # fmt: skip


def late(table: Timetable) -> list[RanLate]:
    return [fact for fact in table.told if isinstance(fact, RanLate)]


@pytest.mark.parametrize(
    ("state", "words", "step"),
    [
        (S.SENDING, {"claimed_by": "dead"}, sweep.recover),
        (S.ACCEPTED, {"job_id": "job"}, sweep.unanswered),
        (S.HELD, {}, sweep.release_holds),
    ],
)
def test_one_round_finds_all_a_few_in_each_work(
    timetable: Timetable,
    monkeypatch: pytest.MonkeyPatch,
    state: S,
    words: dict[str, object],
    step: Callable[[Works], int],
) -> None:
    monkeypatch.setattr(sweep, "BATCH", 3)
    before: datetime = timetable.clock.now()
    named = {S.SENDING: "claimed_until", S.ACCEPTED: "accepted_until", S.HELD: "next_at"}[state]
    next_at = {} if state == S.HELD else {"next_at": before}
    rows(timetable, 7, state, **words, **next_at, **{named: before})
    timetable.at(seconds=1)
    assert step(timetable.works) == 7
    assert step(timetable.works) == 0


def test_those_whose_unit_gives_more_time_keep_no_other_from_being_told(
    timetable: Timetable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "BATCH", 2)
    with timetable.works.write() as work:
        set_rule(work, "delivery.late_minutes", timetable.office.other.id, 120)
    rows(timetable, 4, "held", unit_id=timetable.office.other.id)
    timetable.at(seconds=1)
    rows(timetable, 1, "booked", next_at=timetable.clock.now())
    timetable.at(minutes=3)
    assert sweep.alarm_late(timetable.works) == 1
    assert sweep.alarm_late(timetable.works) == 0


def test_what_is_to_be_published_by_hand_is_told_and_counted_when_it_is_not_done_in_time(timetable: Timetable) -> None:
    at = timetable.clock.now()
    delivery = timetable.book(timetable.release().piece_id, at=at + 60 * MINUTE)
    timetable.act(delivery, booking.take_by_hand)
    with timetable.works.write() as work:
        set_rule(work, "delivery.by_hand_minutes", timetable.office.bureau.id, 20)
    timetable.at(minutes=79)
    timetable.sweep()
    assert late(timetable) == []
    timetable.at(minutes=2)
    for _round in range(2):
        timetable.sweep()
    (told,) = late(timetable)
    assert (told.delivery_id, told.minutes, told.reason) == (delivery.id, 21, "人工发布还没有完成")
    now, units = timetable.clock.now(), {timetable.office.bureau.id}
    with timetable.works.read() as work:
        assert punctuality(work.session, units, at, now, now).late == 1
        (day,) = days_of(work.session, units, at, now, timetable.dispatcher.zone)
        assert (day.not_out, is_late(work.session.get_one(Delivery, delivery.id), now)) == (1, True)
    timetable.act(delivery, booking.cancel, "不发了")
    with timetable.works.read() as work:
        assert punctuality(work.session, units, at, now, now).late == 0


def test_what_a_platform_works_on_is_not_late_before_it_owes_an_answer(timetable: Timetable) -> None:
    timetable.platform().script = ["accepted", *["accepted"] * 9]
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    timetable.at(minutes=119)
    timetable.sweep()
    assert late(timetable) == []
    timetable.at(minutes=2)
    timetable.sweep()
    assert [fact.delivery_id for fact in late(timetable)] == [delivery.id]


def test_what_goes_on_by_itself_and_reaches_nobody_is_late_and_its_platform_down(timetable: Timetable) -> None:
    units = {timetable.office.bureau.id}
    timetable.platform().script = ["held_up"] * 4
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    for _round in range(3):
        timetable.at(minutes=1)
        timetable.run()
        timetable.sweep()
    (told,) = late(timetable)
    assert (told.delivery_id, told.reason) == (delivery.id, "推送服务不通")
    now = timetable.clock.now()
    with timetable.works.read() as work:
        (down,) = outages(work.session, units, now)
        assert (down.waiting, down.reason) == (1, "推送服务不通")
        assert is_late(work.session.get_one(Delivery, delivery.id), now)
        assert punctuality(work.session, units, now - 60 * MINUTE, now, now).late == 1
    timetable.platform().script = ["accepted"]
    timetable.at(minutes=1)
    timetable.run()
    with timetable.works.read() as work:
        row = work.session.get_one(Delivery, delivery.id)
        assert (row.state, is_late(row, now), outages(work.session, units, now)) == (S.ACCEPTED, False, [])
        assert punctuality(work.session, units, now - 60 * MINUTE, now, now).late == 0


def test_the_hour_that_one_job_named_is_not_that_of_the_next(timetable: Timetable) -> None:
    timetable.platform().script = ["accepted", "refused", "accepted"]
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    with timetable.works.write() as work:
        work.session.get_one(Delivery, delivery.id).accepted_until = work.now + 30 * MINUTE
    timetable.at(minutes=1)
    timetable.run()
    assert timetable.now(delivery).state == S.FAILED
    timetable.act(delivery, booking.retry)
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.accepted_until) == (S.ACCEPTED, None)
