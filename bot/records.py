"""会话记录: every conversation one may read, whoever has it: the bot's alone and the closed ones too; the same by API.

What was said is searched backwards for so long only: whoever looks for a word must not read a million messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from bot.models import Conversation, InboundMessage, Rating
from bot.states import LOW_RATING, NOT_KNOWN
from kernel.people import Permission, Person, Viewer, named, scoped
from templates.catalogue import _

NOBODY = 0
"""Stands for an agent where there is none: the bot's alone, or still waiting."""
SAID_DAYS = 90
DANGER, UNANSWERED, LOW = "danger", "unanswered", "low"
SHOWN: dict[str, str] = {DANGER: _("紧急情况"), UNANSWERED: _("机器人没答上"), LOW: _("评价不满意")}

_C, _M = Conversation, InboundMessage


@dataclass(frozen=True)
class Wanted:
    """What a list of conversations is narrowed to; '' and None narrow nothing.

    `days` are the last so many in which it began, `words` what the citizen wrote or how he is called, `show` a key of
    SHOWN.
    """

    state: str = ""
    channel: str = ""
    unit_id: int | None = None
    agent_id: int | None = None
    days: int | None = None
    words: str = ""
    show: str = ""


def asked_for(who: Viewer, wanted: Wanted, now: datetime, zone: ZoneInfo) -> Select[Conversation]:
    """The conversations in reach that are wanted."""
    query = scoped(select(_C), _C.unit_id, who, Permission.CONVERSATION_READ)
    for column, value in ((_C.state, wanted.state), (_C.channel, wanted.channel), (_C.unit_id, wanted.unit_id)):
        if value:
            query = query.where(column == value)
    if wanted.agent_id is not None:
        query = query.where(_C.agent_id.is_(None) if wanted.agent_id == NOBODY else _C.agent_id == wanted.agent_id)
    days = wanted.days
    if wanted.words or wanted.show == UNANSWERED:
        days = min(days or SAID_DAYS, SAID_DAYS)
    if days is None:
        return _shown(query, wanted.show, None)
    since = datetime.combine(now.astimezone(zone).date(), time(), zone) - timedelta(days=days - 1)
    query = query.where(_C.opened_at >= since)
    if wanted.words:
        wrote = select(_M.conversation_id).where(
            _M.received_at >= since, _M.text.icontains(wanted.words, autoescape=True)
        )
        query = query.where(or_(_C.name.icontains(wanted.words, autoescape=True), _C.id.in_(wrote)))
    return _shown(query, wanted.show, since)


def _shown(query: Select[Conversation], show: str, since: datetime | None) -> Select[Conversation]:
    if show == DANGER:
        return query.where(_C.urgent_at.is_not(None))
    if show == LOW:
        return query.where(_C.id.in_(select(Rating.conversation_id).where(Rating.score >= LOW_RATING)))
    if show == UNANSWERED:
        asked = select(_M.conversation_id).where(_M.received_at >= since, _M.outcome.in_(NOT_KNOWN))
        return query.where(_C.id.in_(asked))
    return query


def agents(session: Session, who: Viewer) -> list[tuple[int, str]]:
    """Who has or had a conversation in reach, for a choice."""
    had = scoped(select(_C.id).where(_C.agent_id == Person.id), _C.unit_id, who, Permission.CONVERSATION_READ).exists()
    return named(session, session.scalars(select(Person.id).where(had)).all())
