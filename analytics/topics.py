"""What people asked or looked for and did not get: the questions behind what is to be written next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.models import Conversation, InboundMessage
from bot.states import NOT_KNOWN
from channels.accounts.models import Account
from content.search_misses import SearchMiss, masked
from scheduler.elsewhere import site_channels

LOOK_BACK = timedelta(days=28)
ENOUGH = 3
MOST = 10


@dataclass(frozen=True)
class Topic:
    """Words that came again, as people wrote them, and how often within four weeks."""

    words: str
    count: int


def unanswered(session: Session, unit_id: int, now: datetime) -> list[Topic]:
    """Questions that the bot of this unit could not answer, the most frequent first; numbers of people are masked."""
    count = func.count(InboundMessage.id)
    query = (
        select(InboundMessage.text, count)
        .join(Conversation, Conversation.id == InboundMessage.conversation_id)
        .where(
            Conversation.unit_id == unit_id,
            InboundMessage.outcome.in_(NOT_KNOWN),
            InboundMessage.received_at >= now - LOOK_BACK,
        )
        .group_by(InboundMessage.text)
        .having(count >= ENOUGH)
        .order_by(count.desc(), InboundMessage.text)
        .limit(MOST)
    )
    asked: dict[str, int] = {}
    for text, number in session.execute(query):
        asked[masked(text)] = asked.get(masked(text), 0) + number
    return [Topic(words, number) for words, number in asked.items()]


def not_found(session: Session, unit_id: int, now: datetime) -> list[Topic]:
    """What readers of the site looked for in vain, told to the unit that keeps the site."""
    keeps = select(Account.id).where(
        Account.unit_id == unit_id, Account.channel.in_(site_channels()), Account.active, Account.stands_for.is_(None)
    )
    return _missed(session, now) if session.scalar(keeps.limit(1)) is not None else []


def most_wanted(session: Session, unit_id: int, now: datetime) -> Topic | None:
    """The one that most people asked this unit, or looked for on the site that all units share, if any did."""
    found = [*unanswered(session, unit_id, now), *_missed(session, now)]
    return max(found, key=lambda topic: topic.count, default=None)


def _missed(session: Session, now: datetime) -> list[Topic]:
    count = func.count(SearchMiss.id)
    query = (
        select(SearchMiss.query, count)
        .where(SearchMiss.at >= now - LOOK_BACK)
        .group_by(SearchMiss.query)
        .having(count >= ENOUGH)
        .order_by(count.desc(), SearchMiss.query)
        .limit(MOST)
    )
    return [Topic(text, number) for text, number in session.execute(query)]
