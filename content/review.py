"""Signing (三审三校): each level's word on one release hash, by different people, never by the author."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from content import rules, states
from content.errors import HashChanged, NoRight, OwnText, ProofsMissing, SignedBefore
from content.events import ReleaseReturned, ReleaseSigned, ReleaseSubmitted
from content.models import Piece, ProofPass, Release, Revision, Signature
from content.states import RELEASE_LABELS, ReleaseState
from kernel.errors import Invalid, WrongState
from kernel.people import Deputy, Permission, Person, Viewer, holders, viewer
from kernel.work import Work

Method = Literal["console", "link", "paper"]


@dataclass(frozen=True)
class Paper:
    """线下签: the scan of a form signed on paper (SHA-256 of its bytes), and who filed it."""

    scan: str
    filed_by: int


def next_level(session: Session, release: Release) -> int:
    """The level that is waiting: one more than the highest that agreed."""
    query = select(func.max(Signature.level)).where(Signature.release_id == release.id, Signature.verdict == "agree")
    return (session.scalar(query) or 0) + 1


def sign(
    work: Work,
    who: Viewer,
    release: Release,
    seen_hash: str,
    opinion: str = "",
    *,
    on_behalf_of: int | None = None,
    method: Method = "console",
    paper: Paper | None = None,
) -> Signature:
    """同意: the word of the waiting level. The last one signs the release off (签发).

    Raises HashChanged when the person saw another content, OwnText for the author, SignedBefore for a
    second level by the same person, ProofsMissing before the last signature, NoRight without the role.
    """
    piece = _open_piece(work, release)
    level = next_level(work.session, release)
    check_signer(work.session, who, release, level, on_behalf_of, work.now)
    if paper is not None and paper.filed_by in authors_of(work.session, release):
        raise NoRight(what="登记自己稿件的线下签（须由他人登记）")
    if seen_hash != release.hash:
        raise HashChanged
    if level == release.levels:
        check_proofs(work.session, release, release.proofs)
    signature = put_signature(work, who, release, level, "agree", opinion, on_behalf_of, method, paper)
    work.audit(
        "release.agreed",
        release,
        level=level,
        hash=release.hash,
        method=method,
        on_behalf_of=on_behalf_of,
        opinion=opinion,
    )
    if level == release.levels:
        release.state = ReleaseState.SIGNED
        release.signed_at = work.now
        piece.state = states.move(piece.state, "sign")
        work.audit("release.signed", release, hash=release.hash)
        work.emit(ReleaseSigned(release.id, piece.id, piece.unit_id))
    else:
        work.emit(ReleaseSubmitted(release.id, piece.id, piece.unit_id, level=level + 1))
    piece.updated_at = work.now
    return signature


def send_back(
    work: Work,
    who: Viewer,
    release: Release,
    reason: str,
    *,
    on_behalf_of: int | None = None,
    method: Method = "console",
) -> Signature:
    """退回: the waiting level returns the release to its author; a reason is required."""
    if not reason.strip():
        raise Invalid(field="opinion", why="退回须填写原因。")
    piece = _open_piece(work, release)
    level = next_level(work.session, release)
    check_signer(work.session, who, release, level, on_behalf_of, work.now)
    signature = put_signature(work, who, release, level, "return", reason, on_behalf_of, method, None)
    release.state = ReleaseState.RETURNED
    piece.state = states.move(piece.state, "return")
    piece.updated_at = work.now
    work.audit("release.returned", release, level=level, reason=reason.strip(), hash=release.hash)
    work.emit(ReleaseReturned(release.id, piece.id, piece.unit_id, piece.author_id, reason.strip()))
    return signature


def record_proof(work: Work, who: Viewer, release: Release, person_id: int | None = None) -> ProofPass:
    """Records one proof pass (校对) by the named person of the unit, by default who records it; not by the author."""
    _open_piece(work, release)
    return add_proof(work, who, release, release.proofs, person_id)


def add_proof(work: Work, who: Viewer, release: Release, needed: int, person_id: int | None = None) -> ProofPass:
    """The same, whatever state the release is in; not more than are needed."""
    proofreader = who.person_id if person_id is None else person_id
    if not (who.may(Permission.PIECE_REVIEW, release.unit_id) or who.may(Permission.PIECE_WRITE, release.unit_id)):
        raise NoRight(what="登记校对")
    if proofreader in authors_of(work.session, release):
        raise OwnText
    person = work.session.get(Person, proofreader)
    if person is None or not person.active or (person.id != who.person_id and person.unit_id != release.unit_id):
        raise Invalid(field="person", why="本单位没有这位校对人，或其账号已停用。")
    done = proofs_done(work.session, release)
    if done >= max(needed, 1):
        raise WrongState(state=f"已完成 {done} 次校对", act="再次登记校对")
    proof = ProofPass(release_id=release.id, number=done + 1, person_id=proofreader, at=work.now)
    work.session.add(proof)
    work.session.flush()
    work.audit("release.proofread", release, number=proof.number, person=proofreader, hash=release.hash)
    return proof


def may_sign(session: Session, who: Viewer, release: Release, now: datetime, on_behalf_of: int | None = None) -> bool:
    """Whether the waiting level is this person's to sign, for queues and buttons; `on_behalf_of` as his deputy."""
    if release.state != ReleaseState.OPEN:
        return False
    try:
        check_signer(session, who, release, next_level(session, release), on_behalf_of, now)
    except (NoRight, OwnText, SignedBefore):
        return False
    return True


