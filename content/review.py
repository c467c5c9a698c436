"""Signing (三审三校): each level's word on one release hash, by different people, never by the author."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from content import rules, states
from content.errors import HashChanged, NoRight, OwnText, ProofsMissing, SignedBefore
from content.events import ReleaseReturned, ReleaseSigned, ReleaseSubmitted
from content.models import Piece, ProofPass, Release, Revision, Signature
from content.states import RELEASE_LABELS, ReleaseState
from kernel.errors import Invalid, WrongState
from kernel.people import Deputy, Permission, Person, Viewer, viewer
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
    _may_sign(work, who, piece, release, level, on_behalf_of)
    if seen_hash != release.hash:
        raise HashChanged
    if level == release.levels:
        _proofs_complete(work.session, release)
    signature = _signature(work, who, release, level, "agree", opinion, on_behalf_of, method, paper)
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
    _may_sign(work, who, piece, release, level, on_behalf_of)
    signature = _signature(work, who, release, level, "return", reason, on_behalf_of, method, None)
    release.state = ReleaseState.RETURNED
    piece.state = states.move(piece.state, "return")
    piece.updated_at = work.now
    work.audit("release.returned", release, level=level, reason=reason.strip(), hash=release.hash)
    work.emit(ReleaseReturned(release.id, piece.id, piece.unit_id, piece.author_id, reason.strip()))
    return signature


def record_proof(work: Work, who: Viewer, release: Release, person_id: int | None = None) -> ProofPass:
    """Records one proof pass (校对) by the named person, by default the one who records it; not by the author."""
    piece = _open_piece(work, release)
    proofreader = person_id or who.person_id
    if not (who.may(Permission.PIECE_REVIEW, release.unit_id) or who.may(Permission.PIECE_WRITE, release.unit_id)):
        raise NoRight(what="登记校对")
    if proofreader == piece.author_id:
        raise OwnText
    done = work.session.scalar(select(func.count(ProofPass.id)).where(ProofPass.release_id == release.id)) or 0
    if done >= max(release.proofs, 1):
        raise WrongState(state=f"已完成 {done} 次校对", act="再次登记校对")
    proof = ProofPass(release_id=release.id, number=done + 1, person_id=proofreader, at=work.now)
    work.session.add(proof)
    work.session.flush()
    work.audit("release.proofread", release, number=proof.number, person=proofreader, hash=release.hash)
    return proof


def may_sign(session: Session, who: Viewer, release: Release) -> bool:
    """Whether the waiting level is this person's to sign, for queues and buttons."""
    if release.state != ReleaseState.OPEN:
        return False
    piece = session.get_one(Piece, release.piece_id)
    level = next_level(session, release)
    if who.person_id in _authors(session, piece, release):
        return False
    permission = rules.permission_for(level, release.levels)
    return who.may(permission, release.unit_id) and not _signed_before(session, release, who.person_id)


def _open_piece(work: Work, release: Release) -> Piece:
    if release.state != ReleaseState.OPEN:
        raise WrongState(state=RELEASE_LABELS[ReleaseState(release.state)], act="审签")
    return work.session.get_one(Piece, release.piece_id)


def _may_sign(work: Work, who: Viewer, piece: Piece, release: Release, level: int, on_behalf_of: int | None) -> None:
    authors = _authors(work.session, piece, release)
    if who.person_id in authors or on_behalf_of in authors:
        raise OwnText
    permission = rules.permission_for(level, release.levels)
    if on_behalf_of is not None:
        _deputy_holds(work, who, on_behalf_of, permission, release.unit_id)
    elif not who.may(permission, release.unit_id):
        raise NoRight(what=f"作{rules.level_name(level, release.levels)}")
    need = rules.requirement(
        work.session, release.unit_id, release.content["column"]["slug"], work.now, emergency=release.emergency
    )
    if need.distinct and _signed_before(work.session, release, who.person_id):
        raise SignedBefore


def _authors(session: Session, piece: Piece, release: Release) -> set[int]:
    writer = session.get_one(Revision, release.revision_id).created_by
    return {piece.author_id, writer, release.submitted_by}


def _deputy_holds(work: Work, who: Viewer, principal_id: int, permission: Permission, unit_id: int) -> None:
    appointed = select(Deputy.id).where(
        Deputy.person_id == principal_id,
        Deputy.deputy_id == who.person_id,
        Deputy.starts_at <= work.now,
        Deputy.ends_at > work.now,
    )
    principal = work.session.get(Person, principal_id)
    if principal is None or work.session.scalar(appointed) is None:
        raise NoRight(what="代他人审签（没有生效的委托审签）")
    if not viewer(work.session, principal, work.now).may(permission, unit_id):
        raise NoRight(what="代此人审签（委托人没有该审级的权限）")


def _signed_before(session: Session, release: Release, person_id: int) -> bool:
    query = select(Signature.id).where(Signature.release_id == release.id, Signature.person_id == person_id)
    return session.scalar(query.limit(1)) is not None


def _proofs_complete(session: Session, release: Release) -> None:
    done = session.scalar(select(func.count(ProofPass.id)).where(ProofPass.release_id == release.id)) or 0
    if done < release.proofs:
        raise ProofsMissing(missing=release.proofs - done)


def _signature(
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
