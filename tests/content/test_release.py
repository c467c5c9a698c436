"""Submitting: what stands in the way, what is frozen, and what a second submission is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from content import release as releases
from content import rules
from content.errors import Blocked, NoRight
from content.events import ReleaseSubmitted
from content.models import Piece, Release, Revision
from content.snapshot import Window
from content.states import PieceState, ReleaseState
from kernel.audit import AuditLine
from kernel.errors import Invalid, Stale, WrongState
from kernel.events import Listeners
from kernel.office_rules import set_rule
from kernel.people import Role
from tests.factories import Office, target_of


def test_submitting_freezes_and_opens_a_release(both: Office, listeners: Listeners) -> None:
    told: list[ReleaseSubmitted] = []
    listeners.in_work(ReleaseSubmitted, lambda _work, event: told.append(event))
    piece = both.piece()
    release = both.submit(piece.id, "portal", "wechat")
    with both.works.read() as work:
        fresh = work.session.get_one(Piece, piece.id)
        assert (fresh.state, fresh.release_id) == (PieceState.REVIEW, release.id)
        assert work.session.get_one(Revision, release.revision_id).frozen
        stored = work.session.get_one(Release, release.id)
        assert (stored.state, stored.levels, stored.proofs, stored.number) == (ReleaseState.OPEN, 3, 3, 1)
        line = work.session.scalars(select(AuditLine).where(AuditLine.act == "release.submitted")).one()
        assert release.hash in line.details
        assert line.unit_id == both.bureau.id
    assert told == [ReleaseSubmitted(release.id, piece.id, both.bureau.id, level=1)]


def test_a_blocked_piece_is_not_submitted(office: Office) -> None:
    piece = office.piece(body="<p>手机 13800138000，此件不公开</p>")
    with pytest.raises(Blocked) as refusal:
        office.submit(piece.id)
    assert refusal.value.field == "body"
    assert "2 处" in refusal.value.message()
    with office.works.read() as work:
        assert work.session.get_one(Piece, piece.id).state == PieceState.DRAFT
        assert work.session.scalars(select(Release)).all() == []


def test_what_is_only_pointed_out_does_not_stop(office: Office) -> None:
    assert office.submit(office.piece(body="<p>仅供参考</p>").id).state == ReleaseState.OPEN


def test_without_an_account_there_is_nothing_to_sign(office: Office) -> None:
    piece = office.piece()
    with pytest.raises(Invalid) as refusal:
        office.submit(piece.id, targets=[])
    assert refusal.value.field == "targets"


def test_an_account_counts_once(office: Office) -> None:
    account = office.accounts["wechat"]
    with pytest.raises(Invalid, match="两次"):
        office.submit(office.piece().id, targets=[target_of(account), target_of(account, tag=2)])


@pytest.mark.parametrize(("earliest", "latest"), [(2, 1), (1, 1), (None, -1), (None, 0)])
def test_a_window_lies_ahead_and_has_a_length(office: Office, earliest: int | None, latest: int) -> None:
    now = office.works.clock.now()
    window = Window(None if earliest is None else now + timedelta(hours=earliest), now + timedelta(hours=latest))
    with pytest.raises(Invalid) as refusal:
        office.submit(office.piece().id, window=window)
    assert refusal.value.field == "latest"


def test_a_piece_does_not_expire_before_it_appears(office: Office) -> None:
    now = office.works.clock.now()
    piece = office.piece(expires_at=now + timedelta(hours=1))
    with pytest.raises(Invalid) as refusal:
        office.submit(piece.id, window=Window(now + timedelta(hours=2)))
    assert refusal.value.field == "expires_at"
    assert office.submit(piece.id).content["expires_at"] == (now + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize("by", ["reviewer", "signer", "stranger", "system_admin"])
def test_only_an_officer_of_the_unit_submits(office: Office, by: str) -> None:
    piece = office.piece()
    with pytest.raises(NoRight):
        office.submit(piece.id, by=by)


def test_one_submits_what_one_has_read(office: Office) -> None:
    piece = office.piece()
    office.save(piece.id, by="officer", title="同事改的标题")
    with pytest.raises(Stale):
        office.submit(piece.id, version=1)
    assert office.submit(piece.id, version=2).content["title"] == "同事改的标题"


def test_a_piece_is_not_submitted_twice(office: Office) -> None:
    piece = office.piece()
    office.submit(piece.id)
    with pytest.raises(WrongState):
        office.submit(piece.id)


def test_recalled_and_submitted_again_is_another_release(office: Office) -> None:
    piece = office.piece()
    first = office.submit(piece.id)
    with office.working("author") as (work, who):
        releases.recall(work, who, work.session.get_one(Piece, piece.id))
    second = office.submit(piece.id)
    assert (first.number, second.number) == (1, 2)
    with office.works.read() as work:
        assert work.session.get_one(Release, first.id).state == ReleaseState.VOID


def test_what_is_signed_is_not_recalled(office: Office) -> None:
    release = office.signed_release()
    with office.working("author") as (work, who), pytest.raises(WrongState):
        releases.recall(work, who, work.session.get_one(Piece, release.piece_id))


def test_a_stranger_does_not_recall(office: Office) -> None:
    piece = office.piece()
    office.submit(piece.id)
    with office.working("stranger") as (work, who), pytest.raises(NoRight):
        releases.recall(work, who, work.session.get_one(Piece, piece.id))


def test_an_officer_above_may_submit_below_only_with_a_role_that_says_so(office: Office) -> None:
    piece = office.piece()
    office.grant("stranger", Role.OFFICER, office.city)
    with pytest.raises(NoRight):
        office.submit(piece.id, by="stranger")
    office.grant("manager", Role.OFFICER, office.city, below=True)
    assert office.submit(piece.id, by="manager").submitted_by == office.person("manager").id


# --- what a release needs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "emergency", "expected"),
    [
        ({}, False, (3, 3)),
        ({"signing.levels": 2}, False, (2, 3)),
        ({"signing.levels": 2, "signing.column_levels": {"notices": 1}}, False, (1, 3)),
        ({"signing.column_levels": {"news": 1}}, False, (3, 3)),
        ({"signing.proofs": 0}, False, (3, 0)),
        ({}, True, (2, 0)),
        ({"signing.emergency_levels": 1}, True, (1, 0)),
        ({"signing.levels": 1}, True, (1, 0)),
    ],
)
def test_levels_and_proofs_are_data(
    office: Office, settings: dict[str, object], emergency: bool, expected: tuple[int, int]
) -> None:
    with office.works.write() as work:
        for name, value in settings.items():
            set_rule(work, name, office.city.id, value)
    release = office.submit(office.piece().id, emergency=emergency)
    assert (release.levels, release.proofs) == expected


def test_a_units_own_rule_wins_over_the_one_above(office: Office) -> None:
    with office.works.write() as work:
        set_rule(work, "signing.levels", office.city.id, 1)
        set_rule(work, "signing.levels", office.bureau.id, 4)
        need = rules.requirement(work.session, office.bureau.id, "notices", work.now, emergency=False)
        other = rules.requirement(work.session, office.other.id, "water", work.now, emergency=False)
    assert (need.levels, other.levels) == (4, 1)


@pytest.mark.parametrize("value", [{"notices": 0}, {"notices": 6}, {"notices": "2"}, [], {"notices": None}])
def test_levels_by_column_are_checked(office: Office, value: object) -> None:
    with office.works.write() as work, pytest.raises(Invalid):
        set_rule(work, "signing.column_levels", office.city.id, value)


def test_level_names() -> None:
    assert [rules.level_name(level, 3) for level in (1, 2, 3)] == ["一审", "二审", "终审签发"]
    assert rules.level_name(1, 1) == "终审签发"
    assert rules.level_name(4, 5) == "四审"
