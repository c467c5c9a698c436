"""登记来电来访: a form beside the desk for what was said by telephone or at the counter."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response

from bot.team import spoken
from bot.team.spoken import Spoken
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.pages import page, say, see_other
from hub.web.people import unit_in_reach, units_in_reach
from kernel.errors import XuandaError
from kernel.people import Permission
from templates.catalogue import _

router = APIRouter(prefix="/console/desk/record")

P = Permission
Agent = Annotated[Asker, Depends(may(P.CONVERSATION_ANSWER))]
Text = Annotated[str, Form()]

CHANNELS = (("phone", _("来电")), ("visit", _("来访")))


@router.get("")
def form(request: Request, hub: HubDep, asker: Agent) -> HTMLResponse:
    """The empty form."""
    return _page(request, hub, asker, FormState({"channel": "phone", "unit": str(asker.viewer.unit_id)}))


@router.post("")
def record(
    request: Request,
    hub: HubDep,
    asker: Agent,
    channel: Text = "",
    said: Text = "",
    told: Text = "",
    name: Text = "",
    phone: Text = "",
    unit: Text = "",
    key: Text = "",
) -> Response:
    """Writes it down and opens the conversation, from which a ticket can be made."""
    try:
        with hub.works.write(asker.actor) as work:
            only = str(min(asker.viewer.units(P.CONVERSATION_ANSWER)))
            place = unit_in_reach(work.session, asker, P.CONVERSATION_ANSWER, unit or only)
            made = spoken.record(work, asker.viewer, place.id, Spoken(channel, said, told, name, phone, key))
    except XuandaError as error:
        typed = {"channel": channel, "said": said, "told": told, "name": name, "phone": phone, "unit": unit}
        return _page(request, hub, asker, refused(asker, error, **typed, key=key), status=error.status)
    return see_other(f"/console/desk/{made.id}", say(hub, asker, _("已登记，可以转工单、写备注或结束。")))


def _page(request: Request, hub: Hub, asker: Asker, state: FormState, *, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        units = units_in_reach(work.session, asker, P.CONVERSATION_ANSWER)
    return page(
        request,
        asker,
        "pages/desk/record.html",
        status=status,
        form=state,
        channels=[(name, say(hub, asker, label)) for name, label in CHANNELS],
        units=units,
        key=state.value("key") or secrets.token_hex(8),
    )
