"""Several changes of one piece on one account: one at a time, and none goes back behind what shows."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy import select

from content.models import Piece
from scheduler import booking
from scheduler.batch import Batch
from scheduler.models import Delivery, DeliveryItem
from scheduler.states import DeliveryState
from tests.scheduler.conftest import Timetable

S = DeliveryState


@pytest.fixture
def piece(timetable: Timetable) -> int:
    """A piece that shows on fake-a."""
    release = timetable.release()
    timetable.book(release.piece_id)
    timetable.run()
    return release.piece_id


def drawn(timetable: Timetable, delivery: Delivery) -> int:
    """The release that a delivery carries by now."""
    with timetable.works.read() as work:
        return work.session.scalars(select(DeliveryItem.release_id).filter_by(delivery_id=delivery.id)).one()


def redraw(timetable: Timetable, piece: int) -> Delivery:
    with timetable.office.working("officer") as (work, _who):
        [made] = booking.redraw(work, work.session.get_one(Piece, piece))
        return made


def test_what_is_drawn_again_waits_for_a_correction_and_keeps_its_words(timetable: Timetable, piece: int) -> None:
    corrected = timetable.edition(piece, body="<p>改过的内容。</p>")
    timetable.platform().script = ["accepted"]
    correction = timetable.book(piece, action="correct")
    timetable.run()
    assert timetable.now(correction).state == S.ACCEPTED
    refresh = redraw(timetable, piece)  # What shows at this moment are the old words.
    timetable.run()
    assert timetable.now(refresh).state == S.BOOKED
    assert timetable.now(refresh).reason == "该稿件在此账号上另有一次更正或刷新正在进行，有了结果再发"
    for _ in range(6):
        timetable.clock.step(seconds=15)
        timetable.run()
    assert {timetable.now(one).state for one in (correction, refresh)} == {S.DONE}
    assert drawn(timetable, refresh) == corrected.id
    [place] = timetable.placements(piece)
    assert place.release_id == corrected.id
    assert timetable.platform().shows == {place.remote_id}


def test_two_due_at_once_leave_one_after_the_other(timetable: Timetable, piece: int) -> None:
    timetable.edition(piece, body="<p>改过的内容。</p>")
    refresh = redraw(timetable, piece)
    correction = timetable.book(piece, action="correct")
    timetable.run()
    assert sorted(timetable.now(one).state for one in (refresh, correction)) == [S.BOOKED, S.DONE]
    timetable.clock.step(seconds=15)
    timetable.run()
    assert {timetable.now(one).state for one in (refresh, correction)} == {S.DONE}
    [place] = timetable.placements(piece)
    assert timetable.platform().shows == {place.remote_id}
    assert place.release_id == drawn(timetable, correction)


def test_a_page_is_drawn_again_as_it_stands_and_not_as_it_was_written_since(timetable: Timetable, piece: int) -> None:
    [before] = timetable.placements(piece)
    timetable.edition(piece, signed=False, body="<p>还没有人签发。</p>")
    refresh = timetable.book(piece, action="refresh")
    assert drawn(timetable, refresh) == before.release_id
    timetable.run()
    assert timetable.now(refresh).state == S.DONE
    [after] = timetable.placements(piece)
    assert after.release_id == before.release_id


def test_an_older_correction_does_not_go_back_behind_a_newer_one(timetable: Timetable, piece: int) -> None:
    older = timetable.edition(piece, body="<p>改过的内容。</p>")
    waits = timetable.book(piece, action="correct")
    newer = timetable.edition(piece, body="<p>又改过的内容。</p>")
    with timetable.works.write() as work:  # As before decision 45: it did not follow, and its words are the older ones.
        work.session.scalars(select(DeliveryItem).filter_by(delivery_id=waits.id)).one().release_id = older.id
        row = work.session.get_one(Delivery, waits.id)
        row.identity, row.next_at = "older", timetable.clock.now().replace(year=2027)
    timetable.book(piece, action="correct")
    timetable.run()
    with timetable.works.write() as work:
        work.session.get_one(Delivery, waits.id).next_at = timetable.clock.now()
    timetable.run()
    late = timetable.now(waits)
    assert (late.state, late.reason) == (S.CANCELLED, "该账号上显示的已是更新的版本，这次更正不再发出")
    [place] = timetable.placements(piece)
    assert place.release_id == newer.id


def test_who_claims_another_change_at_the_same_moment_waits_and_sees_it(timetable: Timetable, piece: int) -> None:
    timetable.edition(piece, body="<p>改过的内容。</p>")
    refresh = redraw(timetable, piece)
    correction = timetable.book(piece, action="correct")
    lane, over = timetable.account("fake-a").id, threading.Event()

    def claims() -> int:
        claimed = timetable.dispatcher.claim([lane])
        assert over.is_set(), "it did not wait"
        return len(claimed.jobs.get(lane, ()))

    with ThreadPoolExecutor(1) as pool:
        with timetable.works.write() as work:
            # What a claim does in another process.
            mine = work.session.get_one(Delivery, refresh.id, with_for_update=True)
            assert not Batch(work.session, [mine]).changing
            mine.state = S.SENDING
            work.session.flush()
            other = pool.submit(claims)
            wait([other], 0.5)  # Here it waits, or has claimed too soon.
            over.set()
        assert other.result(30) == 0
    assert timetable.now(correction).state == S.BOOKED
