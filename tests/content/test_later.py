"""补签: what went out in an emergency owes its ordinary signatures: the same hash, other people, proofs first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from content import later
from content.errors import HashChanged, NoRight, OwnText, ProofsMissing, SignedBefore
from content.events import LaterSigningObjected, LaterSigningOpened
from content.models import LaterSigning, Release, Signature
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.errors import Invalid, WrongState
from kernel.events import Event, Listeners
from kernel.office_rules import set_rule
from tests.factories import Office


def gone_out(office: Office) -> Release:
    """An emergency release with its two signatures, shown somewhere since now."""
    release = office.submit(office.piece().id, emergency=True)
    office.sign(release.id, "reviewer")
    office.sign(release.id, "signer")
    with office.works.write() as work:
        later.owe(work, release.id, work.now)
        later.owe(work, release.id, work.now)
    return release


def owed(office: Office) -> list[LaterSigning]:
    with office.works.read() as work:
        return list(work.session.scalars(select(LaterSigning)))


def sign(office: Office, release: Release, by: str, seen: str = "") -> None:
    with office.working(by) as (work, who):
        row = work.session.scalars(select(LaterSigning).where(LaterSigning.release_id == release.id)).one()
        later.sign(work, who, row, seen or release.hash)


def proofread(office: Office, release: Release, times: int = 3, by: str = "second_reviewer") -> None:
    for _ in range(times):
        with office.working(by) as (work, who):
            row = work.session.scalars(select(LaterSigning).where(LaterSigning.release_id == release.id)).one()
            later.proofread(work, who, row)


def test_what_went_out_owes_the_rest_once_by_the_offices_deadline(
    both: Office, clock: StillClock, listeners: Listeners
) -> None:
    told: list[Event] = []
    listeners.in_work(LaterSigningOpened, lambda _work, fact: told.append(fact))
    with both.works.write() as work:
        set_rule(work, "signing.later_hours", both.bureau.id, 6)
    release = gone_out(both)
    (row,) = owed(both)
    assert (row.levels, row.proofs, row.verdict) == (3, 3, "")
    assert row.due_at == clock.now() + timedelta(hours=6)
    assert [type(fact) for fact in told] == [LaterSigningOpened]
    proofread(both, release)
    sign(both, release, "second_reviewer")
    (row,) = owed(both)
    assert row.verdict == "agreed"
    with both.works.read() as work:
        last = work.session.scalars(select(Signature).order_by(Signature.id.desc())).first()
        acts = set(work.session.scalars(select(AuditLine.act)))
    assert last is not None
    assert (last.level, last.release_hash) == (3, release.hash)
    assert {"release.later_opened", "release.later_agreed", "release.later_signed"} <= acts


def test_the_law_of_signing_holds_afterwards_too(office: Office) -> None:
    release = gone_out(office)
    with pytest.raises(SignedBefore):
        sign(office, release, "reviewer")
    with pytest.raises(OwnText):
        sign(office, release, "author")
    with pytest.raises(NoRight):
        sign(office, release, "foreign_signer")
    with pytest.raises(HashChanged):
        sign(office, release, "second_reviewer", "0" * 64)
    with pytest.raises(ProofsMissing):
        sign(office, release, "second_reviewer")
    assert owed(office)[0].verdict == ""


def test_a_deputy_signs_in_place_of_whom_he_stands_for(office: Office) -> None:
    release = gone_out(office)
    proofread(office, release)
    office.depute("second_reviewer", "deputy")
    with office.working("deputy") as (work, who):
        row = work.session.scalars(select(LaterSigning)).one()
        assert not later.may_sign(work.session, who, row, work.now)
        later.sign(work, who, row, release.hash, on_behalf_of=office.person("second_reviewer").id)
    assert owed(office)[0].verdict == "agreed"


def test_an_objection_needs_a_reason_and_ends_the_duty(office: Office, listeners: Listeners) -> None:
    told: list[LaterSigningObjected] = []
    listeners.in_work(LaterSigningObjected, lambda _work, fact: told.append(fact))
    release = gone_out(office)
    with office.working("second_reviewer") as (work, who):
        row = work.session.scalars(select(LaterSigning)).one()
        with pytest.raises(Invalid):
            later.object_to(work, who, row, " ")
        later.object_to(work, who, row, "数字有误")
    assert owed(office)[0].verdict == "objected"
    assert told[0].reason == "数字有误"
    with pytest.raises(WrongState):
        sign(office, release, "second_reviewer")


def test_nothing_is_owed_where_the_ordinary_rule_asks_no_more(office: Office) -> None:
    with office.works.write() as work:
        set_rule(work, "signing.levels", office.bureau.id, 2)
        set_rule(work, "signing.proofs", office.bureau.id, 0)
    gone_out(office)
    assert owed(office) == []


def test_an_ordinary_release_owes_nothing(office: Office) -> None:
    release = office.signed_release()
    with office.works.write() as work:
        later.owe(work, release.id, work.now)
    assert owed(office) == []


def test_where_only_proofs_are_owed_the_last_one_ends_it(office: Office) -> None:
    with office.works.write() as work:
        set_rule(work, "signing.levels", office.bureau.id, 2)
    release = gone_out(office)
    with pytest.raises(WrongState):
        sign(office, release, "second_reviewer")
    proofread(office, release)
    assert owed(office)[0].verdict == "agreed"
