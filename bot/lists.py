"""The lists of the desk: every conversation that goes on, who it is, who has it, the last words; in four queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot import store
from bot.models import Conversation, InboundMessage
from bot.publishing import mask, mask_name
from bot.windows import SPOKEN
from channels.accounts.models import Account
from kernel.people import Permission, Person, Viewer, scoped

_M = InboundMessage
LONGEST = 200
# Of more sessions at once than any office has agents for, the newest are watched.
MOST_SEEN = 2000
NOBODY: Mapping[int, Sequence[Conversation]] = MappingProxyType({})
# A conversation's number, state, lines, agent, and when its danger was seen to.
Mark = tuple[int, str, int, int | None, datetime | None]
Marks = Sequence[Mark]


@dataclass(frozen=True)
class Row:
    """One conversation in a list of the desk."""

    conversation: Conversation
    title: str
    words: str
    agent: str
    unread: bool


@dataclass(frozen=True)
class _Heard:
    number: int
    words: str


def rows_of(
    session: Session,
    conversations: Sequence[Conversation],
    joined: Mapping[int, Sequence[Conversation]] = NOBODY,
) -> list[Row]:
    """What the lists show of these conversations, in their order; `joined` are those merged into one of them."""
    accounts = _names(session, Account, {one.account_id for one in conversations})
    agents = _names(session, Person, {one.agent_id for one in conversations})
    everyone = [*conversations, *(other for others in joined.values() for other in others)]
    last = _last_heard(session, [one.id for one in everyone])
    unread = {one.id for one in everyone if one.id in last and last[one.id].number == one.lines}
    return [
        Row(
            one,
            titled(one, accounts.get(one.account_id or 0, "")),
            last[one.id].words if one.id in last else "",
            agents.get(one.agent_id or 0, ""),
            not unread.isdisjoint([one.id, *(other.id for other in joined.get(one.id, ()))]),
        )
        for one in conversations
    ]


def titled(one: Conversation, account: str) -> str:
    """Who it is: the name, where the person has one, else the account and the end of what the platform calls him."""
    if one.channel in SPOKEN:
        return mask_name(one.name) if one.name else f"#{one.id}"
    return mask(one.name) if one.name else f"{account} · {one.sender[-6:]}".strip(" ·")


def marks(session: Session, who: Viewer) -> Marks:
    """What the lists rest on, so that a change of theirs is seen whoever made it."""
    columns = (
        Conversation.id,
        Conversation.state,
        Conversation.lines,
        Conversation.agent_id,
        Conversation.acknowledged_at,
    )
    query = scoped(select(*columns).where(store.GOES_ON), Conversation.unit_id, who, Permission.CONVERSATION_READ)
    found = session.execute(query.order_by(Conversation.id.desc()).limit(MOST_SEEN))
    return [(number, state, lines, agent, seen_to) for number, state, lines, agent, seen_to in found]


def _names(session: Session, model: type[Account] | type[Person], ids: set[int | None]) -> Mapping[int, str]:
    found = session.execute(select(model.id, model.name).where(model.id.in_(ids - {None})))
    return {row[0]: row[1] for row in found}


def _last_heard(session: Session, ids: Sequence[int]) -> Mapping[int, _Heard]:
    """The last thing each citizen wrote or did, with personal data masked."""
    newest = (
        select(_M.conversation_id, func.max(_M.number).label("number"))
        .where(_M.conversation_id.in_(ids))
        .group_by(_M.conversation_id)
        .subquery()
    )
    media = case((_M.kind == "click", _M.media))
    query = select(_M.conversation_id, _M.number, _M.kind, _M.text, media).join(
        newest, (_M.conversation_id == newest.c.conversation_id) & (_M.number == newest.c.number)
    )
    return {row[0]: _Heard(row[1], mask(store.words_of(*row[2:]))[:LONGEST]) for row in session.execute(query)}
