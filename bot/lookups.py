"""Tells how a ticket stands to whoever has the code of its telephone; nobody learns which of his words was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot import publishing
from bot.dialogue import progress
from bot.models import Conversation, Ticket
from bot.phone_codes import Codes
from bot.states import TICKET_LABELS, shown_outside
from bot.words import Words
from kernel.people import Unit
from kernel.work import Work
from templates.filters import mask_phone


def answer(work: Work, codes: Codes, words: Words, wanted: Mapping[str, str], conversation: Conversation) -> str | None:
    """Sends a code or looks at one; None where what the dialogue says stands."""
    if wanted["act"] == progress.SEND:
        if codes.ask(work, wanted["number"], wanted["phone"]):
            return None
        conversation.dialogue, conversation.dialogue_until = {}, None
        return _said(words, "often")
    ticket = codes.check(work, wanted["number"], wanted["phone"], wanted["code"])
    if ticket is None:
        return _said(words, "wrong")
    conversation.dialogue, conversation.dialogue_until = {}, None
    return _said(words, "standing", **standing(work, ticket, wanted["phone"]))


def standing(work: Work, ticket: Ticket, phone: str) -> dict[str, Any]:
    """How a ticket stands, with personal data masked."""
    return {
        "number": ticket.number,
        "kind": ticket.kind,
        "unit": work.session.get_one(Unit, ticket.unit_id).name,
        "label": TICKET_LABELS[shown_outside(ticket.state)],
        "due": ticket.due_at,
        "answer": publishing.mask(ticket.answer) if ticket.answered_at else "",
        "contact": mask_phone(phone),
    }


def _said(words: Words, part: str, **values: Any) -> str:
    return words.say(progress.FORM, part=part, values=values, choices=[])
