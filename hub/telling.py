"""How a citizen is told of his ticket: by a message while one arrives, by a service notice, or under its number."""

from __future__ import annotations

from typing import Literal

from bot import notices, parts, reply, windows
from bot.casework import merging
from bot.models import Conversation, Ticket
from bot.reply import Said
from bot.states import INSIDE
from hub.product import Hub
from kernel.people import Unit
from kernel.work import Work

Way = Literal["message", "notice", ""]


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
    notices.book(work, ticket, conversation, form, facts, address)
    return "notice"


def _conversation(work: Work, ticket: Ticket) -> Conversation | None:
    if not ticket.conversation_id or ticket.kind in INSIDE:
        return None
    return work.session.get(Conversation, ticket.conversation_id)
