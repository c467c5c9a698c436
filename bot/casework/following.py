"""回访: the citizen is asked after 办结; not satisfied, his matter is handled again with a deadline (二次办理)."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import rules
from bot.casework.models import FollowUp
from bot.casework.own import not_own
from bot.casework.reasons import given
from bot.events import TicketReopened
from bot.models import Ticket
from bot.states import FOLLOW_UPS, TICKET_LABELS, TicketAct, TicketState
from bot.tickets import move, moved
from kernel.errors import Invalid, WrongState
from kernel.office_rules import value_of
from kernel.people import Permission
from kernel.typed import tidy
from kernel.work import Work


def record(work: Work, ticket: Ticket, result: str, words: str, zone: ZoneInfo) -> None:
    """Keeps what the citizen said, once per round; who could not be reached is called again."""
    if result not in FOLLOW_UPS:
        raise Invalid(field="result", why="请选择回访结果。")
    not_own(work, Permission.TICKET_FOLLOW, ticket.unit_id, ticket.answered_by)
    words = tidy(words).strip()[:300] if result == "satisfied" else given(words, "情况或不满意的原因", "follow_words")
    row = FollowUp(ticket_id=ticket.id, unit_id=ticket.unit_id, round=ticket.round, result=result, words=words)
    row.made_by, row.made_at = work.actor.person_id, work.now
    if result == "unreached":
        move(work, ticket, TicketAct.FOLLOW_UP, Ticket.followed_at.is_(None))
    elif result == "satisfied":
        _once(work, ticket, TicketAct.FOLLOW_UP, followed_at=work.now)
    else:
        _once(work, ticket, TicketAct.REOPEN, **_again(work, ticket, zone))
    work.session.add(row)
    work.session.flush()
    work.audit("ticket.followed_up", ticket, number=ticket.number, result=result, reason=words)
    if result == "unsatisfied":
        work.audit("ticket.reopened", ticket, number=ticket.number, round=ticket.round)
        about = (ticket.id, ticket.unit_id, ticket.number, ticket.kind)
        work.emit(TicketReopened(*about, ticket.due_at, words))


def of_ticket(session: Session, ticket_id: int) -> Sequence[FollowUp]:
    """The follow-ups of a ticket, the newest first."""
    query = select(FollowUp).where(FollowUp.ticket_id == ticket_id).order_by(FollowUp.id.desc())
    return session.scalars(query).all()


def _again(work: Work, ticket: Ticket, zone: ZoneInfo) -> dict[str, object]:
    days = int(value_of(work.session, rules.AGAIN_DAYS, ticket.unit_id, work.now))
    due_at = rules.hours_of(work.session, ticket.unit_id, zone, work.now).workdays.deadline(work.now, days)
    nothing = dict.fromkeys(("answered_at", "answered_by", "closed_at", "late_told_at", "warned_at"))
    return {"round": Ticket.round + 1, "due_at": due_at, "answer": "", **nothing}


def _once(work: Work, ticket: Ticket, act: TicketAct, **values: object) -> None:
    if moved(work, ticket, act, Ticket.followed_at.is_(None), **values):
        return
    done = ticket.state == TicketState.CLOSED
    raise WrongState(state="已回访" if done else TICKET_LABELS[TicketState(ticket.state)], act="回访")
