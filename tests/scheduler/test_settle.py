"""A person says whether an unknown one is there, does tasks by hand, and what the day's figures say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from channels.adapters.fake import FakeChannel
from channels.base import Post, Settlement
from channels.errors import Retryable
from content.errors import NoRight
from kernel.audit import AuditLine
from kernel.errors import Invalid
from kernel.people import Permission
from scheduler import booking, by_hand, settle
from scheduler.errors import BeingAsked, TakenMeanwhile
from scheduler.figures import is_late, punctuality, quantile
from scheduler.models import Delivery
from scheduler.states import PlacementState
from tests.scheduler.conftest import Timetable

LINK = "https://weibo.example/7001/status"


def unknown(timetable: Timetable) -> Delivery:
    """A delivery whose answer was lost, on a platform that cannot be asked."""
    release = timetable.release()
    timetable.platform().script.append("lost")
    timetable.platform().blind = True
    delivery = timetable.book(release.piece_id)
    timetable.run()
    timetable.at(seconds=5)
    timetable.run()
    assert timetable.now(delivery).state == "unknown"
    return delivery


def by_hand_task(timetable: Timetable) -> tuple[Delivery, int]:
    """A delivery that a person took over, with its piece."""
    release = timetable.release()
    delivery = timetable.book(release.piece_id, at=timetable.at() + timedelta(hours=1))
    timetable.act(delivery, booking.take_by_hand)
    return delivery, release.piece_id


def acts(timetable: Timetable, delivery: Delivery) -> list[str]:
    """The acts on a delivery in the audit log."""
    with timetable.works.read() as work:
        query = select(AuditLine.act).where(AuditLine.object_kind == "delivery", AuditLine.object_id == delivery.id)
        return list(work.session.scalars(query.order_by(AuditLine.seq)))


# --- 结果待核实 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["there", "not_there", "by_hand_instead"])
def test_a_question_whose_process_died_ends_with_what_a_person_saw(timetable: Timetable, said: str) -> None:
    release = timetable.release()
    timetable.platform().script.append("lost")
    delivery = timetable.book(release.piece_id)
    timetable.run()
    timetable.at(seconds=5)
    timetable.dispatcher.claim([delivery.account_id])  # It asks, and is never heard of again.
    assert timetable.attempts(delivery)[-1] == ("ask", "")
    timetable.at(minutes=10)
    details: tuple[Any, ...] = ({}, "在平台上看到了") if said == "there" else ()
    timetable.act(delivery, getattr(settle, said), *details)
    assert timetable.attempts(delivery)[-1] == ("ask", "lost")


def test_found_there_it_is_done_and_shows_under_the_link(timetable: Timetable) -> None:
    delivery = unknown(timetable)
    piece_id = timetable.platform().arrived[0].items[0].piece_id
    timetable.act(delivery, settle.there, {piece_id: LINK}, "")
    now = timetable.now(delivery)
    assert (now.state, now.next_at, now.remark) == ("done", None, "经人工核实已在平台上")
    (place,) = timetable.placements(piece_id)
    assert (place.state, place.url, place.delivery_id) == (PlacementState.LIVE, LINK, delivery.id)
    assert acts(timetable, delivery)[-1] == "delivery.found_there"
    timetable.at(hours=1)
    timetable.run()
    assert len(timetable.platform().arrived) == 1


def test_a_remark_is_enough_where_there_is_no_link(timetable: Timetable) -> None:
    delivery = unknown(timetable)
    timetable.act(delivery, settle.there, {}, "在公众号后台看到")
    assert timetable.now(delivery).remark == "在公众号后台看到"


@pytest.mark.parametrize(
    ("link", "remark"), [("", "  "), ("weibo.example/7001", ""), ("javascript:alert(1)", "见后台")]
)
def test_without_proof_nothing_is_settled(timetable: Timetable, link: str, remark: str) -> None:
    delivery = unknown(timetable)
    with pytest.raises(Invalid):
        timetable.act(delivery, settle.there, {1: link}, remark)
    assert timetable.now(delivery).state == "unknown"


def test_not_there_it_is_sent_again_only_because_a_person_said_so(timetable: Timetable) -> None:
    delivery = unknown(timetable)
    timetable.at(hours=1)
    timetable.run()
    timetable.sweep()
    timetable.run()
    assert len(timetable.platform().arrived) == 1
    timetable.act(delivery, settle.not_there)
    assert acts(timetable, delivery)[-1] == "delivery.not_there"
    timetable.run()
    assert timetable.now(delivery).state == "done"
    assert len(timetable.platform().arrived) == 2


def test_only_an_unknown_one_is_settled_and_only_once(timetable: Timetable) -> None:
    delivery = unknown(timetable)
    timetable.act(delivery, settle.not_there)
    for step, args in ((settle.not_there, ()), (settle.there, ({}, "见后台"))):
        with pytest.raises(TakenMeanwhile, match=r"待发|booked"):
            timetable.act(delivery, step, *args)


def test_strangers_settle_nothing(timetable: Timetable) -> None:
    delivery = unknown(timetable)
    for step, args in ((settle.not_there, ()), (settle.there, ({}, "见后台"))):
        with pytest.raises(NoRight):
            timetable.act(delivery, step, *args, by="stranger")
    assert timetable.now(delivery).state == "unknown"


def test_an_answer_after_the_settling_changes_nothing(timetable: Timetable) -> None:
    """The platform is being asked while the person settles: the claim is gone, the answer is only noted."""
    delivery = unknown(timetable)
    with timetable.works.write() as work:
        row = work.session.get_one(Delivery, delivery.id)
        row.claimed_by, row.claimed_until = "asking", work.now + timedelta(seconds=45)
    timetable.act(delivery, settle.there, {}, "见后台")
    now = timetable.now(delivery)
    assert (now.state, now.claimed_by) == ("done", None)


@pytest.mark.parametrize("step", [settle.not_there, settle.by_hand_instead])
def test_what_may_be_sent_by_asking_is_not_sent_beside_it(timetable: Timetable, step: Any) -> None:
    delivery = unknown(timetable)
    with timetable.works.write() as work:
        row = work.session.get_one(Delivery, delivery.id)
        row.claimed_by, row.claimed_until = "asking", work.now + timedelta(seconds=45)
    with pytest.raises(BeingAsked, match=r"正在向平台核实|being asked"):
        timetable.act(delivery, step)
    assert timetable.now(delivery).state == "unknown"
    timetable.at(seconds=46)
    timetable.act(delivery, step)
    assert timetable.now(delivery).state in ("booked", "manual")


def test_the_platform_is_asked_when_a_person_wants_it_and_not_only_at_its_hour(
    timetable: Timetable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_channel: FakeChannel, _post: Post) -> Settlement:
        raise Retryable("连接被拒绝")

    timetable.platform().script.append("lost")
    delivery = timetable.book(timetable.release().piece_id)
    with monkeypatch.context() as platform:
        platform.setattr(FakeChannel, "reconcile", away)
        for _ in range(14):
            timetable.at(minutes=11)
            timetable.run()
        timetable.act(delivery, settle.ask_again)
        timetable.run()
        with pytest.raises(Invalid, match=r"刚核实过|a minute"):
            timetable.act(delivery, settle.ask_again)
    timetable.at(minutes=11)
    timetable.run()
    assert timetable.now(delivery).state == "unknown"  # It is not yet the hour.
    timetable.act(delivery, settle.ask_again)
    assert acts(timetable, delivery)[-1] == "delivery.asked_again"
    timetable.run()
    assert timetable.now(delivery).state == "done"
    assert len(timetable.platform().arrived) == 1
    with pytest.raises(Invalid):
        timetable.act(delivery, settle.ask_again)


def test_what_no_platform_can_tell_is_not_asked(timetable: Timetable) -> None:
    with pytest.raises(Invalid, match=r"查不到结果|查看"):
        timetable.act(unknown(timetable), settle.ask_again)


# --- by hand ---------------------------------------------------------------------------------------------------


def test_a_task_by_hand_is_closed_with_a_link_or_a_screenshot(timetable: Timetable) -> None:
    delivery, piece_id = by_hand_task(timetable)
    for step in ((delivery, by_hand.close, ""), (delivery, by_hand.close, "here")):
        with pytest.raises(Invalid):
            timetable.act(*step)
    timetable.act(delivery, by_hand.close, LINK)
    assert timetable.now(delivery).state == "done"
    assert timetable.placements(piece_id)[0].url == LINK
    with pytest.raises(TakenMeanwhile):
        timetable.act(delivery, by_hand.close, LINK)


def test_a_screenshot_is_kept_with_the_delivery(timetable: Timetable) -> None:
    delivery, piece_id = by_hand_task(timetable)
    timetable.act(delivery, by_hand.close, "", "ab" * 32)
    assert timetable.now(delivery).note["screenshot"] == "ab" * 32
    assert timetable.placements(piece_id)[0].state == PlacementState.LIVE


def test_the_engine_never_touches_what_a_person_took_over(timetable: Timetable) -> None:
    delivery, _piece = by_hand_task(timetable)
    timetable.at(hours=2)
    timetable.run()
    timetable.sweep()
    assert timetable.now(delivery).state == "manual"
    assert timetable.platform().arrived == []


def test_a_correction_by_hand_is_proven_as_one_and_keeps_the_platforms_number(timetable: Timetable) -> None:
    release = timetable.release()
    timetable.book(release.piece_id)
    timetable.run()
    before = timetable.placements(release.piece_id)[0]
    correction = timetable.book(release.piece_id, action="correct", at=timetable.at() + timedelta(hours=1))
    timetable.act(correction, booking.take_by_hand)
    timetable.act(correction, by_hand.close, "", "cd" * 32)
    after = timetable.placements(release.piece_id)[0]
    assert after.correction == "by_hand"
    assert (after.remote_id, after.url) == (before.remote_id, before.url)


# --- holding, moving ---------------------------------------------------------------------------------------------


def test_what_was_held_goes_out_at_its_own_time(timetable: Timetable) -> None:
    at = timetable.at() + timedelta(hours=2)
    delivery = timetable.book(timetable.release().piece_id, at=at)
    timetable.act(delivery, booking.hold, "核对数字", at - timedelta(hours=1))
    timetable.at(minutes=61)
    timetable.sweep()
    assert timetable.now(delivery).next_at == at
    timetable.act(delivery, booking.hold, "再核对")
    timetable.act(delivery, booking.resume)
    timetable.run()
    assert timetable.now(delivery).state == "booked"
    timetable.at(minutes=60)
    timetable.run()
    assert timetable.now(delivery).state == "done"


def test_a_hold_cannot_end_in_the_past(timetable: Timetable) -> None:
    delivery = timetable.book(timetable.release().piece_id, at=timetable.at() + timedelta(hours=2))
    with pytest.raises(Invalid):
        timetable.act(delivery, booking.hold, "核对", timetable.at())


# --- figures ---------------------------------------------------------------------------------------------------


def test_late_is_what_the_alarm_was_raised_for_until_it_is_out_or_moved(timetable: Timetable) -> None:
    delivery = timetable.book(timetable.release().piece_id)
    timetable.at(minutes=5)
    timetable.sweep()
    assert is_late(timetable.now(delivery), timetable.at())
    start, end = timetable.at() - timedelta(hours=1), timetable.at() + timedelta(hours=1)
    units = timetable.who("officer").units(Permission.DELIVERY_READ)
    with timetable.works.read() as work:
        assert punctuality(work.session, units, start, end, work.now).late == 1
    timetable.act(delivery, booking.move, timetable.at() + timedelta(minutes=10))
    assert not is_late(timetable.now(delivery), timetable.at())
    timetable.at(minutes=20)
    timetable.sweep()
    assert is_late(timetable.now(delivery), timetable.at())
    timetable.run()
    assert not is_late(timetable.now(delivery), timetable.at())


def test_the_days_figures_measure_from_the_time_chosen_to_the_first_call(timetable: Timetable) -> None:
    start = timetable.at()
    for wait in (0, 4, 60):
        timetable.book(timetable.release(title=f"等 {wait} 秒").piece_id)
        timetable.at(seconds=wait)
        timetable.run()
    timetable.book(timetable.release(title="还没发").piece_id, at=timetable.at() + timedelta(minutes=1))
    with timetable.works.read() as work:
        units = timetable.who("officer").units(Permission.DELIVERY_READ)
        figures = punctuality(work.session, units, start, start + timedelta(days=1), work.now)
        nothing = punctuality(work.session, [], start, start + timedelta(days=1), work.now)
    assert figures.counts == {"done": 3, "booked": 1}
    assert (figures.handed_on, figures.p50, figures.p95) == (3, 4.0, 60.0)
    assert figures.in_time == pytest.approx(2 / 3)
    assert (nothing.handed_on, nothing.p50, nothing.in_time) == (0, None, None)


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [(0, 0.5, None), (1, 0.5, 0.0), (1, 0.95, 0.0), (2, 0.5, 0.0), (20, 0.95, 18.0), (100, 0.95, 94.0), (3, 1.0, 2.0)],
)
def test_a_quantile_is_the_nearest_rank(count: int, share: float, expected: float | None) -> None:
    assert quantile([timedelta(seconds=n) for n in range(count)], share) == expected
