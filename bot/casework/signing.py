"""审签: an answer leaves once the head of the handling unit has signed it; sent back, it says why."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import rules
from bot.casework import deputies
from bot.casework.models import WrittenAnswer
from bot.casework.own import not_own
from bot.casework.reasons import given
from bot.events import AnswerSentBack, AnswerSubmitted
from bot.models import Ticket
from bot.states import INSIDE, TicketAct
from bot.tickets import answer, left, move, worded
from kernel.errors import Invalid, WrongState
from kernel.office_rules import value_of
from kernel.people import Permission, Person, holders
from kernel.work import Work


def submit(work: Work, ticket: Ticket, text: str) -> bool:
    """Puts an answer before the head; where the unit's answers need no signature it leaves now. True: it waits."""
    words = worded(text)
    waits = needs_signature(work, ticket)
    if waits and not holders(work.session, Permission.TICKET_SIGN, ticket.unit_id, work.now):
        why = "本单位没有能审签答复的人。请联系安全管理员授予“承办单位负责人”。"
        raise Invalid(field="answer", why=why)
    if waits:
        move(work, ticket, TicketAct.SUBMIT)
        work.audit("ticket.submitted", ticket, number=ticket.number)
        work.emit(AnswerSubmitted(ticket.id, ticket.unit_id, ticket.number, work.actor.person_id))
    else:
        answer(work, ticket, words)
    row = WrittenAnswer(
        ticket_id=ticket.id,
        unit_id=ticket.unit_id,
        round=ticket.round,
        text=words,
        written_by=work.actor.person_id,
        written_at=work.now,
        signed=None if waits else True,
    )
    work.session.add(row)
    work.session.flush()
    return waits


def sign(work: Work, ticket: Ticket) -> None:
    """Signs the answer that waits, as it was written, also as a head's deputy: from now on the citizen may read it."""
    row = _waiting(work.session, ticket)
    principal = deputies.on_behalf_of(work, ticket.unit_id)
    not_own(work, Permission.TICKET_SIGN, ticket.unit_id, row.written_by, principal)
    move(work, ticket, TicketAct.SIGN, **left(work, row.text, row.written_by))
    _decide(work, row, signed=True, words="", principal=principal)
    work.audit("ticket.signed", ticket, number=ticket.number, **_in_place(work, principal))


def send_back(work: Work, ticket: Ticket, words: str) -> None:
    """Sends the answer back to whoever wrote it, with the reason."""
    row = _waiting(work.session, ticket)
    principal = deputies.on_behalf_of(work, ticket.unit_id)
    words = given(words, "退回理由", "sign_words")
    move(work, ticket, TicketAct.SEND_BACK)
    _decide(work, row, signed=False, words=words, principal=principal)
    work.audit("ticket.answer_sent_back", ticket, number=ticket.number, reason=words, **_in_place(work, principal))
    work.emit(AnswerSentBack(ticket.id, ticket.number, row.written_by, words))


def needs_signature(work: Work, ticket: Ticket) -> bool:
    """Whether this ticket's answer waits for the head."""
    return ticket.kind not in INSIDE and bool(value_of(work.session, rules.SIGNED, ticket.unit_id, work.now))


def latest(session: Session, ticket: Ticket) -> WrittenAnswer | None:
    """The answer of this round that was written last, whatever became of it."""
    query = select(WrittenAnswer).where(WrittenAnswer.ticket_id == ticket.id, WrittenAnswer.round == ticket.round)
    return session.scalars(query.order_by(WrittenAnswer.id.desc()).limit(1)).first()


def earlier(session: Session, ticket: Ticket) -> Sequence[WrittenAnswer]:
    """What the citizen was answered in the rounds before this one."""
    query = select(WrittenAnswer).where(WrittenAnswer.ticket_id == ticket.id, WrittenAnswer.signed.is_(True))
    return session.scalars(query.where(WrittenAnswer.round < ticket.round).order_by(WrittenAnswer.id)).all()


def _waiting(session: Session, ticket: Ticket) -> WrittenAnswer:
    row = latest(session, ticket)
    if row is None or row.signed is not None:
        raise WrongState(state="没有待审签的答复", act="审签")
    return row


def _in_place(work: Work, principal: int | None) -> dict[str, str]:
    return {"on_behalf_of": work.session.get_one(Person, principal).name} if principal else {}


def _decide(work: Work, row: WrittenAnswer, *, signed: bool, words: str, principal: int | None) -> None:
    decided = {"signed": signed, "words": words, "decided_by": work.actor.person_id, "decided_at": work.now}
    decided["on_behalf_of"] = principal
    work.session.execute(update(WrittenAnswer).where(WrittenAnswer.id == row.id).values(**decided))
