"""审核中心: the signer's queue, and the page on which a release is read and signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import later, review, rules
from content.models import LaterSigning, Piece, Release
from content.states import ReleaseState
from hub import editorial
from hub.editorial import Waiting, release_for
from hub.web import approval, later_signing, sign_paper
from hub.web.access import Asker, HubDep
from hub.web.pages import page, say, see_other
from hub.web.readers import preview_page
from hub.web.sign_page import named, refused_page, signing_page
from hub.web.sign_reading import attachment_of, hand_on, picture_of
from hub.web.signing_guard import SigningGuard
from kernel.errors import NotFound, XuandaError
from kernel.people import Permission, Person
from templates.catalogue import _
from templates.views import Change

router = APIRouter(prefix="/console/signing")

P = Permission
Signer = Annotated[Asker, Depends(SigningGuard())]
Text = Annotated[str, Form()]
MOST_DONE = 20


@dataclass(frozen=True)
class Line:
    """A waiting release in the queue with what changed since its last signed version."""

    waiting: Waiting
    level: str
    author: str
    before: Release | None
    changes: list[Change]


@router.get("")
def queue(request: Request, hub: HubDep, asker: Signer) -> HTMLResponse:
    """待审: what waits for this person, with the differences to what was signed before."""
    with hub.works.read() as work:
        waiting = editorial.waiting_for(work.session, asker.viewer, work.now)
        lines = [_line(work.session, one) for one in waiting]
        owed = _owed_by(work.session, asker, work.now)
        done = work.session.scalars(
            select(Release)
            .where(
                Release.unit_id.in_(editorial.readable_units(work.session, asker.viewer, work.now)),
                Release.state != ReleaseState.OPEN,
            )
            .order_by(Release.id.desc())
            .limit(MOST_DONE)
        ).all()
    return page(request, asker, "pages/signing/queue.html", lines=lines, done=done, owed=owed)


def _owed_by(session: Session, asker: Asker, now: datetime) -> list[tuple[LaterSigning, Release]]:
    """What went out in an emergency and waits for this person's later signature."""
    units = editorial.readable_units(session, asker.viewer, now)
    instead = [None, *(one.id for one in review.principals(session, asker.viewer.person_id, now))]
    return [
        (row, session.get_one(Release, row.release_id))
        for row in later.owed_in(session, units)
        if any(later.may_sign(session, asker.viewer, row, now, one) for one in instead)
    ]


def _line(session: Session, waiting: Waiting) -> Line:
    release = waiting.release
    before = approval.last_signed(session, release)
    changed = approval.changes(approval.as_text(before.content), approval.as_text(release.content)) if before else []
    piece = session.get_one(Piece, release.piece_id)
    return Line(
        waiting,
        rules.level_name(waiting.level, release.levels),
        session.get_one(Person, piece.author_id).name,
        before,
        [change for change in changed if change.op != "same"][:6],
    )


@router.get("/{release_id}")
def one_release(request: Request, hub: HubDep, asker: Signer, release_id: int) -> HTMLResponse:
    """Every variant as its reader will see it, what was found, what changed, who signed."""
    return signing_page(request, hub, asker, release_id)


@router.get("/{release_id}/preview/{channel}")
def preview(request: Request, hub: HubDep, asker: Signer, release_id: int, channel: str) -> HTMLResponse:
    """One variant in a page of its own."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
    if channel not in release.content["variants"]:
        raise NotFound
    return preview_page(request, hub, release.content, channel, f"/console/signing/{release_id}")


@router.get("/{release_id}/media/{name}")
def releasepicture_of(hub: HubDep, asker: Signer, release_id: int, name: str) -> Response:
    """A picture of the release, for whoever may read it."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
    return picture_of(hub, release, name)


@router.get("/{release_id}/files/{sha256}/{name}")
def release_attachment(hub: HubDep, asker: Signer, release_id: int, sha256: str, name: str) -> Response:
    """A film or a document of the release, for whoever may read it, always as a download."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
    return attachment_of(hub, release, sha256, name)


@router.post("/{release_id}/agree")
def agree(
    request: Request,
    hub: HubDep,
    asker: Signer,
    release_id: int,
    seen: Text = "",
    opinion: Text = "",
    on_behalf_of: Text = "",
) -> Response:
    """同意: signs the waiting level over the hash of what was shown."""
    try:
        with hub.works.write(asker.actor) as work:
            release = release_for(work.session, asker.viewer, release_id, work.now)
            review.sign(
                work,
                asker.viewer,
                release,
                seen,
                opinion,
                on_behalf_of=named(on_behalf_of, "on_behalf_of"),
                method="console",
            )
    except XuandaError as error:
        return refused_page(request, hub, asker, release_id, error, opinion)
    return see_other("/console/signing", say(hub, asker, _("已签：%(title)s"), title=release.content["title"]))


@router.post("/{release_id}/return")
def send_back(
    request: Request, hub: HubDep, asker: Signer, release_id: int, opinion: Text = "", on_behalf_of: Text = ""
) -> Response:
    """退回 with a reason."""
    try:
        with hub.works.write(asker.actor) as work:
            release = release_for(work.session, asker.viewer, release_id, work.now)
            review.send_back(work, asker.viewer, release, opinion, on_behalf_of=named(on_behalf_of, "on_behalf_of"))
    except XuandaError as error:
        return refused_page(request, hub, asker, release_id, error, opinion)
    return see_other("/console/signing", say(hub, asker, _("已退回，撰稿人会收到通知。")))


@router.post("/{release_id}/delegate")
def delegate(request: Request, hub: HubDep, asker: Signer, release_id: int, to: Text = "") -> Response:
    """转交: asks another person who may sign this level to do it."""
    try:
        with hub.works.write(asker.actor) as work:
            release = release_for(work.session, asker.viewer, release_id, work.now)
            chosen = hand_on(hub, work, asker.viewer, release, to)
    except XuandaError as error:
        return refused_page(request, hub, asker, release_id, error)
    return see_other("/console/signing", say(hub, asker, _("已转交%(name)s，对方会收到通知。"), name=chosen.name))


@router.post("/{release_id}/proof")
def proof(request: Request, hub: HubDep, asker: Signer, release_id: int, person: Text = "") -> Response:
    """登记校对: one proof pass by the named person."""
    try:
        with hub.works.write(asker.actor) as work:
            release = release_for(work.session, asker.viewer, release_id, work.now)
            review.record_proof(work, asker.viewer, release, named(person, "person"))
    except XuandaError as error:
        return refused_page(request, hub, asker, release_id, error)
    return see_other(f"/console/signing/{release_id}#proofs", say(hub, asker, _("已登记校对。")))


router.include_router(sign_paper.router)
router.include_router(later_signing.router)
