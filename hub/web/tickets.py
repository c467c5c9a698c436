"""工单: what was left out of hours or written on the portal, with its deadline; answered and closed by a person."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import or_, select

from bot import forwarding, notices, reply, tickets, windows
from bot.models import Conversation, Ticket, TicketNotice
from bot.reply import Said
from bot.states import REPLY_LABELS, SET_RIGHT, TICKET_KINDS, TICKET_LABELS, TicketState
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.lists import like, listing
from hub.web.pages import columns, page, say, see_other
from hub.web.ticket_moves import moves_of
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, Person, Unit, scoped
from kernel.typed import row_in
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/tickets")

Reader = Annotated[Asker, Depends(may(Permission.TICKET_READ))]
Handler = Annotated[Asker, Depends(may(Permission.TICKET_ACT))]
Text = Annotated[str, Form()]
# What the office does for itself; the citizen is called, not written to.
INSIDE = ("回访", SET_RIGHT)
TOLD = {
    "message": _("已答复，并已发给市民。"),
    "notice": _("已答复；已超过 48 小时，改发服务通知。"),
    "": _("已答复；市民凭编号可以查询，请按联系方式告知。"),
}
COLUMNS = (
    (_("编号"), "number"),
    (_("类别"), "kind"),
    (_("事由"), ""),
    (_("单位"), "unit"),
    (_("登记时间"), "created"),
    (_("答复期限"), "due"),
    (_("状态"), "state"),
)


@router.get("")
def the_tickets(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The tickets in reach, the most pressing first."""
    asked = listing(request, "q", "kind", "state", sort="due")
    query = scoped(select(Ticket, Unit.name), Ticket.unit_id, asker.viewer, Permission.TICKET_READ)
    query = query.join(Unit, Unit.id == Ticket.unit_id)
    if asked.value("q"):
        pattern = like(asked.value("q"))
        query = query.where(or_(Ticket.number.ilike(pattern, escape="\\"), Ticket.text.ilike(pattern, escape="\\")))
    if asked.value("kind") in TICKET_KINDS:
        query = query.where(Ticket.kind == asked.value("kind"))
    with hub.works.read() as work:
        if asked.value("state") == "late":
            query = query.where(Ticket.state == TicketState.OPEN, Ticket.due_at < work.now)
        elif asked.value("state") in set(TicketState):
            query = query.where(Ticket.state == asked.value("state"))
        sorts = {
            "number": Ticket.number,
            "kind": Ticket.kind,
            "unit": Unit.name,
            "created": Ticket.created_at,
            "due": Ticket.due_at,
            "state": Ticket.state,
        }
        rows, state = asked.take(work.session, query, sorts, Ticket.id)
        now = work.now
    return page(
        request,
        asker,
        "pages/tickets/list.html",
        tickets=[(row[0], row[1]) for row in rows],
        state=state,
        at=now,
        kinds=[(kind, kind) for kind in TICKET_KINDS],
        states=[*((one.value, TICKET_LABELS[one]) for one in TicketState), ("late", _("已超期"))],
        labels=TICKET_LABELS,
        columns=columns(hub, asker, *COLUMNS),
    )


@router.get("/{ticket_id}")
def one_ticket(request: Request, hub: HubDep, asker: Reader, ticket_id: int) -> HTMLResponse:
    """One ticket."""
    return _page(request, hub, asker, ticket_id, FormState())


@router.post("/{ticket_id}/answer")
def answer(request: Request, hub: HubDep, asker: Handler, ticket_id: int, text: Text = "") -> Response:
    """Answers the ticket; where it came from a conversation in which a message still arrives, the citizen gets it."""
    try:
        with hub.works.write(asker.actor) as work:
            ticket = _ticket(work, asker, ticket_id, Permission.TICKET_ACT)
            tickets.answer(work, ticket, text)
            told = tell_citizen(hub, work, ticket)
    except Invalid as error:
        return _page(request, hub, asker, ticket_id, refused(asker, error, text=text), status=error.status)
    return see_other(f"/console/tickets/{ticket_id}", say(hub, asker, TOLD[told]))


