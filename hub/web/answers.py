"""留言公开: a person publishes an answered ticket in masked words; everybody reads it with both times on the portal."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select

from bot import publishing
from bot.models import Ticket
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.pages import page, say, see_other
from hub.web.portal import portal_page
from kernel.errors import NotFound, XuandaError
from kernel.people import Permission, Unit, scoped
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/tickets")
public = APIRouter(prefix="/feedback")

Handler = Annotated[Asker, Depends(may(Permission.TICKET_ACT))]
Text = Annotated[str, Form()]
_PAGE = re.compile(r"[0-9]{1,4}")


@router.get("/{ticket_id}/public")
def form(request: Request, hub: HubDep, asker: Handler, ticket_id: int) -> HTMLResponse:
    """The words to publish, masked beforehand."""
    return _page(request, hub, asker, ticket_id, None)


@router.post("/{ticket_id}/public")
def publish(
    request: Request, hub: HubDep, asker: Handler, ticket_id: int, question: Text = "", public_answer: Text = ""
) -> Response:
    """Publishes the ticket in these words."""
    try:
        with hub.works.write(asker.actor) as work:
            publishing.publish(work, _ticket(work, asker, ticket_id), question, public_answer)
    except NotFound:
        raise
    except XuandaError as error:
        state = refused(asker, error, question=question, public_answer=public_answer)
        return _page(request, hub, asker, ticket_id, state, status=error.status)
    return see_other(f"/console/tickets/{ticket_id}", say(hub, asker, _("已公开，公众可在网站“留言公开”中看到。")))


@router.post("/{ticket_id}/hide")
def hide(hub: HubDep, asker: Handler, ticket_id: int) -> Response:
    """Takes it back."""
    with hub.works.write(asker.actor) as work:
        publishing.hide(work, _ticket(work, asker, ticket_id))
    return see_other(f"/console/tickets/{ticket_id}", say(hub, asker, _("已取消公开。")))


@public.get("/answers")
def answers(request: Request, hub: HubDep, page: Annotated[str, Query()] = "1") -> HTMLResponse:
    """What citizens asked and what they were told, with the time of both."""
    number = max(1, int(page)) if _PAGE.fullmatch(page) else 1
    with hub.works.read() as work:
        rows, total = publishing.listed(work.session, number)
        names = {
            unit.id: unit.name
            for unit in work.session.scalars(select(Unit).where(Unit.id.in_([r.unit_id for r in rows])))
        }
    last = max(1, -(-total // publishing.PER_PAGE))
    return portal_page(
        request,
        "pages/public/answers.html",
        answers=[(row, names[row.unit_id]) for row in rows],
        total=total,
        alone=False,
        newer=f"/feedback/answers?page={number - 1}" if number > 1 else "",
        older=f"/feedback/answers?page={number + 1}" if number < last else "",
    )


@public.get("/answers/{answer_id}")
def answer(request: Request, hub: HubDep, answer_id: int) -> HTMLResponse:
    """One of them, at an address that stays: search leads here. Once it is taken back, nothing is."""
    with hub.works.read() as work:
        row = publishing.shown(work.session, answer_id)
        if row is None:
            raise NotFound
        unit = work.session.get_one(Unit, row.unit_id).name
    return portal_page(
        request, "pages/public/answers.html", answers=[(row, unit)], total=1, alone=True, newer="", older=""
    )


def _ticket(work: Work, asker: Asker, ticket_id: int) -> Ticket:
    query = scoped(select(Ticket).where(Ticket.id == ticket_id), Ticket.unit_id, asker.viewer, Permission.TICKET_ACT)
    found = work.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def _page(
    request: Request, hub: Hub, asker: Asker, ticket_id: int, state: FormState | None, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        ticket = _ticket(work, asker, ticket_id)
        shown = publishing.of_ticket(work.session, ticket.id)
    question = shown.question if shown else publishing.for_everybody(ticket.text)
    answer = shown.answer if shown else publishing.for_everybody(ticket.answer)
    values = {"question": question, "public_answer": answer}
    return page(
        request, asker, "pages/tickets/public.html",
        status=status, ticket=ticket, shown=shown, form=state or FormState(values),
    )  # fmt: skip
