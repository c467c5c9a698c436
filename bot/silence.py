"""Citizens who write no more on our own page: warned that their session ends, and let go only if they let it be."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select

from bot import reply, rules, store
from bot.errors import WasClosed
from bot.models import Conversation, OutboundReply
from bot.reply import OWN_PAGES, Said
from bot.states import ConversationState
from bot.words import Words
from kernel.office_rules import value_of
from kernel.work import Work

S = ConversationState
STAY = "stay"
# The shortest time a rule may allow, half of it before the warning.
SOONEST = timedelta(minutes=2.5)
_OWN_PAGE = Conversation.channel.in_(OWN_PAGES)
# A warning holds until its citizen is heard again.
_WARNED = and_(Conversation.idle_warned_at.is_not(None), Conversation.idle_warned_at >= Conversation.heard_at)


def warn(work: Work, words: Words) -> None:
    """Tells whoever has been silent for long when the session ends, and offers to go on."""
    query = select(Conversation).where(
        Conversation.state.in_((S.BOT, S.OPEN)),
        _OWN_PAGE,
        Conversation.heard_at <= work.now - SOONEST,
        or_(Conversation.idle_warned_at.is_(None), Conversation.idle_warned_at < Conversation.heard_at),
    )
    for conversation in store.locked(work.session, query):
        idle, before = _times(work, conversation)
        if _silent_since(work, conversation) > work.now - (idle - before) or _waits_for_agent(work, conversation):
            continue
        conversation.idle_warned_at = work.now
        minutes = max(1, round(before / timedelta(minutes=1)))
        reply.book(work, conversation, "event", Said(words.say("silent", minutes=minutes), ask=STAY))


def over(work: Work) -> list[Conversation]:
    """The sessions whose time is up: on our own page a while after the warning, elsewhere the bot's without one.

    Elsewhere nothing is lost by it: his next words begin another.
    """
    query = select(Conversation).where(
        or_(
            and_(Conversation.state.in_((S.BOT, S.OPEN)), _OWN_PAGE, _WARNED),
            and_(Conversation.state == S.BOT, ~_OWN_PAGE, Conversation.heard_at <= work.now - SOONEST),
        )
    )
    return [one for one in store.locked(work.session, query) if _is_over(work, one)]


def stay(work: Work, conversation: Conversation, words: Words) -> None:
    """The citizen goes on, once for each warning; raises WasClosed."""
    if conversation.state == S.CLOSED:
        raise WasClosed
    warned = conversation.idle_warned_at
    if warned is None or warned < conversation.heard_at:
        return
    conversation.heard_at, conversation.idle_warned_at = work.now, None
    reply.book(work, conversation, "event", Said(words.say("stays")))


def _is_over(work: Work, conversation: Conversation) -> bool:
    idle, before = _times(work, conversation)
    if conversation.channel not in OWN_PAGES:
        return _silent_since(work, conversation) <= work.now - idle
    warned = conversation.idle_warned_at
    return warned is not None and warned <= work.now - before and not _waits_for_agent(work, conversation)


def _times(work: Work, conversation: Conversation) -> tuple[timedelta, timedelta]:
    """How long he may be silent, and how long before that he is warned."""
    idle = timedelta(minutes=float(value_of(work.session, rules.IDLE, conversation.unit_id, work.now)))
    warned = timedelta(minutes=float(value_of(work.session, rules.IDLE_WARNED, conversation.unit_id, work.now)))
    return idle, min(warned, idle / 2)


def _waits_for_agent(work: Work, conversation: Conversation) -> bool:
    return conversation.state == S.OPEN and store.unanswered(work.session, conversation.id)


def _silent_since(work: Work, conversation: Conversation) -> datetime:
    """When he last wrote, or was last written to by a person."""
    query = select(func.max(OutboundReply.at)).where(
        OutboundReply.conversation_id == conversation.id, OutboundReply.side == "agent"
    )
    spoken = work.session.scalar(query)
    return max(conversation.heard_at, spoken) if spoken else conversation.heard_at
