"""留言公开: which answered matters everybody may read; no telephone, identity or house number ever stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.models import PublicAnswer, Ticket
from bot.states import TicketState
from kernel.errors import Invalid, WrongState
from kernel.masking import mask_person, mask_phone, mask_public, told_of_people
from kernel.work import Work

PER_PAGE = 20
LONGEST = 2000


def mask(text: str) -> str:
    """The text with 138****1234, 35*************123, cards by both ends, and homes only to the town or estate."""
    return mask_person(text)


def for_everybody(text: str) -> str:
    """The same as it is offered for publishing: landlines, mailboxes and any number of a house are left out as well."""
    return mask_public(text)


def mask_name(name: str) -> str:
    """A person's name by its first character only."""
    return name[:1] + "*" * len(name[1:])


def mask_contact(contact: str) -> str:
    """A contact with its middle hidden, whatever it is: 138****1234, ab***@example."""
    masked = mask_phone(contact)
    if masked != contact or len(contact) < 5:
        return masked
    name, at, domain = contact.partition("@")
    return f"{name[:2]}***{at}{domain}" if at else f"{contact[:3]}****{contact[-2:]}"


def publish(work: Work, ticket: Ticket, question: str, answer: str) -> PublicAnswer:
    """Makes an answered matter public in these words; a second time replaces them."""
    if ticket.state == TicketState.OPEN or ticket.answered_at is None:
        raise WrongState(state="待答复", act="公开（请先答复）")
    for field, label, words in (("question", "留言", question), ("public_answer", "答复", answer)):
        if not 2 <= len(words.strip()) <= LONGEST:
            raise Invalid(field=field, why=f"请填写公开的{label}，不超过 {LONGEST} 字。")
        if told := _told(field, words):
            raise Invalid(field=field, why=f"公开的{label}里还有{'、'.join(told)}，请遮盖后再公开。")
        if _named(ticket, words):
            raise Invalid(field=field, why=f"公开的{label}里有留言人的称呼“{ticket.name}”，请删去。")
    row = work.session.scalars(select(PublicAnswer).where(PublicAnswer.ticket_id == ticket.id)).one_or_none()
    if row is None:
        row = PublicAnswer(ticket_id=ticket.id, unit_id=ticket.unit_id, kind=ticket.kind, asked_at=ticket.created_at)
        work.session.add(row)
    row.question, row.answer, row.answered_at = question.strip(), answer.strip(), ticket.answered_at
    row.published_at, row.published_by, row.hidden_at = work.now, work.actor.person_id, None
    work.session.flush()
    work.audit("ticket.published", ticket, number=ticket.number)
    return row


@dataclass(frozen=True)
class Doubtful:
    """A published answer that would be refused today, and what of a person stands in it; never the words themselves."""

    ticket_id: int
    number: str
    unit_id: int
    told: Sequence[str]


def doubtful(session: Session) -> Sequence[Doubtful]:
    """What is public and would not be published in these words today, the newest first: a person looks and decides."""
    query = select(PublicAnswer, Ticket).join(Ticket, Ticket.id == PublicAnswer.ticket_id)
    rows = session.execute(query.where(PublicAnswer.hidden_at.is_(None)).order_by(PublicAnswer.id.desc()))
    found = [Doubtful(ticket.id, ticket.number, row.unit_id, _left_over(row, ticket)) for row, ticket in rows]
    return [one for one in found if one.told]


def _left_over(row: PublicAnswer, ticket: Ticket) -> list[str]:
    told = [*_told("question", row.question), *_told("public_answer", row.answer)]
    if _named(ticket, row.question) or _named(ticket, row.answer):
        told.append("留言人的称呼")
    return list(dict.fromkeys(told))


def _told(field: str, words: str) -> list[str]:
    # The office may name its own telephone and mailbox in its answer.
    return told_of_people(words, reached=field == "question")


def _named(ticket: Ticket, words: str) -> bool:
    return len(ticket.name) > 1 and ticket.name in words


def hide(work: Work, ticket: Ticket) -> None:
    """Takes a public answer back."""
    row = work.session.scalars(select(PublicAnswer).where(PublicAnswer.ticket_id == ticket.id)).one_or_none()
    if row is None or row.hidden_at is not None:
        raise WrongState(state="未公开", act="取消公开")
    row.hidden_at = work.now
    work.audit("ticket.hidden", ticket, number=ticket.number)


def of_ticket(session: Session, ticket_id: int) -> PublicAnswer | None:
    """The public version of a ticket, if it shows."""
    query = select(PublicAnswer).where(PublicAnswer.ticket_id == ticket_id, PublicAnswer.hidden_at.is_(None))
    return session.scalars(query).one_or_none()


def shown(session: Session, answer_id: int) -> PublicAnswer | None:
    """A public answer by its own number."""
    found = session.get(PublicAnswer, answer_id)
    return found if found is not None and found.hidden_at is None else None


def listed(session: Session, page: int) -> tuple[Sequence[PublicAnswer], int]:
    """One page of what is public, the newest first, and how many there are."""
    shown = PublicAnswer.hidden_at.is_(None)
    total = session.scalar(select(func.count()).select_from(PublicAnswer).where(shown)) or 0
    query = select(PublicAnswer).where(shown).order_by(PublicAnswer.published_at.desc(), PublicAnswer.id.desc())
    return session.scalars(query.offset((page - 1) * PER_PAGE).limit(PER_PAGE)).all(), total
