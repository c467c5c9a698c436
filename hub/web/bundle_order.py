"""组稿顺序 as a signer decides it: on the page of the delivery, or beside the release that waits for his signature."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from hub.web.access import Asker, HubDep, may
from hub.web.booking_form import chosen_pieces
from hub.web.bundles import stepped
from hub.web.deliveries import delivery_for
from hub.web.pages import say, see_other
from hub.web.piece_form import number, text
from kernel.people import Permission
from scheduler import ordering
from templates.catalogue import _

router = APIRouter(prefix="/console/deliveries")

Signer = Annotated[Asker, Depends(may(Permission.PIECE_SIGN))]


async def whole_form(request: Request) -> FormData:
    """The form as it was sent: one hidden field per item, in the order that was seen."""
    return await request.form()


@router.post("/{delivery_id}/order")
def order(hub: HubDep, asker: Signer, delivery_id: int, sent: Annotated[FormData, Depends(whole_form)]) -> Response:
    """Moves one item up or down (`step` is `up:7`), or keeps the order as the signer's own (`keep`)."""
    seen = chosen_pieces(sent)
    with hub.works.write(asker.actor) as work:
        delivery = delivery_for(work.session, asker, delivery_id, Permission.PIECE_SIGN)
        ordering.reorder(work, asker.viewer, delivery, stepped(list(seen), text(sent, "step")), seen)
    release = number(sent, "release")
    back = f"/console/signing/{release}#order" if release else f"/console/deliveries/{delivery_id}#order"
    return see_other(back, say(hub, asker, _("顺序已确定。")))
