"""A ticket out of a conversation, and how a citizen is told of it: by a message, a notice, or under its number."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import notices, parts, reply, store, tickets, windows
from bot.casework import merging
from bot.models import Conversation, Ticket
from bot.reply import Said
from bot.states import CITIZEN_KINDS, INSIDE, ConversationState
from hub.product import Hub
from kernel.errors import Invalid
from kernel.people import Unit
from kernel.work import Work

# `no_consent`: only a notice would reach him, and he has not agreed to be sent one.
Way = Literal["message", "notice", "no_consent", ""]


def ticket_of(hub: Hub, work: Work, conversation: Conversation, kind: str, text: str) -> Ticket:
    """转工单: the matter goes on with a number and a deadline; the citizen is told where a message reaches him."""
    if kind not in CITIZEN_KINDS:
        raise Invalid(field="kind", why="请选择类别。")
    spoken = conversation.channel in windows.SPOKEN
    made = tickets.make(
        work,
        unit_id=conversation.unit_id,
        kind=kind,
        text=text.strip() or store.said_by_citizen(work.session, conversation.id),
        zone=hub.settings.office_zone,
        conversation_id=conversation.id,
        name=conversation.name if spoken else "",
        contact=phone_of(work.session, conversation),
    )
    if not windows.hindrance(conversation, work.now) and conversation.state != ConversationState.CLOSED:
        unit = work.session.get_one(Unit, conversation.unit_id)
        words = hub.incoming.words.ticket(made.number, made.kind, unit.name, made.due_at)
        reply.book(work, conversation, "agent", Said(words), person_id=work.actor.person_id)
    return made


def phone_of(session: Session, conversation: Conversation) -> str:
    """A telephone number the citizen gave himself, by which he can be reached where no message does."""
    given = select(Ticket.contact).where(Ticket.conversation_id == conversation.id, Ticket.contact != "")
    contact = session.scalar(given.order_by(Ticket.id.desc()).limit(1)) or ""
    return tickets.phone_in(contact) or tickets.phone_in(store.said_by_citizen(session, conversation.id))


def tell_answer(hub: Hub, work: Work, ticket: Ticket) -> Way:
    """Tells the answer, that of what hangs on it too; returns by which way, '' where nothing reaches him."""
    for one in merging.answered(work, ticket):
        _tell_answer(hub, work, one)
    return _tell_answer(hub, work, ticket)


def _tell_answer(hub: Hub, work: Work, ticket: Ticket) -> Way:
    """One ticket; who agreed gets a text message besides."""
    if hub.incoming.texts is not None:
        hub.incoming.texts.book(work, ticket)
    unit = work.session.get_one(Unit, ticket.unit_id).name
    words = hub.incoming.words.say("ticket_answered", number=ticket.number, unit=unit, answer=ticket.answer)
    return _message(work, ticket, words) or _notice(hub, work, ticket, unit)


def tell_extended(hub: Hub, work: Work, ticket: Ticket) -> Way:
    """Tells that the answer comes later, and when."""
    unit = work.session.get_one(Unit, ticket.unit_id).name
    words = hub.incoming.words.say("ticket_extended", number=ticket.number, unit=unit, due=ticket.due_at)
    return _message(work, ticket, words)


def tell_kind(hub: Hub, work: Work, ticket: Ticket) -> Way:
    """Tells that the matter is of another kind, and by when it is answered now."""
    words = hub.incoming.words.say("ticket_kind", number=ticket.number, kind=ticket.kind, due=ticket.due_at)
    return _message(work, ticket, words)


def _message(work: Work, ticket: Ticket, words: str) -> Way:
    conversation = _conversation(work, ticket)
    if conversation is None or windows.hindrance(conversation, work.now):
        return ""
    messages = parts.spread(Said(words), conversation.channel)
    if conversation.messages_left is not None and len(messages) > conversation.messages_left:
        return ""
    for one in messages:
        reply.book(work, conversation, "agent", one, person_id=work.actor.person_id)
    return "message"


def _notice(hub: Hub, work: Work, ticket: Ticket, unit: str) -> Way:
    conversation = _conversation(work, ticket)
    form = notices.form_for(work.session, conversation.account_id) if conversation else None
    if conversation is None or form is None:
        return ""
    facts = {
        "number": ticket.number,
        "kind": ticket.kind,
        "text": ticket.text,
        "unit": unit,
        "answer": ticket.answer,
        "time": f"{work.now.astimezone(hub.settings.office_zone):%Y-%m-%d %H:%M}",
    }
    address = f"{hub.settings.address}/feedback/progress?number={ticket.number}"
    return "notice" if notices.book(work, ticket, conversation, form, facts, address) else "no_consent"


def _conversation(work: Work, ticket: Ticket) -> Conversation | None:
    if not ticket.conversation_id or ticket.kind in INSIDE:
        return None
    return work.session.get(Conversation, ticket.conversation_id)
