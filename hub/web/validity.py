"""有效性: a signer marks what is published as repealed, lapsed or in force again; its page and lists say so at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response

from content import relations
from content.models import Piece, PublicPiece
from hub.editorial import piece_for
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.pages import page, say, see_other
from kernel.errors import Invalid
from kernel.people import Permission
from kernel.work import Work
from scheduler import booking
from templates.catalogue import _

router = APIRouter(prefix="/console/pieces")

P = Permission
Signer = Annotated[Asker, Depends(may(P.PIECE_SIGN))]
Text = Annotated[str, Form()]

CHOICES = (("", _("有效")), ("repealed", _("废止")), ("lapsed", _("失效")))


@router.get("/{piece_id}/standing")
def standing_form(request: Request, hub: HubDep, asker: Signer, piece_id: int) -> HTMLResponse:
    """How the piece stands, and the choice."""
    return _page(request, hub, asker, piece_id, None)


@router.post("/{piece_id}/standing")
def mark(request: Request, hub: HubDep, asker: Signer, piece_id: int, standing: Text = "", note: Text = "") -> Response:
    """Marks the piece, and has its pages drawn again."""
    try:
        with hub.works.write(asker.actor) as work:
            mark_in(work, asker, piece_id, standing, note)
    except Invalid as error:
        form = refused(asker, error, standing=standing, note=note)
        return _page(request, hub, asker, piece_id, form, status=error.status)
    told = say(hub, asker, _("已标注；页面、列表和关联的解读随即更新。"))
    return see_other(f"/console/pieces/{piece_id}/standing", told)


def mark_in(work: Work, asker: Asker, piece_id: int, standing: str, note: str) -> Piece:
    """Marks a piece; wherever it can still be changed, it is drawn again."""
    piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_SIGN)
    relations.mark_standing(work, asker.viewer, piece, standing, note)
    booking.redraw(work, piece)
    return piece


def _page(
    request: Request, hub: Hub, asker: Asker, piece_id: int, form: FormState | None, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_SIGN)
        row = work.session.get(PublicPiece, piece.id)
    shown = row if row is not None and row.from_at is not None and row.withdrawn_at is None else None
    form = form or FormState(
        {"standing": shown.standing if shown else "", "note": shown.standing_note if shown else ""}
    )
    choices = [(value, say(hub, asker, label)) for value, label in CHOICES]
    return page(
        request, asker, "pages/pieces/standing.html", status=status, piece=piece, row=shown, form=form, choices=choices
    )
