"""并单: tickets of the same matter hang on one main ticket and are answered with it, each by its own way."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.casework.errors import NotAMain
from bot.casework.reasons import given
from bot.models import Ticket
from bot.states import INSIDE, UNANSWERED, TicketAct, TicketState
from bot.tickets import left, move, moved
from kernel.work import Work


def join(work: Work, ticket: Ticket, number: str, reason: str) -> Ticket:
    """Hangs a ticket, with what hangs on it, on the ticket of that number in the same unit; returns the main one."""
    reason = given(reason, "并单理由", "merge_reason")
    query = select(Ticket).where(Ticket.number == number.strip(), Ticket.unit_id == ticket.unit_id)
    main = work.session.scalars(query).one_or_none()
    if main is None or main.id == ticket.id:
        raise NotAMain(field="main", why="本单位没有这个编号的其他工单")
    if main.main_id is not None:
        raise NotAMain(field="main", why="它自己已并入其他工单")
    if main.state not in UNANSWERED:
        raise NotAMain(field="main", why="它已经答复")
    if (ticket.kind in INSIDE) != (main.kind in INSIDE):
        raise NotAMain(field="main", why="内部工单与市民诉求不能并单")
    move(work, ticket, TicketAct.MERGE, main_id=main.id)
    for one in of(work.session, ticket.id):
        one.main_id = main.id
    work.audit("ticket.merged", ticket, number=ticket.number, main=main.number, reason=reason)
    return main


def separate(work: Work, ticket: Ticket) -> None:
    """Takes a ticket off its main one again; its own deadline has gone on."""
    move(work, ticket, TicketAct.SEPARATE, Ticket.main_id.is_not(None), main_id=None)
    work.audit("ticket.separated", ticket, number=ticket.number)


def of(session: Session, ticket_id: int) -> Sequence[Ticket]:
    """What hangs on a ticket."""
    return session.scalars(select(Ticket).where(Ticket.main_id == ticket_id).order_by(Ticket.id)).all()


def answered(work: Work, main: Ticket) -> list[Ticket]:
    """The main ticket was answered: so is everything that hangs on it. Returns what was answered just now."""
    if main.state != TicketState.ANSWERED:
        return []
    done = []
    for one in of(work.session, main.id):
        if moved(work, one, TicketAct.FOLLOW_MAIN, **left(work, main.answer, main.answered_by)):
            work.audit("ticket.answered", one, number=one.number, main=main.number)
            done.append(one)
    return done


def candidates(session: Session, ticket: Ticket) -> Sequence[Ticket]:
    """Which tickets could be of the same matter: of the unit, of this kind or contact, and not answered."""
    query = select(Ticket).where(
        Ticket.unit_id == ticket.unit_id,
        Ticket.id != ticket.id,
        Ticket.main_id.is_(None),
        Ticket.state.in_(UNANSWERED),
        (Ticket.kind == ticket.kind) | ((Ticket.contact == ticket.contact) & (Ticket.contact != "")),
    )
    same = (Ticket.contact == ticket.contact) & (Ticket.contact != "")
    return session.scalars(query.order_by(same.desc(), Ticket.id.desc()).limit(30)).all()
