"""退单: what is not a unit's matter goes back, with the reason and in time, to the unit that handed it over."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot import rules
from bot.casework.errors import NotSentHere, ReturnTooLate
from bot.casework.reasons import given
from bot.events import TicketReturned
from bot.models import Ticket
from bot.states import TicketAct
from bot.tickets import move
from kernel.office_rules import value_of
from kernel.people import Unit
from kernel.work import Work


def give_back(work: Work, ticket: Ticket, reason: str, zone: ZoneInfo) -> Unit:
    """Gives the ticket back; the sender then chooses another unit, for from there it goes back no further."""
    if ticket.sent_from_id is None:
        raise NotSentHere
    until = back_until(work.session, ticket, zone, work.now)
    if until is None or work.now > until:
        raise ReturnTooLate(until=until.astimezone(zone) if until else None)
    reason = given(reason, "退单理由", "return_reason")
    here, sender = ticket.unit_id, work.session.get_one(Unit, ticket.sent_from_id)
    came_from = work.session.get_one(Unit, here).name
    values = {"sent_from_id": None, "received_at": work.now, "handler_id": None}
    # Whoever has it from now on was not warned.
    values |= {"late_told_at": None, "warned_at": None}
    move(work, ticket, TicketAct.GIVE_BACK, Ticket.unit_id == here, unit_id=sender.id, **values)
    work.audit("ticket.returned", ticket, came_from=came_from, to=sender.name, reason=reason)
    work.emit(TicketReturned(ticket.id, sender.id, ticket.number, ticket.kind, came_from, reason))
    return sender


def back_until(session: Session, ticket: Ticket, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Until when the unit may give the ticket back; None where nobody handed it over."""
    if ticket.sent_from_id is None or ticket.received_at is None:
        return None
    days = int(value_of(session, rules.RETURN_DAYS, ticket.unit_id, now))
    return rules.hours_of(session, ticket.unit_id, zone, now).workdays.deadline(ticket.received_at, days)
