"""定时下线: booked where it shows or will show, moved, cancelled, brought forward; nothing shows past its time."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from content import public
from content.models import PublicPiece, Release
from content.snapshot import Target, Window
from kernel.errors import Invalid
from scheduler import booking, freeze, settle
from scheduler.dispatch import Dispatcher, Job
from scheduler.errors import OfflineBooked
from scheduler.events import WentLive
from scheduler.models import Delivery
from scheduler.offline import TOO_LATE, WAITS_FOR_RESULT
from scheduler.recurring import series as all_series
from scheduler.recurring.pattern import pattern
from scheduler.recurring.series import SeriesOrder
from scheduler.states import DeliveryState
from tests.scheduler.conftest import PUBLIC_URL, Timetable

HOUR = timedelta(hours=1)
PHRASE = "该内容已过有效期，现予撤下。"


def shown(table: Timetable, **words: Any) -> Release:
    """A release that shows on the first account."""
    release = table.release(**words)
    table.book(release.piece_id)
    table.run()
    return release


def offline(table: Timetable, release: Release, at: datetime | None, **order: Any) -> Delivery:
    return table.book(release.piece_id, action="withdraw", at=at, phrase=PHRASE, again=True, **order)


def test_it_is_taken_off_at_its_time_and_not_before(timetable: Timetable) -> None:
    release = shown(timetable)
    booked = offline(timetable, release, timetable.clock.now() + 2 * HOUR)
    timetable.at(hours=1)
    timetable.run()
    assert timetable.platform().withdrawn == []
    timetable.at(hours=1)
    timetable.run()
    assert timetable.platform().withdrawn == [release.piece_id]
    assert [row.state for row in timetable.placements(release.piece_id)] == ["withdrawn"]
    assert timetable.now(booked).state == DeliveryState.DONE


def test_it_is_booked_with_the_publication(timetable: Timetable) -> None:
    release = timetable.release()
    timetable.book(release.piece_id, at=timetable.clock.now() + HOUR)
    offline(timetable, release, timetable.clock.now() + 3 * HOUR)
    timetable.at(hours=1)
    timetable.run()
    assert [row.state for row in timetable.placements(release.piece_id)] == ["live"]
    timetable.at(hours=2)
    timetable.run()
    assert [row.state for row in timetable.placements(release.piece_id)] == ["withdrawn"]


def test_it_is_moved_beyond_the_signed_window_and_cancelled(timetable: Timetable) -> None:
    account = timetable.account("fake-a")
    target = Target(account.id, account.name, "fake", "text", "publish")
    window = Window(latest=timetable.clock.now() + HOUR)
    submitted = timetable.office.submit(timetable.office.piece().id, targets=[target], window=window)
    release = timetable.office.sign_off(submitted.id)
    timetable.book(release.piece_id)
    timetable.run()
    booked = offline(timetable, release, timetable.clock.now() + 5 * HOUR)
    timetable.act(booked, booking.move, timetable.clock.now() + 6 * HOUR)
    timetable.at(hours=5)
    timetable.run()
    assert timetable.platform().withdrawn == []
    timetable.act(booked, booking.cancel, "继续展示")
    timetable.at(hours=5)
    timetable.run()
    assert timetable.platform().withdrawn == []


def test_one_is_booked_once_and_whoever_withdraws_now_brings_it_forward(timetable: Timetable) -> None:
    release = shown(timetable)
    booked = offline(timetable, release, timetable.clock.now() + 24 * HOUR)
    with pytest.raises(OfflineBooked) as refusal:
        offline(timetable, release, timetable.clock.now() + 2 * HOUR)
    assert "2026-03-03 09:00" in refusal.value.message()
    now = timetable.book(release.piece_id, action="withdraw", phrase="该内容已撤下。", again=True)
    assert now.id == booked.id
    timetable.run()
    assert timetable.platform().withdrawn == [release.piece_id]
    assert timetable.now(booked).phrase == "该内容已撤下。"


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_time_before_it_is_out_is_refused(timetable: Timetable, hours: int) -> None:
    release = timetable.release()
    timetable.book(release.piece_id, at=timetable.clock.now() + HOUR)
    with pytest.raises(Invalid) as refusal:
        offline(timetable, release, timetable.clock.now() + hours * HOUR)
    assert refusal.value.field == "at"


def test_what_neither_shows_nor_is_booked_cannot_be_taken_off(timetable: Timetable) -> None:
    with pytest.raises(Invalid):
        offline(timetable, timetable.release(), timetable.clock.now() + HOUR)


def test_what_is_not_out_by_then_does_not_go_out_any_more(timetable: Timetable) -> None:
    release = timetable.release(signed=False)
    publish = timetable.book(release.piece_id, at=timetable.clock.now() + HOUR)
    withdrawal = offline(timetable, release, timetable.clock.now() + 3 * HOUR)
    timetable.at(hours=1)
    timetable.run()
    assert timetable.now(publish).code == "unsigned"
    timetable.at(hours=2)
    timetable.run()
    assert timetable.now(withdrawal).state == DeliveryState.CANCELLED
    assert timetable.now(publish).code == "offline"
    timetable.office.sign_off(release.id)
    with timetable.works.write() as work:
        booking.resume_signed(work, release.id)
    timetable.at(hours=1)
    timetable.run()
    assert timetable.now(publish).state == DeliveryState.HELD
    assert len(timetable.platform().arrived) == 0


def test_later_occurrences_of_a_series_are_left_alone(timetable: Timetable) -> None:
    release = timetable.release(signed=False)
    wanted = SeriesOrder(
        release.piece_id, timetable.account("fake-a").id, "publish", pattern("workdays", [], "10:00"),
        date(2026, 3, 2), 3,
    )  # fmt: skip
    with timetable.office.working("officer") as (work, who):
        made = all_series.book(work, who, wanted, PUBLIC_URL, ZoneInfo("Asia/Shanghai"))
    offline(timetable, release, timetable.clock.now() + 2 * HOUR)
    timetable.at(hours=2)
    timetable.run()
    with timetable.works.read() as work:
        found = [(one.state, one.code) for one in all_series.occurrences(work.session, made)]
    assert found == [("held", "offline"), ("booked", ""), ("booked", "")]


def test_both_due_in_one_claim_leave_nothing_on_show(timetable: Timetable) -> None:
    """A machine that was off over both times: what should be gone by now does not go out first."""
    release = timetable.release()
    publish = timetable.book(release.piece_id, at=timetable.clock.now() + HOUR)
    offline(timetable, release, timetable.clock.now() + 2 * HOUR)
    timetable.at(hours=5)
    for _minute in range(3):
        timetable.run()
        timetable.at(minutes=1)
    assert timetable.now(publish).state == DeliveryState.HELD
    assert timetable.platform().arrived == []
    assert timetable.placements(release.piece_id) == []


def test_a_publication_whose_answer_is_awaited_is_waited_for(timetable: Timetable) -> None:
    release = timetable.release()
    timetable.platform().script += ["accepted", "accepted"]
    timetable.book(release.piece_id)
    withdrawal = offline(timetable, release, timetable.clock.now() + timedelta(seconds=5))
    timetable.run()
    timetable.at(seconds=5)
    timetable.run()
    assert timetable.now(withdrawal).state == DeliveryState.BOOKED
    for _minute in range(20):
        timetable.at(minutes=1)
        timetable.run()
    assert timetable.now(withdrawal).state == DeliveryState.DONE
    assert [row.state for row in timetable.placements(release.piece_id)] == ["withdrawn"]


def test_a_stop_does_not_keep_it_up(timetable: Timetable) -> None:
    release = shown(timetable)
    offline(timetable, release, timetable.clock.now() + HOUR)
    with timetable.office.working("officer") as (work, who):
        freeze.begin(work, who, timetable.office.bureau.id, "全市悼念活动")
    timetable.at(hours=1)
    timetable.run()
    assert timetable.platform().withdrawn == [release.piece_id]


# --- what waits elsewhere -------------------------------------------------------------------------------


def test_what_was_withdrawn_since_goes_out_nowhere_by_itself(timetable: Timetable) -> None:
    release = timetable.release("fake-a", "fake-b")
    timetable.book(release.piece_id)
    tomorrow = timetable.clock.now() + 24 * HOUR
    elsewhere = timetable.book(release.piece_id, account="fake-b", at=tomorrow)
    timetable.run()
    timetable.at(hours=1)
    timetable.book(release.piece_id, action="withdraw", phrase=PHRASE, again=True)
    timetable.run()
    timetable.at(hours=23)
    timetable.run()
    kept = timetable.now(elsewhere)
    assert (kept.state, kept.code) == (DeliveryState.HELD, "withdrawn")
    assert "撤稿" in kept.reason
    assert timetable.platform("fake-b").arrived == []
    with timetable.office.working("officer") as (work, who):
        booking.cancel(work, who, work.session.get_one(Delivery, elsewhere.id), "改为重新安排")
    again = timetable.book(release.piece_id, account="fake-b")
    timetable.run()
    assert timetable.now(again).state == DeliveryState.DONE


def test_a_correction_that_waits_brings_nothing_back(timetable: Timetable) -> None:
    release = shown(timetable)
    later = timetable.clock.now() + 2 * HOUR
    correction = timetable.book(release.piece_id, action="correct", at=later, again=True)
    timetable.at(hours=1)
    timetable.book(release.piece_id, action="withdraw", phrase=PHRASE, again=True)
    timetable.run()
    timetable.at(hours=1)
    timetable.run()
    assert timetable.now(correction).state == DeliveryState.CANCELLED
    assert [row.state for row in timetable.placements(release.piece_id)] == ["withdrawn"]


def test_what_shows_late_makes_nothing_public_that_was_withdrawn(timetable: Timetable) -> None:
    release = shown(timetable)
    decided = timetable.clock.now()
    timetable.at(hours=1)
    with timetable.works.write() as work:
        public.withdrawn(work, release.piece_id, work.now, PHRASE)
    timetable.at(minutes=3)
    with timetable.works.write() as work:
        public.went_live(work, release.id, work.now, decided)
        assert work.session.get_one(PublicPiece, release.piece_id).withdrawn_at is not None
        public.went_live(work, release.id, work.now, work.now)
        assert work.session.get_one(PublicPiece, release.piece_id).withdrawn_at is None


def asked_while_going_out(table: Timetable, *then: str) -> tuple[Delivery, Delivery]:
    """A publication that its platform works on, and the withdrawal that was asked for meanwhile."""
    table.platform().script += ["accepted", *then]
    release = table.release()
    publication = table.book(release.piece_id)
    table.run()
    withdrawal = table.book(release.piece_id, action="withdraw", phrase="该内容已撤下。")
    assert table.now(withdrawal).reason == WAITS_FOR_RESULT
    table.run()
    assert (table.now(withdrawal).state, table.now(withdrawal).reason) == (DeliveryState.BOOKED, WAITS_FOR_RESULT)
    assert table.platform().withdrawn == []
    return publication, withdrawal


@pytest.mark.parametrize(("then", "state"), [("live", "done"), ("refused", "cancelled")])
def test_what_is_asked_back_while_it_goes_out_waits_for_the_result(timetable: Timetable, then: str, state: str) -> None:
    publication, withdrawal = asked_while_going_out(timetable, then)
    for _look in range(2):
        timetable.at(seconds=10)
        timetable.run()
    assert timetable.now(publication).state == ("done" if then == "live" else "failed")
    assert timetable.now(withdrawal).state == state
    assert len(timetable.platform().withdrawn) == (then == "live")


def test_what_was_asked_back_is_not_sent_again_by_a_person_who_finds_it_missing(timetable: Timetable) -> None:
    timetable.platform().script, timetable.platform().blind = ["lost"], True
    release = timetable.release()
    publication = timetable.book(release.piece_id)
    timetable.run()
    timetable.at(seconds=10)
    timetable.run()
    withdrawal = timetable.book(release.piece_id, action="withdraw", phrase="该内容已撤下。")
    timetable.run()  # It has looked just now, and looks again in a while: meanwhile nothing may go out.
    timetable.act(publication, settle.not_there)
    for _look in range(2):
        timetable.run()
        timetable.at(seconds=10)
    assert (timetable.now(publication).state, timetable.now(publication).reason) == ("held", TOO_LATE)
    assert timetable.now(withdrawal).state == "cancelled"
    assert len(timetable.platform().arrived) == 1


# --- what is being corrected meanwhile ------------------------------------------------------------------


def corrected_while_shown(table: Timetable, *answers: str) -> tuple[Delivery, int]:
    """What shows is corrected, and the platform answers so."""
    piece = shown(table).piece_id
    table.edition(piece, body="<p>更正后的内容。</p>")
    table.platform().script += answers
    correction = table.book(piece, action="correct")
    table.run()
    return correction, piece


def is_gone(table: Timetable, piece: int) -> None:
    """The platform shows nothing of it, and so it is written and told."""
    assert table.platform().shows == set()
    assert [row.state for row in table.placements(piece)] == ["withdrawn"]
    with table.works.write() as work:
        assert (
            work.session.scalars(select(Delivery.id).where(Delivery.state.in_(("booked", "sending", "accepted")))).all()
            == []
        )


@pytest.mark.parametrize("answer", ["accepted", "lost"])
def test_a_correction_under_way_is_waited_for(timetable: Timetable, answer: str) -> None:
    correction, piece = corrected_while_shown(timetable, answer, *["accepted"] * (answer == "accepted"))
    withdrawal = timetable.book(piece, action="withdraw", phrase=PHRASE)
    for seconds in (0, *[2] * 5):
        timetable.at(seconds=seconds)
        timetable.run()
    assert timetable.now(correction).state == timetable.now(withdrawal).state == DeliveryState.DONE
    assert len(timetable.platform().withdrawn) == 1
    is_gone(timetable, piece)


def test_one_that_takes_long_is_not_waited_for_and_what_it_brings_back_is_taken_back(timetable: Timetable) -> None:
    correction, piece = corrected_while_shown(timetable, "accepted", *["accepted"] * 40)
    timetable.at(seconds=70)
    withdrawal = timetable.book(piece, action="withdraw", phrase=PHRASE)
    timetable.platform().script = ["accepted", "live"]  # The poll of the one, and the other.
    timetable.run()
    assert timetable.now(withdrawal).state == DeliveryState.DONE
    assert timetable.now(correction).state == DeliveryState.ACCEPTED
    told = len(timetable.told)
    for _minute in range(12):
        timetable.at(minutes=1)
        timetable.run()
    assert timetable.now(correction).state == DeliveryState.DONE
    assert not any(isinstance(one, WentLive) for one in timetable.told[told:])
    is_gone(timetable, piece)


def test_a_withdrawal_that_knew_nothing_of_the_correction_is_done_again(timetable: Timetable) -> None:
    correction, piece = corrected_while_shown(timetable, "accepted", *["accepted"] * 40)
    timetable.at(seconds=70)
    withdrawal = timetable.book(piece, action="withdraw", phrase=PHRASE)
    timetable.platform().script = ["accepted", "accepted"]
    timetable.run()
    assert {timetable.now(one).state for one in (correction, withdrawal)} == {DeliveryState.ACCEPTED}
    timetable.platform().script = []
    for _minute in range(12):
        timetable.at(minutes=1)
        timetable.run()
    assert timetable.now(withdrawal).state == DeliveryState.DONE
    is_gone(timetable, piece)


def test_what_is_just_being_withdrawn_is_not_corrected(timetable: Timetable) -> None:
    piece = shown(timetable).piece_id
    timetable.platform().script += ["accepted", "accepted"]
    timetable.book(piece, action="withdraw", phrase=PHRASE)
    timetable.run()
    timetable.edition(piece, body="<p>更正后的内容。</p>")
    correction = timetable.book(piece, action="correct")
    for _look in range(4):
        timetable.run()
        timetable.at(seconds=11)
    assert (timetable.now(correction).state, timetable.platform().corrected) == (DeliveryState.CANCELLED, [])
    is_gone(timetable, piece)


def test_whichever_of_two_processes_comes_first_it_ends_withdrawn(timetable: Timetable) -> None:
    """Correction and withdrawal are claimed at one moment, each by a process of its own, and answered in any order."""
    lane = timetable.account("fake-a").id
    both = [replace(timetable.dispatcher, pace={lane: 5.0}) for _ in range(2)]  # Each claims one at a time.
    for turn in range(6):
        piece = shown(timetable).piece_id
        timetable.edition(piece, body=f"<p>第{turn}次更正。</p>")
        timetable.book(piece, action="correct")
        timetable.book(piece, action="withdraw", phrase=PHRASE)
        ready = threading.Barrier(2)

        def claim(one: Dispatcher, ready: threading.Barrier = ready) -> Sequence[Job]:
            ready.wait(10)
            return one.claim([lane]).jobs.get(lane, ())

        with ThreadPoolExecutor(2) as pool:
            claimed = list(pool.map(claim, both))
        answered = [(one, list(one.answers(lane, jobs))) for one, jobs in zip(both, claimed, strict=True)]
        for one, outcomes in answered[:: 1 if turn % 2 else -1]:
            if outcomes:
                one.record(outcomes)
        for _second in range(12):
            timetable.at(seconds=1)
            timetable.run()
        is_gone(timetable, piece)
