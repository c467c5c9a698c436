"""The API of 审核中心: what waits for a person, handing on, signatures on paper, and 补签 after an emergency."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, UploadFile
from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from content import later, review
from content.models import LaterSigning, Release, Signature
from hub import editorial
from hub.editorial import release_for
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_pieces import ReleaseTold, Verdict, release_told
from hub.web.api_shapes import At, moment, told
from hub.web.later_signing import owed_for
from hub.web.sent import Body
from hub.web.sign_paper import file_scan, read_scan
from hub.web.sign_reading import hand_on
from kernel.people import Permission

router = APIRouter(prefix="/api/v1")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.PIECE_READ))]
Reviewer = Annotated[Asker, Depends(api_may(P.PIECE_REVIEW))]
Text = Annotated[str, Form()]


class HandOn(Body):
    """Who shall sign instead: somebody who may sign this level."""

    to: int


class Objection(Body):
    """Why what went out should not stand as it is."""

    opinion: str
    on_behalf_of: int | None = None


class Proofreader(Body):
    """Who read it; without a name the token's person."""

    person: int | None = None


class WaitingTold(ReleaseTold):
    """A release that waits for the token's person, and in whose place where not in his own."""

    title: str
    level: int
    on_behalf_of: int | None


class OwedTold(TypedDict):
    """补签: what an emergency release still owes, and by when."""

    release: int
    title: str
    level: int | None
    levels: int
    proofs: int
    opened_at: At
    due_at: At
    late: bool
    verdict: str
    done_at: At | None


class Queue(TypedDict):
    """What waits for the token's person, and the later signatures that he owes."""

    waiting: list[WaitingTold]
    owed: list[OwedTold]


class SignatureTold(TypedDict):
    """One level's word; `scan` says whether there is paper behind it."""

    id: int
    level: int
    person: int
    on_behalf_of: int | None
    verdict: str
    opinion: str
    method: str
    filed_by: int | None
    scan: bool
    hash: str
    at: At


class Signatures(TypedDict):
    """The signatures of a release in their order."""

    signatures: list[SignatureTold]


@router.get("/signing")
def queue(hub: HubDep, asker: Reviewer) -> Queue:
    """待审: emergencies and the oldest first."""
    with hub.works.read() as work:
        session, who = work.session, asker.viewer
        people = [None, *(one.id for one in review.principals(session, who.person_id, work.now))]
        owed = [
            row
            for row in later.owed_in(session, editorial.readable_units(session, who, work.now))
            if any(later.may_sign(session, who, row, work.now, one) for one in people)
        ]
        return {
            "waiting": [
                {
                    **release_told(session, one.release),
                    "title": one.release.content["title"],
                    "level": one.level,
                    "on_behalf_of": one.on_behalf_of.id if one.on_behalf_of else None,
                }
                for one in editorial.waiting_for(session, who, work.now)
            ],
            "owed": [_owed_told(session, row, work.now) for row in owed],
        }


@router.get("/releases/{release_id}/signatures")
def signatures(hub: HubDep, asker: Reader, release_id: int) -> Signatures:
    """Who signed what, when, how and in whose place."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        return {"signatures": _signatures(work.session, release)}


@router.post("/releases/{release_id}/delegate")
def delegate(hub: HubDep, asker: Reviewer, release_id: int, sent: HandOn) -> ReleaseTold:
    """转交: asks another person who may sign this level to do it."""
    with hub.works.write(asker.actor) as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        hand_on(hub, work, asker.viewer, release, str(sent.to))
        return release_told(work.session, release)


@router.post("/releases/{release_id}/paper", status_code=201)
def file_paper(
    hub: HubDep,
    asker: Reader,
    release_id: int,
    file: Annotated[UploadFile, File()],
    person: Text,
    check: Text,
    opinion: Text = "",
) -> Signatures:
    """线下签: files the scan of the form that `person` signed, with the form's check value; never by the author."""
    scan = read_scan(hub, file)
    with hub.works.write(asker.actor) as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        file_scan(work, asker, release, scan, person, check, opinion)
        return {"signatures": _signatures(work.session, release)}


@router.post("/releases/{release_id}/later/sign")
def sign_later(hub: HubDep, asker: Reviewer, release_id: int, verdict: Verdict) -> OwedTold:
    """补签同意 over the hash that was read."""
    with hub.works.write(asker.actor) as work:
        row = owed_for(work.session, asker.viewer, release_id, work.now)
        later.sign(work, asker.viewer, row, verdict.hash, verdict.opinion, on_behalf_of=verdict.on_behalf_of)
        return _owed_told(work.session, row, work.now)


@router.post("/releases/{release_id}/later/object")
def object_later(hub: HubDep, asker: Reviewer, release_id: int, sent: Objection) -> OwedTold:
    """补签不同意; people are told to correct or withdraw what went out."""
    with hub.works.write(asker.actor) as work:
        row = owed_for(work.session, asker.viewer, release_id, work.now)
        later.object_to(work, asker.viewer, row, sent.opinion, on_behalf_of=sent.on_behalf_of)
        return _owed_told(work.session, row, work.now)


@router.post("/releases/{release_id}/later/proofs", status_code=201)
def proof_later(hub: HubDep, asker: Reviewer, release_id: int, sent: Proofreader) -> OwedTold:
    """登记校对 afterwards."""
    with hub.works.write(asker.actor) as work:
        row = owed_for(work.session, asker.viewer, release_id, work.now)
        later.proofread(work, asker.viewer, row, sent.person)
        return _owed_told(work.session, row, work.now)


def _signatures(session: Session, release: Release) -> list[SignatureTold]:
    rows = session.scalars(select(Signature).where(Signature.release_id == release.id).order_by(Signature.id))
    return [
        {
            "id": row.id,
            "level": row.level,
            "person": row.person_id,
            "on_behalf_of": row.on_behalf_of,
            "verdict": row.verdict,
            "opinion": row.opinion,
            "method": row.method,
            "filed_by": row.filed_by,
            "scan": bool(row.scan),
            "hash": row.release_hash,
            "at": told(row.at),
        }
        for row in rows
    ]


def _owed_told(session: Session, row: LaterSigning, now: datetime) -> OwedTold:
    release = session.get_one(Release, row.release_id)
    return {
        "release": release.id,
        "title": release.content["title"],
        "level": None if row.verdict else later.level_of(session, row),
        "levels": row.levels,
        "proofs": row.proofs,
        "opened_at": told(row.opened_at),
        "due_at": told(row.due_at),
        "late": not row.verdict and row.due_at <= now,
        "verdict": row.verdict,
        "done_at": moment(row.done_at),
    }
