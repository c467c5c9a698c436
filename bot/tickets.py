"""工单: matters with a number and a deadline in working days, answered by a person."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select, update

from bot import rules
from bot.casework import alarming
from bot.casework.errors import Merged
from bot.dialogue.phrases import mobile_in
from bot.events import TicketActed, TicketLate, TicketMade, TicketSoonDue
from bot.models import Ticket
from bot.states import TICKET_KINDS, TICKET_LABELS, TICKET_MOVES, UNANSWERED, TicketAct, TicketState
from kernel.errors import Invalid, WrongState
from kernel.office_rules import value_of
from kernel.typed import tidy
from kernel.work import Work, Works

LONGEST = 2000
ALONE = frozenset({TicketAct.SEPARATE, TicketAct.URGE, TicketAct.DECIDE_EXTENSION})
"""What may be done with a ticket that hangs on another."""
# Without the letters and figures that are confused when read out over the telephone.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_PHONE = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|0\d{2,3}-?\d{7,8})(?!\d)")


def make(
    work: Work,
    *,
    unit_id: int,
    kind: str,
    text: str,
    zone: ZoneInfo,
    contact: str = "",
    name: str = "",
    page: str = "",
    conversation_id: int | None = None,
    number: str = "",
    agrees_to_sms: bool = False,
    key: str = "",
) -> Ticket:
    """Makes a ticket; its deadline is the office's for this kind, counted in working days from today.

    `number` is one that the citizen was told already; `agrees_to_sms`: he wants a text message when it is answered.
    `key` is that of whoever made it: a ticket of the same key is the same one, however it was described then.
    """
    made = work.session.scalars(select(Ticket).where(Ticket.made_key == key)).one_or_none() if key else None
    if made is not None:
        return made
    text, contact, name = tidy(text).strip(), tidy(contact), tidy(name)
    if kind not in TICKET_KINDS:
        raise Invalid(field="kind", why="请选择类别。")
    if len(text) < 2:
        raise Invalid(field="text", why="请写明事由。")
    hours = rules.hours_of(work.session, unit_id, zone, work.now)
    ticket = Ticket(
        unit_id=unit_id,
        number=number or _number(work, zone),
        kind=kind,
        text=text[:LONGEST],
        page=tidy(page)[:500],
        contact=(contact.strip() or phone_in(text))[:100],
        name=name.strip()[:60],
        conversation_id=conversation_id,
        state=TicketState.OPEN,
        sms_agreed_at=work.now if agrees_to_sms else None,
        made_key=key or None,
        created_at=work.now,
        due_at=hours.workdays.deadline(work.now, rules.ticket_days(work.session, unit_id, kind, work.now)),
    )
    work.session.add(ticket)
    work.session.flush()
    work.audit("ticket.made", ticket, number=ticket.number, kind=kind)
    work.emit(TicketMade(ticket.id, unit_id, ticket.number, kind))
    alarming.note(work, ticket)
    return ticket


def add(work: Work, ticket: Ticket, text: str) -> None:
    """What the citizen says besides of a matter that has a ticket already."""
    ticket.text = f"{ticket.text}\n{tidy(text).strip()}"[:LONGEST]
    ticket.contact = ticket.contact or phone_in(text)
    work.audit("ticket.added", ticket, number=ticket.number)


def answer(work: Work, ticket: Ticket, text: str) -> None:
    """Answers an open ticket without a signature; two people cannot answer over each other."""
    words = worded(text)
    move(work, ticket, TicketAct.ANSWER, **left(work, words, work.actor.person_id))
    work.audit("ticket.answered", ticket, number=ticket.number)


def worded(text: str) -> str:
    """An answer as it is kept; raises Invalid where it says nothing."""
    text = tidy(text).strip()
    if len(text) < 2:
        raise Invalid(field="answer", why="请写明答复内容。")
    return text[:LONGEST]


def left(work: Work, text: str, written_by: int | None) -> dict[str, object]:
    """The columns of a ticket whose answer leaves now."""
    return {"answer": text, "answered_at": work.now, "answered_by": written_by}


def close(work: Work, ticket: Ticket) -> None:
    """办结: nothing more is to be done; an open ticket must be answered first."""
    move(work, ticket, TicketAct.CLOSE, closed_at=work.now)
    work.audit("ticket.closed", ticket, number=ticket.number)


def alarm_late(works: Works) -> int:
    """Tells, once, of each ticket past its deadline and not answered; returns how many."""
    with works.write() as work:
        query = select(Ticket).where(
            Ticket.state.in_(UNANSWERED), Ticket.due_at < work.now, Ticket.late_told_at.is_(None)
        )
        late = work.session.scalars(query.limit(200).with_for_update(skip_locked=True)).all()
        for ticket in late:
            ticket.late_told_at = work.now
            work.audit("ticket.late", ticket, number=ticket.number)
            work.emit(TicketLate(ticket.id, ticket.unit_id, ticket.number, ticket.kind))
        return len(late)


def warn_soon(works: Works, zone: ZoneInfo) -> int:
    """Tells, once per deadline, of each unanswered ticket whose deadline is so many working days away."""
    with works.write() as work:
        query = select(Ticket).where(
            Ticket.state.in_(UNANSWERED), Ticket.warned_at.is_(None), Ticket.due_at >= work.now
        )
        rows = work.session.scalars(query.order_by(Ticket.due_at).limit(200).with_for_update(skip_locked=True)).all()
        near = [ticket for ticket in rows if _is_near(work, ticket, zone)]
        for ticket in near:
            ticket.warned_at = work.now
            about = (ticket.id, ticket.unit_id, ticket.number, ticket.kind)
            work.emit(TicketSoonDue(*about, ticket.handler_id, ticket.due_at))
        return len(near)


def _is_near(work: Work, ticket: Ticket, zone: ZoneInfo) -> bool:
    days = int(value_of(work.session, rules.WARN_DAYS, ticket.unit_id, work.now))
    return (
        rules.hours_of(work.session, ticket.unit_id, zone, work.now).workdays.deadline(work.now, days) >= ticket.due_at
    )


def phone_in(text: str) -> str:
    """The first telephone number in a text, or ''."""
    found = _PHONE.search(text)
    return found.group() if found else mobile_in(text)


def move(work: Work, ticket: Ticket, act: TicketAct, *where: ColumnElement[bool], **values: object) -> None:
    """Does an act that the table of moves allows, once; whoever comes too late is told how the ticket stands."""
    if ticket.main_id is not None and ticket.state in UNANSWERED and act not in ALONE:
        raise Merged(number=work.session.get_one(Ticket, ticket.main_id).number)
    if not moved(work, ticket, act, *where, **values):
        raise WrongState(state=TICKET_LABELS[TicketState(ticket.state)], act=TICKET_MOVES[act].label)


def moved(work: Work, ticket: Ticket, act: TicketAct, *where: ColumnElement[bool], **values: object) -> bool:
    """Whether this act, decided by one conditional UPDATE, was the one that was done."""
    allowed = TICKET_MOVES[act]
    values["state"] = allowed.to or Ticket.state
    statement = (
        update(Ticket)
        .where(Ticket.id == ticket.id, Ticket.state.in_(allowed.sources), *where)
        .values(**values)
        .returning(Ticket.id)
        .execution_options(synchronize_session=False)
    )
    done = work.session.scalar(statement) is not None
    work.session.refresh(ticket)
    if done:
        work.emit(TicketActed(ticket.id, act))
    return done


def draw_number(now: datetime, zone: ZoneInfo) -> str:
    """A number of today that can be read out over the telephone."""
    return f"{now.astimezone(zone):%Y%m%d}-{''.join(secrets.choice(_ALPHABET) for _ in range(6))}"


def _number(work: Work, zone: ZoneInfo) -> str:
    while True:
        number = draw_number(work.now, zone)
        if work.session.scalar(select(Ticket.id).where(Ticket.number == number)) is None:
            return number
