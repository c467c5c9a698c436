"""改类: a ticket is of another kind than was first thought, with the reason; its deadline becomes that kind's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot import rules
from bot.casework.models import Extension
from bot.casework.reasons import given
from bot.events import TicketKindChanged
from bot.models import Ticket
from bot.states import CITIZEN_KINDS, TicketAct
from bot.tickets import move
from kernel.errors import Invalid
from kernel.work import Work


def change(work: Work, ticket: Ticket, kind: str, reason: str, zone: ZoneInfo) -> None:
    """Gives the ticket another kind; to give it the one it has changes nothing."""
    if kind not in choices(ticket):
        raise Invalid(field="kind", why="请选择类别。")
    if kind == ticket.kind:
        return
    reason = given(reason, "变更理由", "kind_reason")
    was, due_at = ticket.kind, _due(work, ticket, kind, zone)
    other_limit = due_at != ticket.due_at
    told = {"late_told_at": None, "warned_at": None} if other_limit else {}
    as_seen = (Ticket.unit_id == ticket.unit_id, Ticket.kind == was, Ticket.due_at == ticket.due_at)
    later = due_at > ticket.due_at
    move(work, ticket, TicketAct.CHANGE_KIND, *as_seen, kind=kind, due_at=due_at, **told)
    due = f"{due_at.astimezone(zone):%Y-%m-%d}"
    work.audit("ticket.kind_changed", ticket, number=ticket.number, was=was, to=kind, due=due, reason=reason)
    about = (ticket.id, ticket.unit_id, ticket.number, was, kind, ticket.handler_id)
    work.emit(TicketKindChanged(*about, due_at, other_limit, later, reason))


def choices(ticket: Ticket) -> Sequence[str]:
    """The kinds a ticket may have: those of citizens' matters, and for what the office made for itself its own."""
    return CITIZEN_KINDS if ticket.kind in CITIZEN_KINDS else (ticket.kind,)


def _due(work: Work, ticket: Ticket, kind: str, zone: ZoneInfo) -> datetime:
    """The deadline as if the ticket had been of this kind from its first day, with the days granted since.

    One that is over stays, so that nobody is in time by another name; a second round has a limit of its own.
    """
    if ticket.due_at < work.now or ticket.round > 1:
        return ticket.due_at
    days = rules.hours_of(work.session, ticket.unit_id, zone, work.now).workdays
    due_at = days.deadline(ticket.created_at, rules.ticket_days(work.session, ticket.unit_id, kind, work.now))
    granted = select(Extension.days).where(Extension.ticket_id == ticket.id, Extension.granted.is_(True))
    for more in work.session.scalars(granted.order_by(Extension.id)):
        due_at = days.deadline(due_at, more)
    return due_at
