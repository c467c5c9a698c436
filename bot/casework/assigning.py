"""派单 and 改派: a ticket is given to a colleague of its unit, or from one to another with the reason."""

from __future__ import annotations

from bot.casework.reasons import given
from bot.events import TicketAssigned
from bot.models import Ticket
from bot.states import TicketAct
from bot.tickets import move
from kernel.errors import Invalid
from kernel.people import Permission, Person, holders
from kernel.typed import tidy
from kernel.work import Work


def assign(work: Work, ticket: Ticket, to: int, reason: str = "") -> Person:
    """Gives the ticket to a colleague; to give it to whoever has it already changes nothing."""
    person = work.session.get(Person, to) if to in colleagues(work, ticket.unit_id) else None
    if person is None:
        raise Invalid(field="handler", why="请选择本单位能办理工单的人员。")
    if ticket.handler_id == person.id:
        return person
    act = TicketAct.REASSIGN if ticket.handler_id else TicketAct.ASSIGN
    reason = given(reason, "改派理由", "assign_reason") if act is TicketAct.REASSIGN else tidy(reason).strip()[:300]
    as_seen = (Ticket.unit_id == ticket.unit_id, Ticket.handler_id.is_not_distinct_from(ticket.handler_id))
    move(work, ticket, act, *as_seen, handler_id=person.id)
    work.audit(
        "ticket.reassigned" if act is TicketAct.REASSIGN else "ticket.assigned", ticket, to=person.name, reason=reason
    )
    work.emit(TicketAssigned(ticket.id, ticket.number, ticket.kind, person.id, reason))
    return person


def colleagues(work: Work, unit_id: int) -> list[int]:
    """Who can handle tickets of the unit."""
    return holders(work.session, Permission.TICKET_ACT, unit_id, work.now)
