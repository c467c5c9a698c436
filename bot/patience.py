"""Whoever waits long on a platform, where no page changes before him, is to be told once more how it stands."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from bot import reply, rules, store, windows
from bot.models import Conversation, OutboundReply
from bot.states import ConversationState
from kernel.office_rules import value_of
from kernel.work import Work

# The shortest time that the rule may say.
SOONEST = timedelta(minutes=1)


def run_out(work: Work) -> list[Conversation]:
    """Who waits and was told nothing for so long, once for each wait; danger was told whom to call."""
    query = select(Conversation).where(
        Conversation.state == ConversationState.WAITING,
        Conversation.channel.not_in(reply.OWN_PAGES | windows.SPOKEN),
        Conversation.waiting_reason != "danger",
        Conversation.merged_into_id.is_(None),
        Conversation.waiting_since <= work.now - SOONEST,
        or_(Conversation.wait_told_at.is_(None), Conversation.wait_told_at < Conversation.waiting_since),
    )
    return [one for one in store.locked(work.session, query) if _is_long(work, one)]


def _is_long(work: Work, conversation: Conversation) -> bool:
    minutes = int(value_of(work.session, rules.WAIT_TOLD, conversation.unit_id, work.now))
    return minutes > 0 and _told_last(work, conversation) <= work.now - timedelta(minutes=minutes)


def _told_last(work: Work, conversation: Conversation) -> datetime:
    """When he was last told anything, or began to wait."""
    query = select(func.max(OutboundReply.at)).where(
        OutboundReply.conversation_id == conversation.id, OutboundReply.side.in_(("bot", "agent"))
    )
    since, said = conversation.waiting_since or work.now, work.session.scalar(query)
    return max(since, said) if said else since
