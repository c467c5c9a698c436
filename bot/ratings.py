"""服务评价 at the end: once, of the citizen's own accord, without a default; a low one calls somebody back."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot import handoff, reply, rules, store, tickets, waiting
from bot.errors import NotAsked
from bot.handoff import Situation
from bot.models import Conversation, OutboundReply, Rating
from bot.reply import Said
from bot.states import LOW_RATING, RATINGS, SET_RIGHT, ConversationState
from content.models import Piece
from kernel.errors import Invalid
from kernel.once import insert_once
from kernel.work import Work

RATE_WITHIN = timedelta(hours=24)


def rated(work: Work, conversation: Conversation) -> int | None:
    """What the citizen said of this session, if he said anything."""
    return work.session.scalar(select(Rating.score).where(Rating.conversation_id == conversation.id))


def asked(conversation: Conversation, at: datetime) -> bool:
    """Whether a rating given at this time was asked for: the session has ended, and its time is not over."""
    since = conversation.rating_asked_at
    return conversation.state == ConversationState.CLOSED and since is not None and at < since + RATE_WITHIN


def rate(work: Work, conversation: Conversation, score: int, zone: ZoneInfo, at: datetime | None = None) -> bool:
    """Keeps a rating of 1 to 5; False when this session was rated before, NotAsked when none is asked for.

    After a low one people take over a session that only the bot had; else, and out of hours, somebody calls back.
    `at` is when the citizen gave it, where that is not now.
    """
    if not 1 <= score <= len(RATINGS):
        raise Invalid(field="score", why="请选择一个评价。")
    if rated(work, conversation) is not None:
        return False
    if not asked(conversation, at or work.now):
        raise NotAsked
    fresh = insert_once(
        work.session,
        Rating,
        unit_id=conversation.unit_id,
        conversation_id=conversation.id,
        agent_id=conversation.agent_id,
        score=score,
        at=work.now,
        service_id=conversation.service_id,
        service_unit_id=_unit_of(work, conversation),
    )
    if not fresh:
        return False
    work.audit("conversation.rated", conversation, score=score)
    if conversation.service_id is not None and score >= LOW_RATING:
        _set_right(work, conversation, score, zone)
    hours = rules.hours_of(work.session, conversation.unit_id, zone, work.now)
    called = handoff.decide(Situation(rating=score, open_now=hours.open_at(work.now)))
    if called is None:
        return True
    if called.way == "waiting" and conversation.agent_id is None and waiting.may_reopen(work, conversation):
        waiting.queue(work, conversation, called.reason)
    elif conversation.service_id is None:
        _call_back(work, conversation, score, zone)
    return True


def end(work: Work, conversation: Conversation, zone: ZoneInfo, asks: Said | None = None) -> None:
    """The citizen ends the session and is asked, once, to rate it; after a low rating left unanswered he is called.

    `asks` are the words that ask, where nobody has said them yet.
    """
    score = rated(work, conversation)
    if score is None:
        conversation.rating_asked_at = work.now
        if asks is not None:
            reply.book(work, conversation, "bot", asks)
    elif (
        conversation.waiting_reason == "low_rating"
        and conversation.service_id is None
        and not _answered(work, conversation)
    ):
        _call_back(work, conversation, score, zone)
    waited = conversation.state == ConversationState.WAITING
    waiting.close(work, conversation, "等待人工时由市民结束" if waited else "市民结束会话")


def _call_back(work: Work, conversation: Conversation, score: int, zone: ZoneInfo) -> None:
    said = store.said_by_citizen(work.session, conversation.id)
    text = f"市民对服务评价为“{RATINGS[score - 1]}”，请回访了解情况。\n{said}"
    tickets.make(work, unit_id=conversation.unit_id, kind="回访", text=text, zone=zone, conversation_id=conversation.id)


def _set_right(work: Work, conversation: Conversation, score: int, zone: ZoneInfo) -> None:
    """差评整改: the unit that handles the item calls back, sets it right and writes down what it did, by a deadline."""
    item = work.session.get_one(Piece, conversation.service_id)
    said = store.said_by_citizen(work.session, conversation.id)
    text = f"事项“{item.title}”收到好差评“{RATINGS[score - 1]}”，请回访核实、整改并写明结果。\n{said}"
    tickets.make(work, unit_id=item.unit_id, kind=SET_RIGHT, text=text, zone=zone, conversation_id=conversation.id)


def _unit_of(work: Work, conversation: Conversation) -> int | None:
    return work.session.get_one(Piece, conversation.service_id).unit_id if conversation.service_id else None


def _answered(work: Work, conversation: Conversation) -> bool:
    query = select(OutboundReply.id).where(
        OutboundReply.conversation_id == conversation.id, OutboundReply.side == "agent"
    )
    return work.session.scalar(query.limit(1)) is not None
