"""The lists of the desk: every conversation that goes on, who it is, who has it, the last words; in a few queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVarTuple

from sqlalchemy import BigInteger, BindParameter, ColumnElement, Select, bindparam, case, cast, func, or_, select
from sqlalchemy.orm import Session

from bot import store
from bot.models import Conversation, InboundMessage
from bot.publishing import mask, mask_name
from bot.states import ConversationState
from bot.team import topics
from bot.windows import SPOKEN
from channels.accounts.models import Account
from kernel.people import Permission, Person, Viewer, scoped_by_units

S = ConversationState
Ts = TypeVarTuple("Ts")
LONGEST = 200
# So many of a list are drawn, and are read by the API; what is one's own is never left out.
MOST_SHOWN, MOST_READ = 40, 300
# More who are kept for colleagues are not looked through for everybody who looks at once.
MOST_TOGETHER = 1000


class Marks(NamedTuple):
    """All conversations that go on in a few sums: each change of one changes at least one of them.

    Everything is weighed by its conversation's number, so that what one loses and another gains is seen too.
    """

    going_on: int
    lines: int
    states: int
    agents: int
    seen_to: int


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


@dataclass(frozen=True)
class Lists:
    """Whom the desk has to do with: who waits, mine, and what colleagues have; `waits` and `others` count them all."""

    waiting: Sequence[Row]
    mine: Sequence[Row]
    team: Sequence[Row]
    waits: int
    others: int


class _Heard(NamedTuple):
    number: int
    words: str


class Looker(NamedTuple):
    """Who looks at the lists: a person, his unit, and the units in his reach."""

    person_id: int
    unit_id: int
    units: frozenset[int]


def looker(who: Viewer) -> Looker:
    """A person as one who looks at the lists."""
    return Looker(who.person_id, who.unit_id, who.units(Permission.CONVERSATION_READ))


def going_on_for(session: Session, lookers: Collection[Looker], now: datetime) -> dict[Looker, GoingOn]:
    """What each of them sees as `going_on` says, read once for all who have the same units in reach."""
    found: dict[Looker, GoingOn] = {}
    alike: dict[tuple[int, frozenset[int]], list[Looker]] = {}
    for one in lookers:
        alike.setdefault((one.unit_id, one.units), []).append(one)
    for group in alike.values():
        whole = _whole(session, group, now) if len(group) > 1 else None
        found |= {one: whole.of(one) if whole is not None else going_on(session, one, now) for one in group}
    return found


def lists_for(session: Session, lookers: Collection[Looker], now: datetime) -> dict[Looker, Lists]:
    """The lists that each of them sees, in a few statements for all of them."""
    found = going_on_for(session, lookers, now)
    shown = {one.id: one for each in found.values() for one in each.shown}
    rows = {row.conversation.id: row for row in rows_of(session, list(shown.values()), merged=True)}

    def lists(each: GoingOn) -> Lists:
        waiting, mine, team = ([rows[one.id] for one in some] for some in (each.waiting, each.mine, each.team))
        return Lists(waiting, mine, team, each.waits, each.others)

    return {one: lists(each) for one, each in found.items()}


@dataclass(frozen=True)
class _Whole:
    """What several people see alike, as far as one of them can see it: the rest is only counted.

    `waiting` holds all who are kept for whoever knows their topic, and of the others the first; `held` the first whom
    somebody has, and `own` what each of those who look has himself.
    """

    waiting: Sequence[tuple[Listed, bool]]
    held: Sequence[Listed]
    own: Mapping[int, Sequence[Listed]]
    known: Mapping[int, set[tuple[int, str]]]
    waits: int
    holds: int

    def of(self, one: Looker) -> GoingOn:
        """What one person sees of it."""
        his = self.known.get(one.person_id, set())

        def place(waits: tuple[Listed, bool]) -> tuple[bool, bool]:
            listed, kept = waits
            return not _in_danger(listed), kept and (listed.unit_id, listed.topic) not in his

        waiting = [listed for listed, _kept in sorted(self.waiting, key=place)[:MOST_SHOWN]]
        mine = self.own.get(one.person_id, [])
        team = [listed for listed in self.held if listed.agent_id != one.person_id]
        return GoingOn(waiting, mine, team[:MOST_SHOWN], self.waits, self.holds - len(mine))


def _whole(session: Session, lookers: Sequence[Looker], now: datetime) -> _Whole | None:
    """What these lookers, who see the same, see; None where too many are kept to be looked through for each of them."""
    asked = {"units": lookers[0].units, "since": topics.first_since(session, lookers[0].unit_id, now)}
    kept = _listed(session, _KEPT, {**asked, "most": MOST_TOGETHER})
    if len(kept) == MOST_TOGETHER:
        return None
    people = [one.person_id for one in lookers]
    own: dict[int, list[Listed]] = {}
    for one in _listed(session, _OWN, {**asked, "people": people}):
        own.setdefault(one.agent_id or 0, []).append(one)
    # As many of one's own at most stand among the first that somebody has.
    first = MOST_SHOWN + max((len(some) for some in own.values()), default=0)
    held = _listed(session, _ALL_HELD, {**asked, "most": first})
    others = _listed(session, _NOT_KEPT, {**asked, "most": MOST_SHOWN})
    waiting = sorted(
        [*((one, True) for one in kept), *((one, False) for one in others)],
        key=lambda waits: (waits[0].waiting_since or waits[0].urgent_at or now, waits[0].id),
    )
    waits, holds = len(waiting), len(held)
    if len(others) == MOST_SHOWN or holds == first:
        waits, holds = session.execute(_TOTALS, asked).one()
    return _Whole(waiting, held, own, topics.known_by(session, people) if kept else {}, waits, holds)


def _in_danger(one: Listed) -> bool:
    return one.urgent_at is not None and one.acknowledged_at is None


def going_on(session: Session, who: Looker, now: datetime, most: int = MOST_SHOWN) -> GoingOn:
    """The sessions in reach that people have or wait for, at most so many that wait and so many of colleagues.

    Of those who wait, whoever is a present colleague's by his topic comes after the others.
    """
    asked = {
        "units": who.units,
        "me": who.person_id,
        "since": topics.first_since(session, who.unit_id, now),
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
    row = session.execute(_MARKS, {"units": who.units(Permission.CONVERSATION_READ)}).one()
    return Marks(*(int(mark or 0) for mark in row))


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


# Danger that nobody has seen to stands there, too, where its conversation does not wait.
_SINCE = func.coalesce(_C.waiting_since, _C.urgent_at)
_WAITING = _list(~_HELD, topics.LATER, _SINCE, _C.id).limit(bindparam("most"))
_MINE = _list(_HELD & (_C.agent_id == _ME), _C.id)
_TEAM = _list(_THEIRS, _C.id).limit(bindparam("most"))
_KEPT = _list(~_HELD & topics.KEPT, _SINCE, _C.id).limit(bindparam("most"))
_NOT_KEPT = _list(~_HELD & or_(_C.waiting_since.is_(None), ~topics.KEPT), _SINCE, _C.id).limit(bindparam("most"))
_ALL_HELD = _list(_HELD, _C.id).limit(bindparam("most"))
_OWN = _list(_HELD & _C.agent_id.in_(bindparam("people", expanding=True)), _C.id)
_COUNTS = _in_reach(select(func.count(case((~_HELD, 1))), func.count(case((_THEIRS, 1)))))
_TOTALS = _in_reach(select(func.count(case((~_HELD, 1))), func.count(case((_HELD, 1)))))
_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
_NUMBER = cast(_C.id, BigInteger)
_MARKS = scoped_by_units(
    select(
        func.count(_C.id),
        func.sum(_NUMBER * _C.lines),
        func.sum(_NUMBER * case({S.WAITING: 1, S.OPEN: 2, S.SNOOZED: 3}, value=_C.state, else_=4)),
        func.sum(_NUMBER * func.coalesce(_C.agent_id, 0)),
        func.sum(case((_C.acknowledged_at.is_not(None), _NUMBER), else_=0)),
    ).where(store.GOES_ON),
    _C.unit_id,
)
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
