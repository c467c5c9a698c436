"""The API of 工单: the list, one ticket, its answer and its end."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from bot import tickets
from bot.casework import alarming, signing
from bot.models import Ticket
from bot.publishing import mask, mask_contact, mask_name
from bot.states import CITIZEN_KINDS, UNANSWERED
from hub.telling import tell_answer
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import At, Page, PageNumber, moment, one_page, told
from hub.web.sent import Body
from hub.web.ticket_page import find
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, Person, scoped
from kernel.typed import LARGEST

router = APIRouter(prefix="/api/v1/tickets")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.TICKET_READ))]
Handler = Annotated[Asker, Depends(api_may(P.TICKET_ACT))]


Told = Literal["message", "notice", "no_consent", "", "waits"]


class TicketAnswer(Body):
    """What the citizen is told."""

    answer: str = Field(max_length=5000)


class NewTicket(Body):
    """A matter of a citizen's; without `unit` it is one's own unit's.

    `key` is the program's own: sent again, it is answered with the ticket that was made then.
    """

    kind: str = Field(max_length=20)
    text: str = Field(max_length=tickets.LONGEST)
    name: str = Field("", max_length=60)
    contact: str = Field("", max_length=100)
    page: str = Field("", max_length=500)
    unit: int | None = Field(None, ge=1, le=LARGEST)
    key: str = Field("", max_length=60)


class TicketTold(TypedDict):
    """A ticket with the citizen's words, its deadline and its answer; `urgent` while nobody sees to the danger."""

    id: int
    number: str
    unit: int
    kind: str
    text: str
    page: str
    name: str
    contact: str
    conversation: int | None
    state: str
    late: bool
    urgent: bool
    created_at: At
    due_at: At
    answer: str
    answered_at: At | None
    answered_by: int | None
    closed_at: At | None
    handler: int | None
    urged: int
    round: int
    followed_at: At | None
    hotline: str | None
    main: int | None


class TicketAnswered(TicketTold):
    """The ticket as answered; `by` is how the citizen was told: `message`, `notice` or '' (nothing reaches him).

    `no_consent`: only a notice would reach him, and he has not agreed to one. `waits` says that nothing was told
    yet: the unit's head signs first.
    """

    by: Told


class Tickets(Page):
    """One page of tickets."""

    tickets: list[TicketTold]


@router.get("")
def list_tickets(
    hub: HubDep,
    asker: Reader,
    state: Literal["", "open", "signing", "answered", "closed", "late", "danger"] = "",
    page: PageNumber = 1,
) -> Tickets:
    """Tickets in reach, masked, the most pressing first.

    `late` are the unanswered ones beyond their deadline, `danger` those whose danger nobody sees to.
    """
    query = scoped(select(Ticket), Ticket.unit_id, asker.viewer, P.TICKET_READ)
    with hub.works.read() as work:
        if state == "late":
            query = query.where(Ticket.state.in_(UNANSWERED), Ticket.due_at < work.now)
        elif state == "danger":
            query = query.where(*alarming.ALARMING)
        elif state:
            query = query.where(Ticket.state == state)
        head, rows = one_page(work.session, query, page, Ticket.due_at, Ticket.id)
        return {**head, "tickets": [_listed(row, work.now) for row in rows]}


@router.post("", status_code=201)
def make(hub: HubDep, asker: Handler, sent: NewTicket) -> TicketTold:
    """登记工单 in a unit whose tickets one handles; nothing is told to the citizen but by whoever made it."""
    if sent.kind not in CITIZEN_KINDS:
        raise Invalid(field="kind", why="请选择类别。")
    unit_id = sent.unit or asker.viewer.unit_id
    if not asker.may(P.TICKET_ACT, unit_id):
        raise NotFound(field="unit")
    with hub.works.write(asker.actor) as work:
        if sent.key:  # The same key twice at once: the second waits here for the first.
            work.session.get_one(Person, asker.viewer.person_id, with_for_update=True)
        made = tickets.make(
            work,
            unit_id=unit_id,
            kind=sent.kind,
            text=sent.text,
            name=sent.name,
            contact=sent.contact,
            page=sent.page,
            zone=hub.settings.office_zone,
            # Keys are of one person's programs: nobody learns of a ticket by guessing another's.
            key=f"{asker.viewer.person_id}:{sent.key}" if sent.key else "",
        )
        return ticket_told(made, work.now)


@router.get("/{ticket_id}")
def get_ticket(hub: HubDep, asker: Reader, ticket_id: int) -> TicketTold:
    """One ticket."""
    with hub.works.read() as work:
        return ticket_told(find(work, asker, ticket_id, P.TICKET_READ), work.now)


@router.post("/{ticket_id}/answer")
def answer(hub: HubDep, asker: Handler, ticket_id: int, sent: TicketAnswer) -> TicketAnswered:
    """Puts the answer before the unit's head; where answers need no signature, it is told to the citizen at once."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_ACT)
        waits = signing.submit(work, ticket, sent.answer)
        by: Told = "waits" if waits else tell_answer(hub, work, ticket)
        return {**ticket_told(ticket, work.now), "by": by}


@router.post("/{ticket_id}/close")
def close(hub: HubDep, asker: Handler, ticket_id: int) -> TicketTold:
    """办结; 409 before it was answered."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_ACT)
        tickets.close(work, ticket)
        return ticket_told(ticket, work.now)


def _listed(row: Ticket, now: datetime) -> TicketTold:
    """A ticket in a list: the whole is told of one at a time."""
    shown = ticket_told(row, now)
    shown["text"], shown["answer"] = mask(row.text), mask(row.answer)
    shown["name"], shown["contact"] = mask_name(row.name), mask_contact(row.contact)
    return shown


def ticket_told(row: Ticket, now: datetime) -> TicketTold:
    """A ticket as the API tells it."""
    return {
        "id": row.id,
        "number": row.number,
        "unit": row.unit_id,
        "kind": row.kind,
        "text": row.text,
        "page": row.page,
        "name": row.name,
        "contact": row.contact,
        "conversation": row.conversation_id,
        "state": row.state,
        "late": row.state in UNANSWERED and row.due_at < now,
        "urgent": alarming.is_alarming(row),
        "created_at": told(row.created_at),
        "due_at": told(row.due_at),
        "answer": row.answer,
        "answered_at": moment(row.answered_at),
        "answered_by": row.answered_by,
        "closed_at": moment(row.closed_at),
        "handler": row.handler_id,
        "urged": row.urged,
        "round": row.round,
        "followed_at": moment(row.followed_at),
        "hotline": row.hotline_number,
        "main": row.main_id,
    }
