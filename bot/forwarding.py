"""转办: a ticket goes on to the unit whose matter it is, with the reason; its number and its deadline stay."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.events import TicketForwarded
from bot.models import Ticket
from bot.states import TICKET_LABELS, TicketState
from kernel.errors import Invalid, WrongState
from kernel.people import Permission, Unit, holders
from kernel.typed import tidy
from kernel.work import Work

LONGEST = 300


def forward(work: Work, ticket: Ticket, to: int, reason: str) -> Unit:
    """Hands an open ticket to another unit, or back to the one it came from; a second one at the same time is told.

    The limit goes on from the first receipt: a unit that gets a matter late must hurry, or hand it back.
    """
    reason = tidy(reason).strip()
    unit = work.session.get(Unit, to)
    if unit is None or unit.id == ticket.unit_id:
        raise Invalid(field="to", why="请选择另一个承办单位。")
    if not holders(work.session, Permission.TICKET_ACT, unit.id, work.now):
        raise Invalid(field="to", why=f"{unit.name}没有能办理工单的人员，请选择其他单位。")
    if not 2 <= len(reason) <= LONGEST:
        raise Invalid(field="reason", why=f"请写明转办理由，2 到 {LONGEST} 字。")
    came_from = work.session.get_one(Unit, ticket.unit_id)
    statement = (
        update(Ticket)
        .where(Ticket.id == ticket.id, Ticket.state == TicketState.OPEN, Ticket.unit_id == came_from.id)
        .values(unit_id=unit.id, late_told_at=None)
        .returning(Ticket.id)
        .execution_options(synchronize_session=False)
    )
    moved = work.session.scalar(statement)
    work.session.refresh(ticket)
    if moved is None:
        state = TICKET_LABELS[TicketState(ticket.state)] if ticket.unit_id == came_from.id else "已转办"
        raise WrongState(state=state, act="转办")
    work.audit("ticket.forwarded", ticket, came_from=came_from.name, to=unit.name, reason=reason)
    work.emit(TicketForwarded(ticket.id, unit.id, ticket.number, ticket.kind, came_from.name, reason))
    return unit


def choices(session: Session, ticket: Ticket) -> Sequence[tuple[int, str]]:
    """The units that a ticket may go to, in the order of the tree."""
    query = select(Unit.id, Unit.name).where(Unit.id != ticket.unit_id).order_by(Unit.path)
    return [(row[0], row[1]) for row in session.execute(query)]
