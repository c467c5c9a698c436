"""移动栏目: a piece is given another column; what is public moves when its new release is signed and published."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response

from content import moving
from content.models import Column, PublicPiece
from hub.editorial import piece_for
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.pages import page, say, see_other
from kernel.errors import Invalid
from kernel.people import Permission
from kernel.typed import row_in
from templates.catalogue import _

router = APIRouter(prefix="/console/pieces")

P = Permission
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]


@router.get("/{piece_id}/column")
def column_form(request: Request, hub: HubDep, asker: Writer, piece_id: int) -> HTMLResponse:
    """Where the piece stands, and where it may go."""
    return _page(request, hub, asker, piece_id, FormState())


@router.post("/{piece_id}/column")
def move(request: Request, hub: HubDep, asker: Writer, piece_id: int, column: Annotated[str, Form()] = "") -> Response:
    """Moves the piece."""
    try:
        with hub.works.write(asker.actor) as work:
            piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
            number = row_in(column)
            if number is None:
                raise Invalid(field="column", why="请选择栏目。")
            moving.move(work, asker.viewer, piece, number)
    except Invalid as error:
        return _page(request, hub, asker, piece_id, refused(asker, error, column=column), status=error.status)
    return see_other(
        f"/console/pieces/{piece_id}",
        say(hub, asker, _("已移到新栏目；重新送审、签发并更正后，公众看到的地址随之改变。")),
    )


def _page(
    request: Request, hub: Hub, asker: Asker, piece_id: int, form: FormState, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        own = work.session.get_one(Column, piece.column_id)
        shown = work.session.get(PublicPiece, piece.id)
        choices = [(str(one.id), one.name) for one in moving.choices(work.session, piece)]
    public = shown is not None and shown.from_at is not None and shown.withdrawn_at is None
    return page(
        request,
        asker,
        "pages/pieces/column.html",
        status=status,
        piece=piece,
        column=own,
        path=shown.path if shown is not None and public else "",
        choices=choices,
        form=form,
    )
