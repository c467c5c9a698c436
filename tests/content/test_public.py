"""What the public may see: from when, until when, and at which place on the portal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from content import public
from content.models import Column, Piece, PublicPiece, Release
from content.states import PieceState, ReleaseState
from kernel.clock import StillClock
from tests.factories import Office

COLUMNS = ("notices", "news", "notices", "notices")


def reserve(office: Office, release: Release) -> int | None:
    with office.works.write() as work:
        return public.reserve_place(work, release.id).place


def go_live(office: Office, release: Release) -> None:
    with office.works.write() as work:
        public.went_live(work, release.id, work.now)


def shown(office: Office) -> list[str]:
    with office.works.read() as work:
        return [row.title for row in public.latest(work.session, work.now, 10)]


def row_of(office: Office, release: Release) -> PublicPiece:
    with office.works.read() as work:
        return work.session.get_one(PublicPiece, release.piece_id)


def test_a_place_is_given_once(both: Office) -> None:
    first, second = both.signed_release(title="甲"), both.signed_release(title="乙")
    assert [reserve(both, first), reserve(both, second), reserve(both, first)] == [1, 2, 1]
    with both.works.read() as work:
        assert work.session.get_one(Column, both.columns["notices"].id).places == 2


def test_places_are_counted_by_column(office: Office) -> None:
    assert reserve(office, office.signed_release(column="news")) == 1
    assert reserve(office, office.signed_release(column="notices")) == 1


def test_places_given_at_once_are_in_order_and_by_column(both: Office) -> None:
    releases = [both.signed_release(title=f"第{number}篇", column=slug) for number, slug in enumerate(COLUMNS)]
    known = reserve(both, releases[2])
    with both.works.write() as work:
        rows = public.reserve_places(work, [release.id for release in releases])
        assert [row.piece_id for row in rows] == [release.piece_id for release in releases]
    assert (known, [row.place for row in rows]) == (1, [2, 1, 1, 3])
    with both.works.read() as work:
        places = {slug: work.session.get_one(Column, both.columns[slug].id).places for slug in COLUMNS}
    assert places == {"notices": 3, "news": 1}


def test_a_reserved_place_is_not_public_yet(office: Office) -> None:
    release = office.signed_release()
    reserve(office, release)
    assert shown(office) == []
    assert row_of(office, release).from_at is None
    with office.works.read() as work:
        assert public.release_shown(work.session, release.piece_id, work.now) is None


def test_going_live_shows_it_and_moves_the_piece(both: Office) -> None:
    release = both.signed_release(title="供热延长")
    reserve(both, release)
    go_live(both, release)
    assert shown(both) == ["供热延长"]
    with both.works.read() as work:
        piece = work.session.get_one(Piece, release.piece_id)
        assert (piece.state, piece.first_published_at) == (PieceState.LIVE, work.now)
        found = public.release_shown(work.session, piece.id, work.now)
        assert found is not None
        assert found.id == release.id


def test_a_further_account_leaves_the_row_alone(office: Office, clock: StillClock) -> None:
    release = office.signed_release()
    go_live(office, release)
    before = row_of(office, release).from_at
    statements: list[str] = []
    event.listen(office.works.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    clock.step(hours=1)
    go_live(office, release)
    assert row_of(office, release).from_at == before
    assert [one for one in statements if one.startswith(("UPDATE", "INSERT"))] == []


def test_it_may_go_live_on_two_accounts_at_one_moment(both: Office) -> None:
    release = both.signed_release(title="供热延长")
    with ThreadPoolExecutor(1) as pool:
        with both.works.write() as work:
            public.went_live(work, release.id, work.now)
            work.session.flush()
            other = pool.submit(go_live, both, release)
            with suppress(TimeoutError):  # The other waits for this work, or for its row.
                other.result(0.3)
        other.result(10)
    assert shown(both) == ["供热延长"]


def test_the_first_hour_of_publication_never_changes(office: Office, clock: StillClock) -> None:
    release = office.signed_release()
    first_at = clock.now()
    go_live(office, release)
    clock.step(days=1)
    office.save(release.piece_id, title="更正")
    corrected = office.sign_off(office.submit(release.piece_id).id)
    go_live(office, corrected)
    row = row_of(office, release)
    assert (row.first_at, row.from_at) == (first_at, clock.now())
    assert (row.title, row.release_id) == ("更正", corrected.id)
    with office.works.read() as work:
        assert work.session.get_one(Piece, release.piece_id).first_published_at == first_at
        assert len(work.session.scalars(select(PublicPiece)).all()) == 1


def test_going_live_on_a_second_channel_changes_nothing_for_a_piece_being_edited(office: Office) -> None:
    release = office.signed_release()
    go_live(office, release)
    office.save(release.piece_id, title="下一版")
    go_live(office, release)
    with office.works.read() as work:
        assert work.session.get_one(Piece, release.piece_id).state == PieceState.DRAFT
    assert row_of(office, release).title != "下一版"


def test_an_expired_piece_stops_being_shown_by_itself(office: Office, clock: StillClock) -> None:
    ends = clock.now() + timedelta(hours=2)
    release = office.signed_release(title="限时", expires_at=ends)
    go_live(office, release)
    clock.step(hours=2, microseconds=-1)
    assert shown(office) == ["限时"]
    clock.step(microseconds=1)
    assert shown(office) == []
    with office.works.read() as work:
        assert public.release_shown(work.session, release.piece_id, work.now) is None


def test_withdrawing_hides_it_and_keeps_what_the_public_is_told(office: Office) -> None:
    release = office.signed_release()
    reserve(office, release)
    go_live(office, release)
    with office.works.write() as work:
        public.withdrawn(work, release.piece_id, work.now, "内容有误，已撤下。")
    assert shown(office) == []
    row = row_of(office, release)
    assert (row.withdrawn_phrase, row.place) == ("内容有误，已撤下。", 1)
    with office.works.read() as work:
        assert work.session.get_one(Piece, release.piece_id).state == PieceState.WITHDRAWN
        assert public.listed(work.session, office.columns["notices"].id, 1, 10) == []


def test_what_the_public_sees_stays_signed_while_its_correction_is_signed(office: Office) -> None:
    release = office.signed_release()
    go_live(office, release)
    office.save(release.piece_id, title="更正后的标题")
    correction = office.submit(release.piece_id)
    with office.works.read() as work:
        assert work.session.get_one(Release, release.id).state == ReleaseState.SIGNED
        assert work.session.get_one(Release, correction.id).state == ReleaseState.OPEN


def test_withdrawing_twice_keeps_the_first_words(office: Office, clock: StillClock) -> None:
    release = office.signed_release()
    go_live(office, release)
    for phrase in ("第一次", "第二次"):
        with office.works.write() as work:
            public.withdrawn(work, release.piece_id, work.now, phrase)
        clock.step(hours=1)
    assert row_of(office, release).withdrawn_phrase == "第一次"


def test_what_was_withdrawn_can_be_signed_and_shown_again_at_its_old_place(office: Office) -> None:
    release = office.signed_release(title="甲")
    reserve(office, release)
    go_live(office, release)
    with office.works.write() as work:
        public.withdrawn(work, release.piece_id, work.now, "撤下")
    office.save(release.piece_id, title="甲（修订）")
    again = office.sign_off(office.submit(release.piece_id).id)
    assert reserve(office, again) == 1
    go_live(office, again)
    assert shown(office) == ["甲（修订）"]
    assert row_of(office, again).withdrawn_at is None


def test_withdrawing_what_was_never_shown_does_nothing(office: Office) -> None:
    release = office.signed_release()
    with office.works.write() as work:
        public.withdrawn(work, release.piece_id, work.now, "撤下")
    with office.works.read() as work:
        assert work.session.get(PublicPiece, release.piece_id) is None
        assert work.session.get_one(Piece, release.piece_id).state == PieceState.SIGNED
        assert work.session.get_one(Release, release.id).state == ReleaseState.SIGNED


@pytest.mark.parametrize(("first", "last", "titles"), [(1, 2, ["乙", "甲"]), (2, 3, ["丙", "乙"]), (4, 9, [])])
def test_the_pages_of_a_column_are_ranges_of_places(office: Office, first: int, last: int, titles: list[str]) -> None:
    for title in ("甲", "乙", "丙"):
        reserve(office, office.signed_release(title=title))
    with office.works.read() as work:
        rows = public.listed(work.session, office.columns["notices"].id, first, last)
        assert [row.title for row in rows] == titles


def test_latest_is_newest_first_and_by_column(office: Office, clock: StillClock) -> None:
    for title, column in (("甲", "news"), ("乙", "notices"), ("丙", "news")):
        go_live(office, office.signed_release(title=title, column=column))
        clock.step(minutes=1)
    assert shown(office) == ["丙", "乙", "甲"]
    with office.works.read() as work:
        rows = public.latest(work.session, work.now, 1, office.columns["news"].id)
        assert [row.title for row in rows] == ["丙"]
