"""Signing: different people, never the author, each over the hash he saw, with the proofs before the last."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import review
from content.errors import HashChanged, NoRight, OwnText, ProofsMissing, SignedBefore
from content.events import ReleaseReturned, ReleaseSigned, ReleaseSubmitted
from content.models import Piece, ProofPass, Release, Signature
from content.review import Paper
from content.states import PieceState, ReleaseState
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.errors import Invalid, WrongState
from kernel.events import Event, Listeners
from kernel.office_rules import set_rule
from kernel.people import Person, Role, viewer
from tests.factories import Office


def waiting(office: Office, **words: object) -> Release:
    return office.submit(office.piece(**words).id, "portal", "wechat")


def stored(office: Office, release: Release) -> Release:
    with office.works.read() as work:
        return work.session.get_one(Release, release.id)


def may(office: Office, name: str, release: Release, on_behalf_of: str = "") -> bool:
    with office.works.read() as work:
        principal = office.person(on_behalf_of).id if on_behalf_of else None
        fresh = work.session.get_one(Release, release.id)
        # Who is asked at once and who is asked one by one are the same people.
        everybody = work.session.scalars(select(Person).where(Person.active).order_by(Person.id)).all()
        able = [one for one in everybody if may_in_some_way(work.session, one, fresh, work.now)]
        assert review.signers_of(work.session, fresh, work.now) == able
        return review.may_sign(work.session, office.who(name), fresh, work.now, principal)


def may_in_some_way(session: Session, person: Person, release: Release, now: datetime) -> bool:
    who = viewer(session, person, now)
    ways = [None, *(one.id for one in review.principals(session, person.id, now))]
    return any(review.may_sign(session, who, release, now, way) for way in ways)


def send_back(office: Office, release: Release, by: str, reason: str = "事实有误", **more: object) -> None:
    with office.working(by) as (work, who):
        review.send_back(work, who, work.session.get_one(Release, release.id), reason, **more)


def test_three_levels_by_three_people(both: Office, listeners: Listeners) -> None:
    told: list[Event] = []
    for event in (ReleaseSubmitted, ReleaseSigned):
        listeners.in_work(event, lambda _work, fact: told.append(fact))
    release = waiting(both)
    both.proofread(release.id)
    for by in ("reviewer", "second_reviewer", "signer"):
        assert stored(both, release).state == ReleaseState.OPEN
        both.sign(release.id, by, opinion=" 同意 ")
    done = stored(both, release)
    assert done.state == ReleaseState.SIGNED
    assert done.signed_at == both.works.clock.now()
    assert [type(fact).__name__ + str(getattr(fact, "level", "")) for fact in told] == [
        "ReleaseSubmitted1", "ReleaseSubmitted2", "ReleaseSubmitted3", "ReleaseSigned",
    ]  # fmt: skip
    with both.works.read() as work:
        assert work.session.get_one(Piece, release.piece_id).state == PieceState.SIGNED
        signatures = work.session.scalars(select(Signature).order_by(Signature.level)).all()
        assert [(row.level, row.person_id, row.opinion) for row in signatures] == [
            (level, both.person(name).id, "同意")
            for level, name in enumerate(("reviewer", "second_reviewer", "signer"), 1)
        ]
        assert {row.release_hash for row in signatures} == {release.hash}
        lines = work.session.scalars(
            select(AuditLine.act).where(AuditLine.act.like("release.%")).order_by(AuditLine.seq)
        ).all()
        assert lines.count("release.agreed") == 3
        assert lines[-1] == "release.signed"


@pytest.mark.parametrize("wrote", ["author", "submitter", "co-writer"])
def test_nobody_signs_his_own_text(office: Office, wrote: str) -> None:
    office.grant("officer", Role.SIGNER)
    if wrote == "author":
        release = office.submit(office.piece(by="officer").id)
    elif wrote == "submitter":
        release = office.submit(office.piece().id, by="officer")
    else:
        piece = office.piece()
        office.submit(piece.id)
        office.save(piece.id, by="officer", body="<p>另写</p>")
        release = office.submit(piece.id)
    with pytest.raises(OwnText):
        office.sign(release.id, "officer")
    with pytest.raises(OwnText):
        office.proofread(release.id, 1, by="officer")
    assert not may(office, "officer", release)


def test_the_same_person_does_not_sign_two_levels(office: Office) -> None:
    release = waiting(office)
    office.sign(release.id, "reviewer")
    with pytest.raises(SignedBefore):
        office.sign(release.id, "reviewer")
    assert not may(office, "reviewer", release)
    assert may(office, "second_reviewer", release)


def test_unless_the_office_allows_it(office: Office) -> None:
    with office.works.write() as work:
        set_rule(work, "signing.distinct", office.city.id, 0)
    release = waiting(office)
    office.sign(release.id, "reviewer")
    assert may(office, "reviewer", release)
    office.sign(release.id, "reviewer")


@pytest.mark.parametrize("by", ["officer", "manager", "system_admin", "auditor", "stranger", "foreign_signer"])
def test_signing_needs_the_role_in_this_unit(office: Office, by: str) -> None:
    release = waiting(office)
    with pytest.raises(NoRight):
        office.sign(release.id, by)
    with pytest.raises(NoRight):
        send_back(office, release, by)
    assert not may(office, by, release)


def test_the_last_level_is_the_signers(office: Office) -> None:
    release = waiting(office)
    office.proofread(release.id)
    office.sign(release.id, "reviewer")
    office.sign(release.id, "signer")
    with pytest.raises(NoRight):
        office.sign(release.id, "second_reviewer")
    assert not may(office, "second_reviewer", release)


def test_a_signer_above_signs_below_only_with_a_role_that_says_so(office: Office) -> None:
    release = waiting(office)
    office.grant("manager", Role.SIGNER, office.city)
    assert not may(office, "manager", release)
    office.grant("foreign_signer", Role.SIGNER, office.city, below=True)
    assert may(office, "foreign_signer", release)


def test_what_was_not_seen_is_not_signed(office: Office) -> None:
    release = waiting(office)
    with office.working("reviewer") as (work, who), pytest.raises(HashChanged):
        review.sign(work, who, work.session.get_one(Release, release.id), "0" * 64)
    with office.works.read() as work:
        assert work.session.scalars(select(Signature)).all() == []


def test_a_changed_text_leaves_nothing_to_sign(office: Office) -> None:
    release = waiting(office)
    office.save(release.piece_id, body="<p>改</p>")
    with pytest.raises(WrongState):
        office.sign(release.id, "reviewer")
    again = office.submit(release.piece_id)
    with office.working("reviewer") as (work, who), pytest.raises(HashChanged):
        review.sign(work, who, work.session.get_one(Release, again.id), release.hash)


def test_a_signed_release_is_not_signed_again(office: Office) -> None:
    release = office.signed_release()
    with pytest.raises(WrongState):
        office.sign(release.id, "signer")
    assert not may(office, "signer", release)


# --- proofs ----------------------------------------------------------------------------------------------------


def test_the_last_signature_waits_for_the_proofs(office: Office) -> None:
    release = waiting(office)
    office.proofread(release.id, 2)
    office.sign(release.id, "reviewer")
    office.sign(release.id, "second_reviewer")
    with pytest.raises(ProofsMissing) as refusal:
        office.sign(release.id, "signer")
    assert "1 次" in refusal.value.message()
    office.proofread(release.id, 1, by="officer")
    office.sign(release.id, "signer")


def test_a_proof_names_a_person_who_is_there(office: Office) -> None:
    release = waiting(office)
    with office.working("reviewer") as (work, who):
        fresh = work.session.get_one(Release, release.id)
        review.record_proof(work, who, fresh, office.person("officer").id)
        for person in (10_000, office.person("author").id):
            with pytest.raises((Invalid, OwnText)):
                review.record_proof(work, who, fresh, person)
    with office.works.read() as work:
        (proof,) = work.session.scalars(select(ProofPass)).all()
        assert (proof.number, proof.person_id) == (1, office.person("officer").id)


def test_no_fourth_pass_and_none_from_outside(office: Office) -> None:
    release = waiting(office)
    with pytest.raises(NoRight):
        office.proofread(release.id, 1, by="stranger")
    office.proofread(release.id, 3)
    with pytest.raises(WrongState):
        office.proofread(release.id, 1)


# --- returning -------------------------------------------------------------------------------------------------


def test_returned_with_a_reason_and_submitted_again_is_a_new_release(office: Office, listeners: Listeners) -> None:
    told: list[ReleaseReturned] = []
    listeners.in_work(ReleaseReturned, lambda _work, event: told.append(event))
    release = waiting(office)
    office.sign(release.id, "reviewer")
    send_back(office, release, "second_reviewer", " 日期有误 ")
    assert told[0].author_id == office.person("author").id
    assert told[0].reason == "日期有误"
    assert stored(office, release).state == ReleaseState.RETURNED
    again = office.submit(release.piece_id)
    assert (again.number, again.state) == (2, ReleaseState.OPEN)
    with office.works.read() as work:
        assert review.next_level(work.session, again) == 1
    office.sign(again.id, "reviewer")


def test_returning_needs_a_reason(office: Office) -> None:
    release = waiting(office)
    with pytest.raises(Invalid) as refusal:
        send_back(office, release, "reviewer", "  ")
    assert refusal.value.field == "opinion"


def test_what_was_returned_is_not_signed(office: Office) -> None:
    release = waiting(office)
    send_back(office, release, "reviewer")
    with pytest.raises(WrongState):
        office.sign(release.id, "second_reviewer")
    with pytest.raises(WrongState):
        office.proofread(release.id, 1)


# --- deputies --------------------------------------------------------------------------------------------------


def test_a_deputy_signs_in_the_principals_place(office: Office) -> None:
    release = waiting(office)
    office.depute("reviewer", "deputy")
    principal = office.person("reviewer").id
    assert not may(office, "deputy", release)
    assert may(office, "deputy", release, "reviewer")
    office.sign(release.id, "deputy", on_behalf_of=principal)
    with office.works.read() as work:
        (signature,) = work.session.scalars(select(Signature)).all()
        assert (signature.person_id, signature.on_behalf_of) == (office.person("deputy").id, principal)
        assert [person.login for person in review.principals(work.session, signature.person_id, work.now)] == [
            "reviewer"
        ]


def test_whoever_wrote_it_signs_for_nobody(office: Office) -> None:
    release = waiting(office)
    for principal in ("reviewer", "signer"):
        office.depute(principal, "author")
    assert not may(office, "author", release, "reviewer")
    office.sign(release.id, "second_reviewer")
    office.depute("reviewer", "second_reviewer")
    assert not may(office, "second_reviewer", release, "reviewer")


def test_a_deputy_signs_only_in_his_time(office: Office, clock: StillClock) -> None:
    release = waiting(office)
    office.depute("reviewer", "deputy", hours=1)
    clock.step(hours=1)
    with pytest.raises(NoRight) as refusal:
        office.sign(release.id, "deputy", on_behalf_of=office.person("reviewer").id)
    assert "没有生效的委托" in refusal.value.message()
    with office.works.read() as work:
        assert review.principals(work.session, office.person("deputy").id, work.now) == []


@pytest.mark.parametrize("principal", ["manager", "stranger", "officer"])
def test_a_deputy_has_no_more_rights_than_his_principal(office: Office, principal: str) -> None:
    release = waiting(office)
    office.depute(principal, "deputy")
    with pytest.raises(NoRight):
        office.sign(release.id, "deputy", on_behalf_of=office.person(principal).id)


def test_a_deputy_is_no_way_around_four_eyes(office: Office) -> None:
    office.grant("author", Role.REVIEWER)
    office.grant("deputy", Role.REVIEWER)
    office.depute("author", "deputy")
    office.depute("reviewer", "author")
    office.depute("reviewer", "deputy")
    release = waiting(office)
    with pytest.raises(OwnText):
        office.sign(release.id, "author", on_behalf_of=office.person("reviewer").id)
    with pytest.raises(OwnText):
        office.sign(release.id, "deputy", on_behalf_of=office.person("author").id)
    office.sign(release.id, "reviewer")
    with pytest.raises(SignedBefore):
        office.sign(release.id, "deputy", on_behalf_of=office.person("reviewer").id)


def test_a_principal_does_not_sign_again_after_his_deputy(office: Office) -> None:
    office.depute("reviewer", "deputy")
    release = waiting(office)
    office.sign(release.id, "deputy", on_behalf_of=office.person("reviewer").id)
    with pytest.raises(SignedBefore):
        office.sign(release.id, "reviewer")


# --- paper -----------------------------------------------------------------------------------------------------


def test_a_paper_signature_names_who_filed_its_scan(office: Office) -> None:
    release = waiting(office)
    scan = office.blobs.put(b"scan").sha256
    office.sign(release.id, "reviewer", paper=Paper(scan, office.person("officer").id))
    with office.works.read() as work:
        (signature,) = work.session.scalars(select(Signature)).all()
        assert (signature.method, signature.scan, signature.filed_by) == ("paper", scan, office.person("officer").id)


def test_the_author_does_not_file_the_paper_of_his_own_text(office: Office) -> None:
    release = waiting(office)
    with pytest.raises(NoRight):
        office.sign(release.id, "reviewer", paper=Paper("0" * 64, office.person("author").id))


def test_two_who_sign_at_one_moment_stand_at_levels_of_their_own(both: Office) -> None:
    release = both.submit(both.piece().id)
    inside, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with both.working("reviewer") as (work, who):
            mine = work.session.get_one(Release, release.id)
            review.sign(work, who, mine, mine.hash)
            inside.set()
            go_on.wait(10)

    def second() -> None:
        with both.working("second_reviewer") as (work, who):
            mine = work.session.get_one(Release, release.id)
            review.sign(work, who, mine, mine.hash)

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first)
        assert inside.wait(10)
        two = pool.submit(second)
        time.sleep(0.3)
        go_on.set()
        one.result(20)
        two.result(20)
    with both.works.read() as work:
        levels = work.session.scalars(select(Signature.level).where(Signature.release_id == release.id)).all()
    assert sorted(levels) == [1, 2]
