"""What a platform took and gives no result of: asked less and less often, unknown in the end, and never sent again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from channels.base import JobResult, Live, Post, Shown
from channels.errors import Refused
from kernel.audit import AuditLine
from kernel.errors import Invalid
from scheduler import booking, receipts, settle
from scheduler.batch import doubtful
from scheduler.errors import TakenMeanwhile
from scheduler.events import NeedsPerson, RanLate
from scheduler.models import Delivery, DeliveryItem
from scheduler.states import DeliveryState
from tests.scheduler.conftest import PUBLIC_URL, Timetable

S = DeliveryState


def taken(table: Timetable, *more: str) -> Delivery:
    """A delivery that its platform has taken as a job."""
    table.platform().script = ["accepted", *more]
    delivery = table.book(table.release().piece_id)
    table.run()
    assert table.now(delivery).state == S.ACCEPTED
    return delivery


def piece_of(table: Timetable, delivery: Delivery) -> int:
    """The piece that a delivery carries."""
    with table.works.read() as work:
        return work.session.scalars(select(DeliveryItem.piece_id).filter_by(delivery_id=delivery.id)).one()


def test_polling_backs_off(timetable: Timetable) -> None:
    delivery = taken(timetable, "accepted", "retryable")
    for minutes in (40, 80):
        timetable.at(minutes=minutes - (0 if minutes == 40 else 40))
        timetable.run()
        row = timetable.now(delivery)
        assert row.state == S.ACCEPTED
        assert row.next_at == timetable.clock.now() + timedelta(minutes=minutes / 8)


def test_what_only_has_a_number_and_cannot_be_sent_under_it_is_late_like_any_other(timetable: Timetable) -> None:
    delivery = taken(timetable, *["retryable"] * 8)
    with timetable.works.write() as work:
        work.session.get_one(Delivery, delivery.id).channel = "jpush"
    for _ in range(3):
        timetable.at(minutes=1)
        timetable.run()
    timetable.sweep()
    row = timetable.now(delivery)
    assert (row.state, row.reason) == (S.UNKNOWN, "连接被拒绝")
    assert [fact.delivery_id for fact in timetable.told if isinstance(fact, RanLate)] == [delivery.id]
    timetable.platform().script.clear()
    timetable.at(minutes=1)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE
    assert len(timetable.platform().arrived) == 1


def test_without_a_result_it_is_asked_about_shown_and_done_when_the_platform_says_so(timetable: Timetable) -> None:
    delivery = taken(timetable, *["accepted"] * 12)
    timetable.at(hours=2, seconds=1)
    timetable.sweep()
    assert timetable.now(delivery).state == S.UNKNOWN
    for _ in range(12):
        timetable.run()
        row = timetable.now(delivery)
        assert (row.state, row.code) == (S.UNKNOWN, receipts.RUNNING)
        timetable.clock.step(seconds=((row.next_at or row.scheduled_at) - timetable.clock.now()).total_seconds())
    assert sum(isinstance(fact, NeedsPerson) for fact in timetable.told) == 1
    for step in (settle.not_there, settle.by_hand_instead):
        with pytest.raises(Invalid):  # The platform still works on it: a second send would be a second message.
            timetable.act(delivery, step)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE
    assert len(timetable.platform().arrived) == 1
    assert {act for act, _outcome in timetable.attempts(delivery)} == {"send", "poll"}


def test_where_the_platform_cannot_say_a_person_publishes_it_by_hand(timetable: Timetable) -> None:
    delivery = taken(timetable)
    with pytest.raises(TakenMeanwhile):
        timetable.act(delivery, settle.by_hand_instead)
    timetable.platform().blind = True
    timetable.at(hours=3)
    timetable.sweep()
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.next_at) == (S.UNKNOWN, None)
    timetable.act(delivery, settle.by_hand_instead)
    timetable.at(hours=1)
    timetable.sweep()
    timetable.run()
    assert timetable.now(delivery).state == S.MANUAL
    assert len(timetable.platform().arrived) == 1


def test_a_result_that_comes_after_all_settles_it(timetable: Timetable) -> None:
    delivery = taken(timetable)
    timetable.at(hours=3)
    timetable.sweep()
    row = timetable.now(delivery)
    with timetable.works.write() as work:
        result = JobResult(row.job_id or "", done=True)
        assert receipts.settle_job(work, row.account_id, result, lambda _post, _result: Live(), PUBLIC_URL)
    assert timetable.now(delivery).state == S.DONE


def test_who_sees_it_there_says_so_while_the_platform_works_on_it(timetable: Timetable) -> None:
    delivery = taken(timetable)
    timetable.act(delivery, settle.there, {}, "在公众号里看到了")
    timetable.at(minutes=5)
    timetable.run()
    assert timetable.now(delivery).remark == "在公众号里看到了"
    assert timetable.attempts(delivery) == [("send", "accepted")]


def test_a_job_of_an_earlier_send_is_not_asked_for(timetable: Timetable) -> None:
    delivery = taken(timetable, "refused", "lost")
    timetable.at(minutes=1)
    timetable.run()
    timetable.act(delivery, booking.retry)
    timetable.run()
    assert timetable.now(delivery).state == S.UNKNOWN
    timetable.at(minutes=1)
    timetable.run()
    assert timetable.attempts(delivery)[-1] == ("ask", "live")


def test_a_poll_whose_answer_was_lost_leaves_a_doubt(timetable: Timetable) -> None:
    delivery = taken(timetable, "retryable", "accepted", "throttled", "dark", "refused", "accepted")

    def in_doubt() -> bool:
        with timetable.works.read() as work:
            return bool(doubtful(work.session, [delivery.id]))

    for expected in (False, False, False, True, True):
        timetable.at(minutes=5)
        timetable.run()
        assert in_doubt() is expected
    timetable.act(delivery, booking.retry)
    timetable.run()
    assert timetable.attempts(delivery)[-1] == ("send", "accepted")
    assert not in_doubt()  # What is sent anew is pushed under a new number.


@pytest.mark.parametrize("ended_by", ["poll", "person"])
def test_what_the_event_knows_is_kept_when_it_comes_after_the_result(timetable: Timetable, ended_by: str) -> None:
    delivery = taken(timetable)
    row = timetable.now(delivery)
    if ended_by == "person":
        timetable.act(delivery, settle.there, {}, "在公众号里看到了")
    timetable.at(minutes=5)
    timetable.run()
    (place,) = timetable.placements(piece_of(timetable, delivery))
    before = (place.url, place.remote_id, place.state)
    counts = {"sent_to": {"meant": 9, "fit": 8, "sent": 7, "failed": 1}}
    result = JobResult(row.job_id or "", done=True, data=counts)
    live = Live({place.piece_id: Shown("other", "https://w.example/s/1")}, "有 1 人发送失败。")
    for _ in range(2):
        with timetable.works.write() as work:
            assert receipts.settle_job(work, row.account_id, result, lambda _post, _result: live, PUBLIC_URL)
    (place,) = timetable.placements(place.piece_id)
    assert place.data["sent_to"] == counts["sent_to"]
    assert (place.url, place.remote_id, place.state) == (before[0] or "https://w.example/s/1", *before[1:])
    remark = "有 1 人发送失败。" if ended_by == "poll" else "在公众号里看到了"
    assert (timetable.now(delivery).state, timetable.now(delivery).remark) == (S.DONE, remark)
    with timetable.works.read() as work:
        lines = select(func.count()).where(AuditLine.act == "placement.told_later")
        assert work.session.scalar(lines) == 1


def test_the_cause_of_a_failure_is_kept_when_it_comes_after_the_poll(timetable: Timetable) -> None:
    delivery = taken(timetable, "refused")
    timetable.at(minutes=1)
    timetable.run()
    row = timetable.now(delivery)

    def settling(_post: Post, result: JobResult) -> Live:
        raise Refused(result.reason, code=result.code)

    result = JobResult(row.job_id or "", done=False, reason="涉嫌广告", code="10001")
    with timetable.works.write() as work:
        assert receipts.settle_job(work, row.account_id, result, settling, PUBLIC_URL)
        happy = JobResult(row.job_id or "", done=True)
        assert not receipts.settle_job(work, row.account_id, happy, lambda _post, _result: Live(), PUBLIC_URL)
    now = timetable.now(delivery)
    assert (now.state, now.code, "涉嫌广告" in now.reason) == (S.FAILED, "10001", True)
