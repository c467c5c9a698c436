"""Later sign-off (补签): what went out in an emergency gets its ordinary signatures afterwards, by a deadline.

The law of signing holds here too: the same hash, other people, nobody his own text, proof passes before the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import review, rules
from content.errors import HashChanged, NoRight, OwnText, SignedBefore
from content.events import LaterSigningObjected, LaterSigningOpened
from content.models import LaterSigning, ProofPass, Release, Signature
from kernel.errors import Invalid, WrongState
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.once import insert_once
from kernel.people import Viewer
from kernel.work import Work

HOURS = declare(Rule("signing.later_hours", 24, "应急发布补签时限（小时）", number_between(1, 720)))
AGREED, OBJECTED = "agreed", "objected"


def owe(work: Work, release_id: int, at: datetime) -> None:
    """An emergency release shows somewhere since `at`: opens its later sign-off, once, if anything is owed."""
    release = work.session.get_one(Release, release_id)
    if not release.emergency or of_release(work.session, release.id) is not None:
        return
    slug = release.content["column"]["slug"]
    need = rules.requirement(work.session, release.unit_id, slug, work.now, emergency=False)
    levels = max(need.levels, release.levels)
    if levels == release.levels and need.proofs <= review.proofs_done(work.session, release):
        return
    due = at + timedelta(hours=float(value_of(work.session, HOURS, release.unit_id, work.now)))
    values = {"unit_id": release.unit_id, "levels": levels, "proofs": need.proofs, "opened_at": at, "due_at": due}
    if not insert_once(work.session, LaterSigning, release_id=release.id, verdict="", **values):
        return
    row = work.session.scalars(select(LaterSigning).where(LaterSigning.release_id == release.id)).one()
    work.audit("release.later_opened", release, levels=levels, proofs=need.proofs, due=due.isoformat())
    work.emit(LaterSigningOpened(row.id, release.id, release.unit_id, due))


def of_release(session: Session, release_id: int) -> LaterSigning | None:
    """What a release owes or owed."""
    return session.scalars(select(LaterSigning).where(LaterSigning.release_id == release_id)).one_or_none()


def level_of(session: Session, row: LaterSigning) -> int | None:
    """The level whose word is owed next; None when only proof passes are, or nothing is."""
    if row.verdict:
        return None
    release = session.get_one(Release, row.release_id)
    level = max(review.next_level(session, release), release.levels + 1)
    return level if level <= row.levels else None


def level_name(level: int) -> str:
    """What a level above the release's own stands for: the reviews that the emergency left out."""
    return f"补签（{rules.LEVEL_NAMES[level - 2]}）"


def sign(
    work: Work, who: Viewer, row: LaterSigning, seen_hash: str, opinion: str = "", *, on_behalf_of: int | None = None
) -> Signature:
    """同意 afterwards. The last one ends the duty; raises as `review.sign` does, WrongState when nothing is owed."""
    release, level = _owed(work, row)
    review.check_signer(work.session, who, release, level, on_behalf_of, work.now)
    if seen_hash != release.hash:
        raise HashChanged
    if level == row.levels:
        review.check_proofs(work.session, release, row.proofs)
    signature = review.put_signature(work, who, release, level, "agree", opinion, on_behalf_of, "console", None)
    work.audit("release.later_agreed", release, level=level, hash=release.hash, opinion=opinion)
    if level == row.levels:
        _finish(work, row, release)
    return signature


def object_to(work: Work, who: Viewer, row: LaterSigning, reason: str, *, on_behalf_of: int | None = None) -> Signature:
    """不同意: what went out should not stand as it is. The duty ends with that, and people are told to act."""
    if not reason.strip():
        raise Invalid(field="opinion", why="不同意须写明原因。")
    release, level = _owed(work, row)
    review.check_signer(work.session, who, release, level, on_behalf_of, work.now)
    signature = review.put_signature(work, who, release, level, "return", reason, on_behalf_of, "console", None)
    row.verdict, row.done_at = OBJECTED, work.now
    work.audit("release.later_objected", release, level=level, reason=reason.strip(), hash=release.hash)
    work.emit(LaterSigningObjected(row.id, release.id, release.unit_id, reason.strip()))
    return signature


def proofread(work: Work, who: Viewer, row: LaterSigning, person_id: int | None = None) -> ProofPass:
    """登记校对 afterwards, with the name of who read it; ends the duty when nothing else is owed."""
    release = _locked(work, row)
    proof = review.add_proof(work, who, release, row.proofs, person_id)
    if level_of(work.session, row) is None and proof.number >= row.proofs:
        _finish(work, row, release)
    return proof


def may_sign(session: Session, who: Viewer, row: LaterSigning, now: datetime, on_behalf_of: int | None = None) -> bool:
    """Whether the word that is owed next is this person's to give."""
    level = level_of(session, row)
    if level is None:
        return False
    try:
        review.check_signer(session, who, session.get_one(Release, row.release_id), level, on_behalf_of, now)
    except (NoRight, OwnText, SignedBefore):
        return False
    return True


def owed_in(session: Session, units: frozenset[int]) -> Sequence[LaterSigning]:
    """Everything still owed in these units, the most pressing first."""
    query = select(LaterSigning).where(LaterSigning.unit_id.in_(units), LaterSigning.verdict == "")
    return session.scalars(query.order_by(LaterSigning.due_at, LaterSigning.id)).all()


def _owed(work: Work, row: LaterSigning) -> tuple[Release, int]:
    release = _locked(work, row)
    level = level_of(work.session, row)
    if level is None:
        raise WrongState(state="只差校对登记", act="补签")
    return release, level


def _locked(work: Work, row: LaterSigning) -> Release:
    """The release, with the duty held until the work ends: two people signing at once must not both be the last."""
    work.session.refresh(row, with_for_update=True)
    if row.verdict:
        raise WrongState(state="补签已办结", act="补签")
    return work.session.get_one(Release, row.release_id)


def _finish(work: Work, row: LaterSigning, release: Release) -> None:
    row.verdict, row.done_at = AGREED, work.now
    work.audit("release.later_signed", release, hash=release.hash, in_time=work.now <= row.due_at)
