"""转办: a ticket goes on to the unit whose matter it is, with the reason; its number and its deadline stay."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.casework.reasons import given
from bot.events import TicketForwarded
from bot.models import Ticket
from bot.states import TICKET_LABELS, TicketAct, TicketState
from bot.tickets import moved
from kernel.errors import Invalid, WrongState
from kernel.people import Permission, Unit, holders
from kernel.work import Work


def forward(work: Work, ticket: Ticket, to: int, reason: str) -> Unit:
    """Hands an open ticket to another unit, or back to the one it came from; a second one at the same time is told.

    The limit goes on from the first receipt: a unit that gets a matter late must hurry, or hand it back.
    """
    unit = work.session.get(Unit, to)
    if unit is None or unit.id == ticket.unit_id:
        raise Invalid(field="to", why="请选择另一个承办单位。")
    if not holders(work.session, Permission.TICKET_ACT, unit.id, work.now):
        raise Invalid(field="to", why=f"{unit.name}没有能办理工单的人员，请选择其他单位。")
    reason = given(reason, "转办理由")
    came_from = work.session.get_one(Unit, ticket.unit_id)
    still_here = Ticket.unit_id == came_from.id
    values = {"sent_from_id": came_from.id, "received_at": work.now, "handler_id": None}
    # Whoever has it from now on was not warned.
    values |= {"late_told_at": None, "warned_at": None}
    if not moved(work, ticket, TicketAct.FORWARD, still_here, unit_id=unit.id, **values):
        state = TICKET_LABELS[TicketState(ticket.state)] if ticket.unit_id == came_from.id else "已转办"
        raise WrongState(state=state, act="转办")
    work.audit("ticket.forwarded", ticket, came_from=came_from.name, to=unit.name, reason=reason)
    work.emit(TicketForwarded(ticket.id, unit.id, ticket.number, ticket.kind, came_from.name, reason))
    return unit


def choices(session: Session, ticket: Ticket) -> Sequence[tuple[int, str]]:
    """The units that a ticket may go to, in the order of the tree."""
    query = select(Unit.id, Unit.name).where(Unit.id != ticket.unit_id).order_by(Unit.path)
    return [(row[0], row[1]) for row in session.execute(query)]
