"""Inside: what is said and done in a conversation that is held outside goes there, in the work in which it happens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from bot import expecting, hearing, rules, store, waiting
from bot.events import ConversationChanged
from bot.handoff import asks_for_person
from bot.models import Conversation, Rating
from bot.reply import OWN_PAGES
from bot.states import ConversationState
from hub.outer.models import OuterTalk
from hub.product import Hub
from hub.web.chat_page import shown
from kernel.office_rules import value_of
from kernel.work import Work


def tell(hub: Hub, work: Work, fact: ConversationChanged) -> None:
    """Sends what the outer side does not know yet; nothing for a conversation that is not held there."""
    talk = work.session.get(OuterTalk, fact.conversation_id)
    if talk is None or _is_past(work, talk):
        return
    conversation = work.session.get_one(Conversation, fact.conversation_id)
    lines = _lines(work, conversation, talk)
    state = _state(work, conversation, talk)
    # Only whether it is the same is asked: his words stand in the conversation, and go with it.
    told = sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
    talk.told = conversation.lines
    if not lines and told == talk.state:
        return
    talk.state = told
    hub.outer.put(work, "told", {"session": talk.session, "lines": lines, **state})


def _is_past(work: Work, talk: OuterTalk) -> bool:
    """Whether the same session has a newer conversation: how an old one stands is of no interest there."""
    newer = select(OuterTalk.conversation_id).where(
        OuterTalk.session == talk.session, OuterTalk.conversation_id > talk.conversation_id
    )
    return work.session.scalar(newer.limit(1)) is not None


def _lines(work: Work, conversation: Conversation, talk: OuterTalk) -> list[Mapping[str, Any]]:
    """On our own page; on a platform the inside answers by itself."""
    if conversation.channel not in OWN_PAGES:
        return []
    found = store.lines_of(work.session, conversation.id, talk.told, private=False)
    told = (shown(line) for line in found if line.side != store.CITIZEN)
    return [{name: value for name, value in line.items() if name not in ("number", "picture")} for line in told]


def _state(work: Work, conversation: Conversation, talk: OuterTalk) -> dict[str, Any]:
    rated = work.session.scalar(select(Rating.id).where(Rating.conversation_id == conversation.id))
    is_waiting = conversation.state == ConversationState.WAITING
    ahead = waiting.ahead_of(work, conversation) if is_waiting else 0
    return {
        "heard": talk.heard,
        "state": str(conversation.state),
        "ahead": ahead,
        "expected": expecting.minutes(work.session, conversation.unit_id, ahead, work.now) if is_waiting else 0,
        "rated": rated is not None,
        "asked_rating": conversation.rating_asked_at is not None,
        "memory": _memory(work, conversation),
    }


def _memory(work: Work, conversation: Conversation) -> dict[str, Any]:
    """What the bot outside keeps in mind of it (`hub.outer.sessions.Memory`), all of which is known here too."""
    texts = store.texts_before(work.session, conversation.id, conversation.lines + 1)
    most = int(value_of(work.session, rules.MOST, conversation.unit_id, work.now))
    said = hearing.busy(work.session, conversation.id, work.now, most)
    return {
        "engine": conversation.engine_session,
        "pending": conversation.pending,
        "choices": list(conversation.choices),
        "failures": conversation.failures,
        "spoke": True,
        "asked": any(text and not asks_for_person(text) for text in texts),
        "danger": conversation.urgent_at is not None and conversation.acknowledged_at is None,
        "dialogue": dict(conversation.dialogue),
        "lately": [at.timestamp() for at in said.lately],
        "flooded": said.flooded.timestamp() if said.flooded is not None else 0,
        "about": store.last_source(work.session, conversation.id, conversation.lines + 1) or 0,
    }
