"""The lists of the desk: every conversation that goes on, who it is, who has it, the last words; in a few queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVarTuple

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, case, func, or_, select
from sqlalchemy.orm import Session

from bot import store
from bot.models import Conversation, InboundMessage
from bot.publishing import mask, mask_name
from bot.states import ConversationState
from bot.team import topics
from bot.windows import SPOKEN
from channels.accounts.models import Account
from kernel.people import Permission, Person, Viewer, scoped, scoped_by_units

S = ConversationState
Ts = TypeVarTuple("Ts")
LONGEST = 200
# Of more sessions at once than any office has agents for, the newest are watched.
MOST_SEEN = 2000
# So many of a list are drawn, and are read by the API; what is one's own is never left out.
MOST_SHOWN, MOST_READ = 40, 300
# A conversation's number, state, lines, agent, and when its danger was seen to.
Mark = tuple[int, str, int, int | None, datetime | None]
Marks = Sequence[Mark]


class Listed(NamedTuple):
    """What the lists show of a conversation; its other thirty columns would cost more than all the rest."""

    id: int
    unit_id: int
    account_id: int | None
    channel: str
    sender: str
    name: str
    state: str
    agent_id: int | None
    lines: int
    opened_at: datetime
    heard_at: datetime
    waiting_since: datetime | None
    waiting_reason: str
    snoozed_until: datetime | None
    closed_at: datetime | None
    urgent_at: datetime | None
    acknowledged_at: datetime | None
    window_until: datetime | None
    topic: str


@dataclass(frozen=True)
class GoingOn:
    """What people have or wait for, danger first; `waits` and `others` are how many there are in all of those two."""

    waiting: Sequence[Listed]
    mine: Sequence[Listed]
    team: Sequence[Listed]
    waits: int
    others: int

    @property
    def shown(self) -> list[Listed]:
        """All that is listed."""
        return [*self.waiting, *self.mine, *self.team]


@dataclass(frozen=True)
class Row:
    """One conversation in a list of the desk."""

    conversation: Conversation | Listed
    title: str
    words: str
    agent: str
    unread: bool


class _Heard(NamedTuple):
    number: int
    words: str


def going_on(session: Session, who: Viewer, now: datetime, most: int = MOST_SHOWN) -> GoingOn:
    """The sessions in reach that people have or wait for, at most so many that wait and so many of colleagues.

    Of those who wait, whoever is a present colleague's by his topic comes after the others.
    """
    asked = {
        "units": who.units(Permission.CONVERSATION_READ),
        "me": who.person_id,
        "since": topics.first_since(session, who, now),
        "most": most,
    }
    waiting, mine, team = (_listed(session, query, asked) for query in (_WAITING, _MINE, _TEAM))
    waits, others = len(waiting), len(team)
    if most in (waits, others):
        waits, others = session.execute(_COUNTS, asked).one()
    return GoingOn(waiting, mine, team, waits, others)


def rows_of(session: Session, conversations: Sequence[Conversation | Listed], *, merged: bool = False) -> list[Row]:
    """What the lists show of these conversations, in their order; `merged`: new in one is what is new in its others."""
    ids = [one.id for one in conversations]
    joined = _joined(session, ids) if merged else {}
    accounts = _names(session, _ACCOUNTS, {one.account_id for one in conversations})
    agents = _names(session, _AGENTS, {one.agent_id for one in conversations})
    last = _last_heard(session, [*ids, *(number for others in joined.values() for number, _lines in others)])
    return [
        Row(
            one,
            titled(one, accounts.get(one.account_id or 0, "")),
            last[one.id].words if one.id in last else "",
            agents.get(one.agent_id or 0, ""),
            any(
                number in last and last[number].number == lines
                for number, lines in ((one.id, one.lines), *joined.get(one.id, ()))
            ),
        )
        for one in conversations
    ]


def titled(one: Conversation | Listed, account: str) -> str:
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


def _listed(session: Session, query: Select[Any], asked: Mapping[str, object]) -> list[Listed]:
    return [Listed(*row) for row in session.execute(query, asked)]


def _joined(session: Session, ids: Sequence[int]) -> Mapping[int, list[tuple[int, int]]]:
    """Numbers and lines of what is answered in these conversations too and has not ended."""
    found: dict[int, list[tuple[int, int]]] = {}
    for main, number, lines in session.execute(_MERGED, {"ids": ids}):
        found.setdefault(main or 0, []).append((number, lines))
    return found


def _names(session: Session, query: Select[int, str], ids: set[int | None]) -> Mapping[int, str]:
    wanted = ids - {None}
    return {row[0]: row[1] for row in session.execute(query, {"ids": wanted})} if wanted else {}


def _last_heard(session: Session, ids: Sequence[int]) -> Mapping[int, _Heard]:
    """The last thing each citizen wrote or did, with personal data masked."""
    found = session.execute(_LAST, {"ids": ids})
    return {row[0]: _Heard(row[1], mask(store.words_of(*row[2:]))[:LONGEST]) for row in found}


# Made once: building a statement costs more than running it.
_C, _M = Conversation, InboundMessage
_HELD = _C.state.in_((S.OPEN, S.SNOOZED))
_ME: BindParameter[int] = bindparam("me")
_THEIRS = _HELD & or_(_C.agent_id.is_(None), _C.agent_id != _ME)
_SEEN_TO = case((_C.urgent_at.is_not(None) & _C.acknowledged_at.is_(None), 0), else_=1)
_COLUMNS = [getattr(_C, name) for name in Listed._fields]


def _in_reach(query: Select[*Ts]) -> Select[*Ts]:
    found = scoped_by_units(query.where(store.GOES_ON), _C.unit_id)
    return found.where(_C.merged_into_id.is_(None))  # Those stand with the one they are answered in.


def _list(which: ColumnElement[bool], *order: Any) -> Select[Any]:
    return _in_reach(select(*_COLUMNS)).where(which).order_by(_SEEN_TO, *order)


_WAITING = _list(~_HELD, topics.LATER, _C.waiting_since, _C.id).limit(bindparam("most"))
_MINE = _list(_HELD & (_C.agent_id == _ME), _C.id)
_TEAM = _list(_THEIRS, _C.id).limit(bindparam("most"))
_COUNTS = _in_reach(select(func.count(case((~_HELD, 1))), func.count(case((_THEIRS, 1)))))
_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
_MERGED = select(_C.merged_into_id, _C.id, _C.lines).where(_C.merged_into_id.in_(_IDS), _C.state != S.CLOSED)
_ACCOUNTS = select(Account.id, Account.name).where(Account.id.in_(_IDS))
_AGENTS = select(Person.id, Person.name).where(Person.id.in_(_IDS))
_newest = (
    select(_M.conversation_id, func.max(_M.number).label("number"))
    .where(_M.conversation_id.in_(_IDS))
    .group_by(_M.conversation_id)
    .subquery()
)
_LAST = select(_M.conversation_id, _M.number, _M.kind, _M.text, case((_M.kind == "click", _M.media))).join(
    _newest, (_M.conversation_id == _newest.c.conversation_id) & (_M.number == _newest.c.number)
)
