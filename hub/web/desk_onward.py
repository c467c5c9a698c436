"""转其他单位 at the live desk: which desks there are and who is at them, and the note that goes with the citizen."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response

from bot import desk, windows
from bot.team import onward
from bot.team.onward import OtherDesk
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.desk import in_reach
from hub.web.forms import FormState, refused
from hub.web.pages import fragment, page, say, see_other
from kernel.errors import NotFound, XuandaError
from kernel.people import Permission
from kernel.typed import row_in
from templates.catalogue import _

router = APIRouter(prefix="/console/desk")

P = Permission
Agent = Annotated[Asker, Depends(may(P.CONVERSATION_ANSWER))]
Text = Annotated[str, Form()]
TEMPLATE = "pages/desk/onward.html"


@router.get("/{conversation_id}/desks")
def choose(request: Request, hub: HubDep, asker: Agent, conversation_id: int) -> HTMLResponse:
    """The desks of other units, on a page of its own or as a part of the conversation's."""
    return _page(request, hub, asker, conversation_id, FormState())


@router.post("/{conversation_id}/forward")
def forward(
    request: Request, hub: HubDep, asker: Agent, conversation_id: int, to: Text = "", note: Text = ""
) -> Response:
    """Hands the conversation to another unit's queue; what stands in the way is told beside its field."""
    words, zone = hub.incoming.words, hub.settings.office_zone
    try:
        with hub.works.write(asker.actor) as work:
            found = in_reach(work, asker, conversation_id, P.CONVERSATION_ANSWER)
            unit = onward.hand(work, asker.viewer, found, row_in(to), note, words, zone)
            name = unit.name
    except NotFound:
        raise
    except XuandaError as error:
        return _page(request, hub, asker, conversation_id, refused(asker, error, to=to, note=note), status=error.status)
    return see_other("/console/desk", say(hub, asker, _("已转到%(unit)s的等待队列，市民已知晓。"), unit=name))


def _page(
    request: Request, hub: Hub, asker: Asker, conversation_id: int, form: FormState, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        found = in_reach(work, asker, conversation_id, P.CONVERSATION_ANSWER)
        others = onward.desks(work, found, hub.settings.office_zone)
        why = windows.hindrance(found, work.now)
        passes = desk.may_pass(asker.viewer, found)
    choices = [(one.unit_id, _label(hub, asker, one)) for one in others]
    context = {"opened": conversation_id, "units": choices, "hindrance": why, "form": form, "passes": passes}
    if request.headers.get("hx-request") == "true":
        return fragment(request, asker, TEMPLATE, "choosing", status=status, **context)
    return page(request, asker, TEMPLATE, status=status, **context)


def _label(hub: Hub, asker: Asker, one: OtherDesk) -> str:
    """A unit with what one has to know of its desk before sending a citizen there."""
    if one.shut:
        return say(hub, asker, _("%(unit)s（不在服务时间：%(hours)s）"), unit=one.name, hours=one.shut)
    if not one.there:
        return say(hub, asker, _("%(unit)s（无人在岗）"), unit=one.name)
    return say(hub, asker, _("%(unit)s（%(there)s 人在岗，%(n)s 位在等）"), unit=one.name, there=one.there, n=one.waits)
