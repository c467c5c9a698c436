"""Reads conversations: what was said on both sides in order, earlier sessions of a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, or_, select
from sqlalchemy.orm import Session

from bot.citizen_files.models import CitizenFile
from bot.models import Conversation, InboundMessage, OutboundReply
from bot.publishing import mask
from bot.states import ConversationState, ReplyState
from kernel.people import Permission, Person, Viewer, scoped

S = ConversationState

KIND_WORDS = {
    "image": "[图片]",
    "voice": "[语音]",
    "video": "[视频]",
    "shortvideo": "[视频]",
    "location": "[位置]",
    "link": "[链接]",
    "follow": "[关注了公众号]",
    "leave": "[取消了关注]",
    "scan": "[扫描二维码]",
    "click": "[点击菜单]",
}
CITIZEN = "citizen"
PRIVATE = "note"
# Whom the desk has to do with: who waits, who is talked to, and danger that nobody has seen to.
GOES_ON = or_(
    Conversation.state.in_((S.WAITING, S.OPEN, S.SNOOZED)),
    Conversation.urgent_at.is_not(None) & Conversation.acknowledged_at.is_(None),
)
# So many rows a recurring duty takes in one round.
BATCH = 200


@dataclass(frozen=True)
class Line:
    """One thing said: `side` is citizen, bot, agent, event or note; a reply also says where it stands."""

    number: int
    side: str
    text: str
    at: datetime
    who: str = ""
    sources: Sequence[Mapping[str, Any]] = ()
    choices: Sequence[str] = ()
    ask: str = ""
    rule: str = ""
    basis: Mapping[str, Any] = field(default_factory=dict)
    state: str = ReplyState.DONE
    reason: str = ""
    reply_id: int = 0
    person_id: int = 0
    media: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    file: CitizenFile | None = None


def lines_of(session: Session, conversation_id: int, after: int = 0, *, private: bool = True) -> list[Line]:
    """What was said after a place, in order; without `private` only what the citizen may see."""
    return lines_after(session, {conversation_id: after}, private=private)[conversation_id]


def lines_after(session: Session, places: Mapping[int, int], *, private: bool = True) -> dict[int, list[Line]]:
    """The same of several conversations at once, each from a place of its own."""
    asked = {"ids": list(places), "least": min(places.values(), default=0), "kept_from": "" if private else PRIVATE}
    found: dict[int, list[Line]] = {one: [] for one in places}
    for row in session.execute(_HEARD_AFTER, asked):
        found[row.conversation_id].append(_heard(row, row.CitizenFile))
    for row in session.execute(_SAID_AFTER, asked):
        found[row.conversation_id].append(_said(row, row.name or ""))
    return {
        one: sorted((line for line in lines if line.number > places[one]), key=lambda line: line.number)
        for one, lines in found.items()
    }


def said_by_citizen(session: Session, conversation_id: int, since: datetime | None = None) -> str:
    """Everything the citizen wrote in a session, or since a moment, line by line."""
    query = (
        select(InboundMessage.text)
        .where(InboundMessage.conversation_id == conversation_id, InboundMessage.kind.in_(("text", "voice")))
        .order_by(InboundMessage.number)
    )
    if since is not None:
        query = query.where(InboundMessage.received_at > since)
    return "\n".join(text for text in session.scalars(query) if text)


def texts_before(session: Session, conversation_id: int, number: int) -> list[str]:
    """What the citizen said in a session before a place, as the desk shows it, in order."""
    query = select(InboundMessage).where(
        InboundMessage.conversation_id == conversation_id, InboundMessage.number < number
    )
    return [_heard(row).text for row in session.scalars(query.order_by(InboundMessage.number))]


def unanswered(session: Session, conversation_id: int) -> bool:
    """Whether the citizen had the last word since a person was wanted."""
    heard = select(func.max(InboundMessage.number)).where(InboundMessage.conversation_id == conversation_id)
    said = select(func.max(OutboundReply.number)).where(
        OutboundReply.conversation_id == conversation_id, OutboundReply.side == "agent"
    )
    return (session.scalar(heard) or 0) > (session.scalar(said) or 0)


def locked(session: Session, query: Select[Conversation]) -> list[Conversation]:
    """The first of these, held for a recurring duty; what somebody else holds is left to the next round."""
    rows = query.order_by(Conversation.id).limit(BATCH).with_for_update(skip_locked=True)
    return list(session.scalars(rows))


def last_words(session: Session, conversation_id: int) -> str:
    """The last thing the citizen wrote or did, for lists: with personal data masked."""
    query = select(InboundMessage).where(InboundMessage.conversation_id == conversation_id)
    row = session.scalars(query.order_by(InboundMessage.number.desc()).limit(1)).one_or_none()
    return "" if row is None else mask(_heard(row).text)[:200]


def last_source(session: Session, conversation_id: int, before: int) -> int | None:
    """The piece that the bot's last answer was taken from, if that was the last thing it said."""
    query = (
        select(OutboundReply.sources)
        .where(
            OutboundReply.conversation_id == conversation_id,
            OutboundReply.side == "bot",
            OutboundReply.number < before,
        )
        .order_by(OutboundReply.number.desc())
        .limit(1)
    )
    sources = session.scalar(query)
    return int(sources[0]["piece"]) if sources else None


