"""A citizen whom the bot alone served on a platform is asked, once and long after, how content he was."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import exists, select

from bot import reply, rules, windows
from bot.models import Conversation, InboundMessage
from bot.reply import Said
from bot.words import Words
from kernel.office_rules import value_of
from kernel.work import Work

ANSWERED, TURN = "answer", "turn"


def may_ask(work: Work, conversation: Conversation) -> bool:
    """Whether it was the bot's alone and sure of what he asked last, a message arrives, and he was not asked lately."""
    if conversation.handed_off_at is not None or conversation.taken_at is not None:
        return False
    # A figure that was asked for otherwise must not become a rating.
    if conversation.pending or conversation.dialogue:
        return False
    if conversation.merged_into_id is not None or windows.hindrance(conversation, work.now):
        return False
    days = int(value_of(work.session, rules.RATING_DAYS, conversation.unit_id, work.now))
    return days > 0 and _sure(work, conversation) and not _asked_since(work, conversation, timedelta(days=days))


def ask(work: Work, conversation: Conversation, words: Words) -> None:
    """Asks; a figure that comes back within a day is his rating, anything else begins another session."""
    conversation.rating_asked_at = work.now
    reply.book(work, conversation, "bot", Said(words.say("rating", service=""), ask="rating"))


def _sure(work: Work, conversation: Conversation) -> bool:
    """Whether what he asked last was answered; thanks and the like count for nothing."""
    query = select(InboundMessage.outcome).where(
        InboundMessage.conversation_id == conversation.id, InboundMessage.outcome != TURN
    )
    return work.session.scalar(query.order_by(InboundMessage.number.desc()).limit(1)) == ANSWERED


def _asked_since(work: Work, conversation: Conversation, within: timedelta) -> bool:
    asked = exists().where(
        Conversation.account_id == conversation.account_id,
        Conversation.sender == conversation.sender,
        Conversation.rating_asked_at > work.now - within,
    )
    return bool(work.session.scalar(select(asked)))