def signers_of(session: Session, release: Release, now: datetime) -> list[Person]:
    """Everybody for whom `may_sign` holds at this moment, deputies included; asked at once, however many they are."""
    if release.state != ReleaseState.OPEN:
        return []
    level = next_level(session, release)
    barred = authors_of(session, release)
    if _need(session, release, now).distinct:
        barred |= _signed(session, release)
    able = set(holders(session, rules.permission_for(level, release.levels), release.unit_id, now)) - barred
    standing = select(Deputy.deputy_id).where(Deputy.person_id.in_(able), Deputy.starts_at <= now, Deputy.ends_at > now)
    signers = (able | set(session.scalars(standing))) - barred
    return list(session.scalars(select(Person).where(Person.id.in_(signers), Person.active).order_by(Person.id)))


def principals(session: Session, person_id: int, now: datetime) -> list[Person]:
    """For whom a person may sign as deputy at this moment (委托审签)."""
    query = (
        select(Person)
        .join(Deputy, Deputy.person_id == Person.id)
        .where(Deputy.deputy_id == person_id, Deputy.starts_at <= now, Deputy.ends_at > now, Person.active)
        .distinct()
    )
    return list(session.scalars(query.order_by(Person.id)))


def _open_piece(work: Work, release: Release) -> Piece:
    # Two who sign at the same moment come one after the other, so that each word stands at a level of its own.
    work.session.refresh(release, with_for_update=True)
    if release.state != ReleaseState.OPEN:
        raise WrongState(state=RELEASE_LABELS[ReleaseState(release.state)], act="审签")
    return work.session.get_one(Piece, release.piece_id)


def check_signer(
    session: Session, who: Viewer, release: Release, level: int, on_behalf_of: int | None, now: datetime
) -> None:
    """Raises OwnText, NoRight or SignedBefore when this level is not this person's to sign."""
    authors = authors_of(session, release)
    if who.person_id in authors or on_behalf_of in authors:
        raise OwnText
    permission = rules.permission_for(level, release.levels)
    if on_behalf_of is not None:
        _deputy_holds(session, who, on_behalf_of, permission, release.unit_id, now)
    elif not who.may(permission, release.unit_id):
        raise NoRight(what=f"作{rules.level_name(level, release.levels)}")
    # A principal and his deputy count as both: neither may stand on the form a second time.
    if _need(session, release, now).distinct and {who.person_id, on_behalf_of} & _signed(session, release):
        raise SignedBefore


def authors_of(session: Session, release: Release) -> set[int]:
    """Who wrote or submitted it: they neither sign nor proofread it."""
    piece = session.get_one(Piece, release.piece_id)
    writer = session.get_one(Revision, release.revision_id).created_by
    return {piece.author_id, writer, release.submitted_by}


def _deputy_holds(
    session: Session, who: Viewer, principal_id: int, permission: Permission, unit_id: int, now: datetime
) -> None:
    appointed = select(Deputy.id).where(
        Deputy.person_id == principal_id,
        Deputy.deputy_id == who.person_id,
        Deputy.starts_at <= now,
        Deputy.ends_at > now,
    )
    principal = session.get(Person, principal_id)
    if principal is None or session.scalar(appointed.limit(1)) is None:
        raise NoRight(what="代他人审签（没有生效的委托审签）")
    if not viewer(session, principal, now).may(permission, unit_id):
        raise NoRight(what="代此人审签（委托人没有该审级的权限）")


def _need(session: Session, release: Release, now: datetime) -> rules.Requirement:
    slug = release.content["column"]["slug"]
    return rules.requirement(session, release.unit_id, slug, now, emergency=release.emergency)


def _signed(session: Session, release: Release) -> set[int]:
    """Who stands on the form already, deputies and those they signed for alike."""
    query = select(Signature.person_id, Signature.on_behalf_of).where(Signature.release_id == release.id)
    return {one for pair in session.execute(query) for one in pair if one is not None}


def check_proofs(session: Session, release: Release, needed: int) -> None:
    """Raises ProofsMissing while there are fewer proof passes than needed."""
    done = proofs_done(session, release)
    if done < needed:
        raise ProofsMissing(missing=needed - done)


def proofs_done(session: Session, release: Release) -> int:
    """How many proof passes a release has had."""
    return session.scalar(select(func.count(ProofPass.id)).where(ProofPass.release_id == release.id)) or 0


def put_signature(
    work: Work,
    who: Viewer,
    release: Release,
    level: int,
    verdict: Literal["agree", "return"],
    opinion: str,
    on_behalf_of: int | None,
    method: Method,
    paper: Paper | None,
) -> Signature:
    """Writes one level's word on the release's hash."""
    signature = Signature(
        release_id=release.id,
        level=level,
        person_id=who.person_id,
        on_behalf_of=on_behalf_of,
        verdict=verdict,
        opinion=opinion.strip()[:1000],
        method="paper" if paper else method,
        scan=paper.scan if paper else None,
        filed_by=paper.filed_by if paper else None,
        release_hash=release.hash,
        at=work.now,
    )
    work.session.add(signature)
    work.session.flush()
    return signature