def earlier(session: Session, conversation: Conversation, limit: int = 5) -> list[Conversation]:
    """The person's sessions before this one on the same account, newest first; a chat on our own page has none."""
    if conversation.token_hash is not None:
        return []
    query = (
        select(Conversation)
        .where(
            Conversation.account_id == conversation.account_id,
            Conversation.sender == conversation.sender,
            Conversation.id < conversation.id,
        )
        .order_by(Conversation.id.desc())
    )
    return list(session.scalars(query.limit(limit)))


def waiting_count(session: Session, who: Viewer) -> int:
    """How many citizens wait in the viewer's reach."""
    query = select(func.count(Conversation.id)).where(Conversation.state == S.WAITING)
    return session.scalar(scoped(query, Conversation.unit_id, who, Permission.CONVERSATION_READ)) or 0


def words_of(kind: str, text: str, media: Mapping[str, str] | None) -> str:
    """What a citizen wrote or did, as the desk shows it; `media` matters for a tap on the menu alone."""
    words = KIND_WORDS.get(kind, "")
    said = (media or {}).get("tapped", text) if kind == "click" else text
    return f"{words} {said}".strip() if words else said


def _heard(row: InboundMessage | Row[Any], file: CitizenFile | None = None) -> Line:
    text = words_of(row.kind, row.text, row.media)
    return Line(row.number, CITIZEN, text, row.received_at, media=row.media, kind=row.kind, file=file)


def _said(row: OutboundReply | Row[Any], name: str) -> Line:
    return Line(
        row.number,
        row.side,
        row.text,
        row.at,
        who=name,
        sources=row.sources,
        choices=row.choices,
        ask=row.ask,
        rule=row.rule,
        basis=row.basis,
        state=row.state,
        reason=row.reason,
        reply_id=row.id,
        person_id=row.person_id or 0,
    )


# Made once: building a statement costs more than running it.
_HEARD_AFTER = (
    select(
        InboundMessage.conversation_id,
        InboundMessage.number,
        InboundMessage.kind,
        InboundMessage.text,
        InboundMessage.media,
        InboundMessage.received_at,
        CitizenFile,
    )
    .outerjoin(CitizenFile, CitizenFile.inbound_id == InboundMessage.id)
    .where(
        InboundMessage.conversation_id.in_(bindparam("ids", expanding=True)),
        InboundMessage.number > bindparam("least"),
    )
)
_SAID_AFTER = (
    select(
        OutboundReply.conversation_id,
        OutboundReply.id,
        OutboundReply.number,
        OutboundReply.side,
        OutboundReply.text,
        OutboundReply.at,
        OutboundReply.sources,
        OutboundReply.choices,
        OutboundReply.ask,
        OutboundReply.rule,
        OutboundReply.basis,
        OutboundReply.state,
        OutboundReply.reason,
        OutboundReply.person_id,
        Person.name,
    )
    .outerjoin(Person, Person.id == OutboundReply.person_id)
    .where(
        OutboundReply.conversation_id.in_(bindparam("ids", expanding=True)),
        OutboundReply.number > bindparam("least"),
        OutboundReply.side != bindparam("kept_from"),
    )
)