@router.post("/{ticket_id}/notices/{notice_id}/again")
def notify_again(hub: HubDep, asker: Handler, ticket_id: int, notice_id: int) -> Response:
    """Sends a service notice that did not arrive, or of which nobody knows, once more."""
    with hub.works.write(asker.actor) as work:
        ticket = _ticket(work, asker, ticket_id, Permission.TICKET_ACT)
        row = work.session.get(TicketNotice, notice_id)
        if row is None or row.ticket_id != ticket.id:
            raise NotFound
        notices.send_again(work, row)
    return see_other(f"/console/tickets/{ticket_id}", say(hub, asker, _("已重新发送服务通知。")))


@router.post("/{ticket_id}/forward")
def forward(
    request: Request, hub: HubDep, asker: Handler, ticket_id: int, to: Text = "", reason: Text = ""
) -> Response:
    """转办: hands the ticket to another unit; whoever may not read that unit's tickets is back at the list."""
    try:
        with hub.works.write(asker.actor) as work:
            ticket = _ticket(work, asker, ticket_id, Permission.TICKET_ACT)
            unit = forwarding.forward(work, ticket, row_in(to) or 0, reason)
    except Invalid as error:
        form = refused(asker, error, to=to, reason=reason)
        return _page(request, hub, asker, ticket_id, form, status=error.status)
    place = f"/console/tickets/{ticket_id}" if asker.may(Permission.TICKET_READ, unit.id) else "/console/tickets"
    return see_other(place, say(hub, asker, _("工单已转%(unit)s办理。"), unit=unit.name))


@router.post("/{ticket_id}/close")
def close(hub: HubDep, asker: Handler, ticket_id: int) -> Response:
    """办结."""
    with hub.works.write(asker.actor) as work:
        tickets.close(work, _ticket(work, asker, ticket_id, Permission.TICKET_ACT))
    return see_other(f"/console/tickets/{ticket_id}", say(hub, asker, _("工单已办结。")))


def _ticket(work: Work, asker: Asker, ticket_id: int, permission: Permission) -> Ticket:
    query = scoped(select(Ticket).where(Ticket.id == ticket_id), Ticket.unit_id, asker.viewer, permission)
    found = work.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def tell_citizen(hub: Hub, work: Work, ticket: Ticket) -> str:
    """How the citizen is told: by a message, by a service notice where no message arrives any more, or not at all."""
    conversation = work.session.get(Conversation, ticket.conversation_id) if ticket.conversation_id else None
    if conversation is None or ticket.kind in INSIDE:
        return ""
    unit = work.session.get_one(Unit, ticket.unit_id)
    if windows.hindrance(conversation, work.now):
        form = notices.form_for(work.session, conversation.account_id)
        if form is None:
            return ""
        facts = {
            "number": ticket.number,
            "kind": ticket.kind,
            "text": ticket.text,
            "unit": unit.name,
            "answer": ticket.answer,
            "time": f"{work.now.astimezone(hub.settings.office_zone):%Y-%m-%d %H:%M}",
        }
        address = f"{hub.settings.address}/feedback/progress?number={ticket.number}"
        notices.book(work, ticket, conversation, form, facts, address)
        return "notice"
    words = hub.incoming.words.say("ticket_answered", number=ticket.number, unit=unit.name, answer=ticket.answer)
    reply.book(work, conversation, "agent", Said(words), person_id=work.actor.person_id)
    return "message"


def _page(
    request: Request, hub: Hub, asker: Asker, ticket_id: int, form: FormState, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        ticket = _ticket(work, asker, ticket_id, Permission.TICKET_READ)
        unit = work.session.get_one(Unit, ticket.unit_id).name
        person = work.session.get(Person, ticket.answered_by) if ticket.answered_by else None
        late = ticket.state == TicketState.OPEN and ticket.due_at < work.now
        told = notices.of_ticket(work.session, ticket.id)
        units = forwarding.choices(work.session, ticket)
        moves = moves_of(work.session, ticket.id)
        talk = work.session.get(Conversation, ticket.conversation_id) if ticket.conversation_id else None
    return page(
        request,
        asker,
        "pages/tickets/one.html",
        status=status,
        ticket=ticket,
        unit=unit,
        person=person.name if person else "",
        late=late,
        notices=told,
        notice_labels=REPLY_LABELS,
        label=TICKET_LABELS[TicketState(ticket.state)],
        form=form,
        units=units,
        moves=moves,
        may_act=asker.may(Permission.TICKET_ACT, ticket.unit_id),
        # The ticket may be another unit's by now; the conversation stays where it was.
        may_talk=talk is not None and asker.may(Permission.CONVERSATION_READ, talk.unit_id),
    )
