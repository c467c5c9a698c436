"""催办: a reminder to whoever handles a ticket; each one is kept and counted, and rings once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_

from bot.casework.reasons import given
from bot.events import TicketUrged
from bot.models import Ticket
from bot.states import TICKET_LABELS, TICKET_MOVES, TicketAct, TicketState
from bot.tickets import moved
from kernel.errors import WrongState
from kernel.work import Work

# A second press within this time is the same reminder.
SAME = timedelta(minutes=5)


def urge(work: Work, ticket: Ticket, reason: str) -> bool:
    """Reminds the handler, or the unit where nobody has the ticket; False where that was done just now."""
    reason = given(reason, "催办要求", "urge_reason")
    not_just_now = or_(Ticket.urged_at.is_(None), Ticket.urged_at <= work.now - SAME)
    if not moved(work, ticket, TicketAct.URGE, not_just_now, urged=Ticket.urged + 1, urged_at=work.now):
        if ticket.state in TICKET_MOVES[TicketAct.URGE].sources:
            return False
        raise WrongState(state=TICKET_LABELS[TicketState(ticket.state)], act="催办")
    work.audit("ticket.urged", ticket, times=ticket.urged, reason=reason)
    about = (ticket.id, ticket.unit_id, ticket.number, ticket.kind)
    work.emit(TicketUrged(*about, ticket.handler_id, ticket.urged, reason))
    return True
