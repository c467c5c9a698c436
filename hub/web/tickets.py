"""工单: what was left out of hours or written on the portal, with its deadline; answered and closed by a person."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select

from bot import notices, tickets
from bot.casework import alarming, signing
from bot.models import Ticket, TicketNotice
from bot.publishing import mask
from bot.states import TICKET_KINDS, TICKET_LABELS, UNANSWERED, TicketState
from hub.telling import tell_answer
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.lists import listing
from hub.web.pages import columns, page, say, see_other
from hub.web.ticket_filter import FILTERS, asked_for
from hub.web.ticket_guard import DeputyToo
from hub.web.ticket_page import find, find_as_deputy, ticket_page
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, Person, Unit
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/tickets")

Reader = Annotated[Asker, Depends(may(Permission.TICKET_READ))]
Handler = Annotated[Asker, Depends(may(Permission.TICKET_ACT))]
Visitor = Annotated[Asker, Depends(DeputyToo(Permission.TICKET_READ))]
Head = Annotated[Asker, Depends(DeputyToo(Permission.TICKET_SIGN))]
Text = Annotated[str, Form()]
TOLD = {
    "message": _("已答复，并已发给市民。"),
    "notice": _("已答复；已超过 48 小时，改发服务通知。"),
    "no_consent": _("已答复；已超过 48 小时，本人没有同意订阅通知，没有发送；市民凭编号可以查询，请按联系方式告知。"),
    "": _("已答复；市民凭编号可以查询，请按联系方式告知。"),
}
COLUMNS = (
    (_("编号"), "number"),
    (_("类别"), "kind"),
    (_("事由"), ""),
    (_("单位"), "unit"),
    (_("承办人"), "handler"),
    (_("登记时间"), "created"),
    (_("答复期限"), "due"),
    (_("状态"), "state"),
)


@router.get("")
def the_tickets(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The tickets in reach, the most pressing first."""
    asked = listing(request, *FILTERS, sort="due")
    with hub.works.read() as work:
        query = asked_for(asked, asker, work.now)
        sorts = {
            "number": Ticket.number,
            "kind": Ticket.kind,
            "unit": Unit.name,
            "handler": Person.name,
            "created": Ticket.created_at,
            "due": Ticket.due_at,
            "state": Ticket.state,
        }
        units = _units(work, asker)
        rows, state = asked.take(work.session, query, sorts, Ticket.id)
        now = work.now
    return page(
        request,
        asker,
        "pages/tickets/list.html",
        tickets=[(row[0], row[1], row[2] or "", mask(row[0].text), alarming.is_alarming(row[0])) for row in rows],
        state=state,
        query=request.url.query,
        at=now,
        units=units,
        handlers=[("mine", _("派给我的")), ("nobody", _("待派单"))],
        kinds=[(kind, kind) for kind in TICKET_KINDS],
        states=[
            *((one.value, TICKET_LABELS[one]) for one in TicketState),
            ("late", _("已超期")),
            ("danger", _("紧急未处置")),
            ("follow", _("待回访")),
        ],
        labels=TICKET_LABELS,
        unanswered=UNANSWERED,
        columns=columns(hub, asker, *COLUMNS),
    )


def _units(work: Work, asker: Asker) -> list[tuple[str, str]]:
    reach = asker.viewer.units(Permission.TICKET_READ)
    query = select(Unit.id, Unit.name).where(Unit.id.in_(reach)).order_by(Unit.path)
    return [(str(row[0]), row[1]) for row in work.session.execute(query)]


@router.get("/{ticket_id}")
def one_ticket(request: Request, hub: HubDep, asker: Visitor, ticket_id: int) -> HTMLResponse:
    """One ticket."""
    return ticket_page(request, hub, asker, ticket_id, FormState())


@router.post("/{ticket_id}/answer")
def answer(request: Request, hub: HubDep, asker: Handler, ticket_id: int, text: Text = "") -> Response:
    """Writes the answer: it goes to the unit's head, or to the citizen where the unit's answers need no signature."""
    try:
        with hub.works.write(asker.actor) as work:
            ticket = find(work, asker, ticket_id, Permission.TICKET_ACT)
            waits = signing.submit(work, ticket, text)
            told = _("答复已送审，负责人审签后发给市民。") if waits else TOLD[tell_answer(hub, work, ticket)]
    except Invalid as error:
        return ticket_page(
            request, hub, asker, ticket_id, refused(asker, error, text=text), opened="answer", status=error.status
        )
    return see_other(f"/console/tickets/{ticket_id}", say(hub, asker, told))


@router.post("/{ticket_id}/sign")
def sign(hub: HubDep, asker: Head, ticket_id: int) -> Response:
    """审签: the answer leaves as it was written, the way the citizen came."""
    with hub.works.write(asker.actor) as work:
        ticket = find_as_deputy(work, asker, ticket_id, Permission.TICKET_SIGN)
        signing.sign(work, ticket)
        told = tell_answer(hub, work, ticket)
    return see_other(_after(asker, ticket), say(hub, asker, TOLD[told]))


@router.post("/{ticket_id}/sign/return")
def send_back(request: Request, hub: HubDep, asker: Head, ticket_id: int, sign_words: Text = "") -> Response:
    """Sends the answer back to whoever wrote it."""
    try:
        with hub.works.write(asker.actor) as work:
            ticket = find_as_deputy(work, asker, ticket_id, Permission.TICKET_SIGN)
            signing.send_back(work, ticket, sign_words)
    except Invalid as error:
        form = refused(asker, error, sign_words=sign_words)
        return ticket_page(request, hub, asker, ticket_id, form, opened="send_back", status=error.status)
    return see_other(_after(asker, ticket), say(hub, asker, _("答复已退回。")))


@router.post("/{ticket_id}/notices/{notice_id}/again")
def notify_again(hub: HubDep, asker: Handler, ticket_id: int, notice_id: int) -> Response:
    """Sends a service notice that did not arrive, or of which nobody knows, once more."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, Permission.TICKET_ACT)
        row = work.session.get(TicketNotice, notice_id)
        if row is None or row.ticket_id != ticket.id:
            raise NotFound
        notices.send_again(work, row)
    return see_other(f"/console/tickets/{ticket_id}", say(hub, asker, _("已重新发送服务通知。")))


@router.post("/{ticket_id}/close")
def close(hub: HubDep, asker: Handler, ticket_id: int) -> Response:
    """办结."""
    with hub.works.write(asker.actor) as work:
        tickets.close(work, find(work, asker, ticket_id, Permission.TICKET_ACT))
    return see_other(f"/console/tickets/{ticket_id}", say(hub, asker, _("工单已办结。")))


def _after(asker: Asker, ticket: Ticket) -> str:
    """Where to go when a signature was decided: a deputy may no longer see what does not wait for it."""
    return f"/console/tickets/{ticket.id}" if asker.may(Permission.TICKET_READ, ticket.unit_id) else "/console"
