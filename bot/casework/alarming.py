"""Words of danger in a ticket that came by a form, the hotline or a file: told again until a person sees to them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from bot import rules
from bot.events import TicketDanger, TicketDangerSeen
from bot.models import Ticket
from bot.states import INSIDE, UNANSWERED
from bot.urgent import danger_in
from kernel.office_rules import value_of
from kernel.work import Work, Works

LONGEST_WORD = 40
BATCH = 200
ALARMING = (
    Ticket.urgent_at.is_not(None),
    Ticket.acknowledged_at.is_(None),
    Ticket.state.in_(UNANSWERED),
    # What is handled again was answered once.
    Ticket.round == 1,
)
"""What nobody has seen to: not acknowledged and not answered."""


def is_alarming(ticket: Ticket) -> bool:
    """The same of one ticket."""
    unseen = ticket.urgent_at is not None and ticket.acknowledged_at is None
    return unseen and ticket.state in UNANSWERED and ticket.round == 1


def note(work: Work, ticket: Ticket) -> None:
    """Looks for danger in what a citizen wrote for a new ticket; what was said in a conversation was heard there."""
    if ticket.conversation_id is not None or ticket.kind in INSIDE:
        return
    more: list[str] = value_of(work.session, rules.URGENT_WORDS, ticket.unit_id, work.now)
    danger = danger_in(ticket.text, more)
    if danger is not None:
        ticket.urgent_at, ticket.urgent_word = work.now, danger.word[:LONGEST_WORD]
        _alarm(work, ticket)


def alarm_again(works: Works) -> int:
    """Danger that nobody has seen to is told again, where the ticket is by then; returns how often."""
    with works.write() as work:
        told = 0
        rows = select(Ticket).where(*ALARMING).order_by(Ticket.id).limit(BATCH).with_for_update(skip_locked=True)
        for ticket in work.session.scalars(rows):
            again = timedelta(minutes=float(value_of(work.session, rules.URGENT_AGAIN, ticket.unit_id, work.now)))
            if ticket.urgent_told_at is None or ticket.urgent_told_at <= work.now - again:
                _alarm(work, ticket)
                told += 1
        return told


def acknowledge(work: Work, ticket: Ticket) -> None:
    """已处置: a person sees to the danger and the alarm ends. A second time does nothing."""
    statement = (
        update(Ticket)
        .where(Ticket.id == ticket.id, Ticket.urgent_at.is_not(None), Ticket.acknowledged_at.is_(None))
        .values(acknowledged_at=work.now, acknowledged_by=work.actor.person_id)
        .returning(Ticket.id)
        .execution_options(synchronize_session=False)
    )
    if work.session.scalar(statement) is not None:
        work.session.refresh(ticket)
        work.audit("ticket.acknowledged", ticket, number=ticket.number, word=ticket.urgent_word)
        work.emit(TicketDangerSeen(ticket.id))


def _alarm(work: Work, ticket: Ticket) -> None:
    ticket.urgent_told += 1
    ticket.urgent_told_at = work.now
    work.audit("ticket.alarmed", ticket, number=ticket.number, word=ticket.urgent_word, round=ticket.urgent_told)
    work.emit(TicketDanger(ticket.id, ticket.unit_id, ticket.number, ticket.urgent_word, ticket.urgent_told))
