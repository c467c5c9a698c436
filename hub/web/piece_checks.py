"""检查 and 读者所见 of a piece: its findings, their lifting, and every channel's preview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from channels.registry import limits_of
from content import checks
from content import release as releases
from content.models import Lift, Piece, Revision
from content.snapshot import Target
from hub import editorial
from hub.editorial import Offer, dressing_of, piece_for
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.pages import fragment, say, see_other
from hub.web.readers import Shown, draft_content, elsewhere_of, preview_page, shown
from kernel.errors import NotFound
from kernel.people import Permission
from templates.catalogue import _

router = APIRouter()

P = Permission
Reader = Annotated[Asker, Depends(may(P.PIECE_READ))]
Lifter = Annotated[Asker, Depends(may(P.FINDING_LIFT))]
Text = Annotated[str, Form()]


@dataclass(frozen=True)
class Checked:
    """A finding with its lifting, the field it leads to, and whether this person may lift it."""

    finding: checks.Finding
    lift: Lift | None
    anchor: str
    liftable: bool


@router.get("/{piece_id}/findings")
def findings(request: Request, hub: HubDep, asker: Reader, piece_id: int) -> HTMLResponse:
    """检查: what blocks and what is pointed out, for the words saved last."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        found = checked(hub, work.session, asker, piece)
    return fragment(request, asker, "pages/pieces/findings.html", "findings", piece=piece, findings=found)


@router.post("/{piece_id}/lift")
def lift(hub: HubDep, asker: Lifter, piece_id: int, finding: Text = "", reason: Text = "") -> Response:
    """放行: a signer lets a block pass with his reason."""
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.FINDING_LIFT)
        hosts = editorial.own_hosts(hub.settings)
        releases.lift(work, asker.viewer, piece, finding, reason, own_hosts=hosts)
    return see_other(f"/console/pieces/{piece_id}#findings", say(hub, asker, _("已放行，理由已记入审核表。")))


def checked(hub: Hub, session: Session, asker: Asker, piece: Piece) -> list[Checked]:
    """The findings of a piece's newest revision, as this person sees them."""
    revision = session.get_one(Revision, piece.revision_id)
    may_lift = asker.may(P.FINDING_LIFT, piece.unit_id) and asker.viewer.person_id not in (
        piece.author_id,
        revision.created_by,
    )
    pairs = releases.check(session, piece, revision, own_hosts=editorial.own_hosts(hub.settings))
    return [
        Checked(
            finding,
            lifted,
            _anchor(finding.place),
            may_lift and releases.can_be_lifted(finding),
        )
        for finding, lifted in pairs
    ]


def _anchor(place: str) -> str:
    head, _dot, rest = place.partition(".")
    if head in ("pictures", "attachments", "attachment"):
        return "assets"
    if head == "fields":
        return f"fields.{rest}" if rest else "kind-fields"
    return f"variants.{place}" if rest else place


@router.get("/{piece_id}/preview/{channel}")
def preview(request: Request, hub: HubDep, asker: Reader, piece_id: int, channel: str) -> HTMLResponse:
    """The newest words as this channel's readers will see them."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        content = content_of(hub, work.session, piece)
    if channel not in content["variants"]:
        raise NotFound
    return preview_page(request, hub, content, channel)


@router.get("/{piece_id}/previews")
def previews(request: Request, hub: HubDep, asker: Reader, piece_id: int) -> HTMLResponse:
    """Every channel's frame, drawn again after a save."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        frames = frames_of(hub, work.session, piece)
    return fragment(request, asker, "pages/pieces/previews.html", "previews", piece=piece, frames=frames)


def frames_of(hub: Hub, session: Session, piece: Piece) -> list[Shown]:
    content = content_of(hub, session, piece)
    there = elsewhere_of(session, content, piece.id)
    return shown(content, f"/console/pieces/{piece.id}/preview", there=there)


def content_of(hub: Hub, session: Session, piece: Piece) -> dict[str, Any]:
    """The content a release of the newest words would have for every account on offer."""
    revision = session.get_one(Revision, piece.revision_id)
    targets = [_own_target(offer) for offer in editorial.offers(session, piece.unit_id)]
    return draft_content(hub, session, piece, revision, targets)


def _own_target(offer: Offer) -> Target:
    account = offer.account
    return Target(
        account.id,
        account.name,
        account.channel,
        limits_of(account.channel).style,
        account.action,
        dressing=dressing_of(account),
    )
