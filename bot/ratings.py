"""服务评价 at the end: once, of the citizen's own accord, without a default; a low one calls somebody back."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot import handoff, rules, store, tickets, waiting
from bot.handoff import Situation
from bot.models import Conversation, Rating
from bot.states import RATINGS
from kernel.errors import Invalid
from kernel.once import insert_once
from kernel.work import Work


def rate(work: Work, conversation: Conversation, score: int, zone: ZoneInfo) -> bool:
    """Keeps a rating of 1 to 5; False when this session was rated before.

    After a low one people take over a session that only the bot had; else, and out of hours, somebody calls back.
    """
    if not 1 <= score <= len(RATINGS):
        raise Invalid(field="score", why="请选择一个评价。")
    fresh = insert_once(
        work.session,
        Rating,
        unit_id=conversation.unit_id,
        conversation_id=conversation.id,
        agent_id=conversation.agent_id,
        score=score,
        at=work.now,
    )
    if not fresh:
        return False
    work.audit("conversation.rated", conversation, score=score)
    hours = rules.hours_of(work.session, conversation.unit_id, zone, work.now)
    called = handoff.decide(Situation(rating=score, open_now=hours.open_at(work.now)))
    if called is None:
        return True
    if called.way == "waiting" and conversation.agent_id is None and waiting.may_reopen(work, conversation):
        waiting.queue(work, conversation, called.reason)
    else:
        said = store.said_by_citizen(work.session, conversation.id)
        text = f"市民对服务评价为“{RATINGS[score - 1]}”，请回访了解情况。\n{said}"
        tickets.make(
            work, unit_id=conversation.unit_id, kind="回访", text=text, zone=zone, conversation_id=conversation.id
        )
    return True
