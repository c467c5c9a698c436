"""What a decision about a message rests on: the conversation as it stands, the office's rules, what people prepared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from bot import prepared, reply, rules
from bot.gateway import FOLLOW, SCAN
from bot.models import Conversation, InboundMessage, OutboundReply
from bot.prepared import Prepared
from bot.rules import Hours
from channels.accounts.models import Account
from channels.accounts.subscriptions import DISTRICTS
from kernel.lazy import lazy
from kernel.office_rules import Values
from kernel.people import Unit
from kernel.work import Work

CLICK = "click"
# What became of a message beyond what the bot answers one citizen in a minute.
FLOOD = "flood"
MINUTE, CALM = timedelta(minutes=1), timedelta(minutes=10)
TEXTS = frozenset({"text", "voice", CLICK})

Reading = Callable[[], AbstractContextManager[Work]]


@dataclass(frozen=True)
class Going:
    """A conversation as it stands; `lines` is the number of the last thing said."""

    id: int
    unit_id: int
    account_id: int | None
    channel: str
    sender: str
    state: str
    pending: str
    choices: Sequence[Any]
    failures: int
    engine_session: str
    urgent_at: datetime | None
    acknowledged_at: datetime | None
    lines: int
    dialogue: Mapping[str, Any]


GOING = tuple(one.name for one in fields(Going))


def going(conversation: Conversation) -> Going:
    """The conversation's row as it stands."""
    return Going(*(getattr(conversation, name) for name in GOING))


@dataclass(frozen=True)
class Told:
    """A message: the number of its row (0: not stored yet), its place in the conversation, and what it says."""

    inbound_id: int
    number: int
    kind: str
    text: str


@dataclass(frozen=True)
class Heard:
    """A message with all that a decision rests on; what few decisions need is read when it is asked for."""

    told: Told
    conversation: Going
    allowed_failures: int
    hotline: str
    urgent_words: list[str]
    sensitive_words: list[str]
    first: bool
    prepared: Prepared | None
    # He sends more than the bot answers: "new", or "told" where he has been told so.
    flood: str
    # What rules some decisions ask for, read with those above.
    values: Values
    zone: ZoneInfo
    at: datetime
    # Opens a reading work, or gives the one that is open.
    reading: Reading
    # The piece he was told of last (0: none); None where the rows of the conversation say so.
    last_source: int | None = None

    @property
    def kind(self) -> str:
        """What kind of message it is."""
        return self.told.kind

    @property
    def text(self) -> str:
        """What it says."""
        return self.told.text

    @property
    def state(self) -> str:
        """Who has the conversation."""
        return self.conversation.state

    @property
    def own_page(self) -> bool:
        """Whether it is written on a page of ours, which shows links and buttons of its own."""
        return self.conversation.channel in reply.OWN_PAGES

    @property
    def danger_known(self) -> bool:
        """Whether danger was heard here before and nobody has taken it up."""
        return self.conversation.urgent_at is not None and self.conversation.acknowledged_at is None

    @property
    def dialogue(self) -> Mapping[str, Any]:
        """Where a dialogue of several turns stands; {} where there is none, or the citizen was away too long."""
        kept = self.conversation.dialogue
        until = str(kept.get("until", "")) if kept else ""
        return kept if until and datetime.fromisoformat(until) > self.at else {}

    @lazy
    def districts(self) -> Sequence[str]:
        """The districts that citizens of this desk name."""
        named: list[str] = self.values[DISTRICTS]
        return named

    @lazy
    def desk(self) -> Hours:
        """When people answer."""
        with self.reading() as work:
            return rules.hours_of(work.session, self.conversation.unit_id, self.zone, self.at, self.values)

    @property
    def open_now(self) -> bool:
        """Whether people answer now."""
        return self.desk.open_at(self.at)

    @lazy
    def office(self) -> str:
        """The name citizens know the office by: the account's, else the unit's."""
        of = self.conversation
        with self.reading() as work:
            account = work.session.get(Account, of.account_id) if of.account_id else None
            return account.name if account is not None else work.session.get_one(Unit, of.unit_id).name


LATER_ASKED = (*rules.HOURS, rules.DIALOGUE, DISTRICTS)


def hear(work: Work, told: Told, conversation: Going, zone: ZoneInfo, reading: Reading) -> Heard:
    """Reads what a decision about this message rests on."""
    asked = (rules.FAILURES, rules.HOTLINE, rules.URGENT_WORDS, rules.SENSITIVE_WORDS, rules.MOST, *LATER_ASKED)
    values = Values(work.session, asked, conversation.unit_id, work.now)
    own_page = conversation.channel in reply.OWN_PAGES
    return Heard(
        told=told,
        conversation=conversation,
        allowed_failures=int(values[rules.FAILURES]),
        hotline=str(values[rules.HOTLINE]),
        urgent_words=values[rules.URGENT_WORDS],
        sensitive_words=values[rules.SENSITIVE_WORDS],
        # On our own page the greeting has said it.
        first=not own_page and not _bot_spoke(work.session, conversation.id, told.number),
        prepared=None if own_page else _prepared_for(work.session, conversation, told, work.now),
        # On our own page the door itself counts.
        flood="" if own_page else _flood(work, conversation.id, told.number, int(values[rules.MOST])),
        values=values,
        zone=zone,
        at=work.now,
        reading=reading,
    )


def _bot_spoke(session: Session, conversation_id: int, before: int) -> bool:
    asked = {"conversation": conversation_id, "before": before}
    return session.connection().execute(_SPOKEN, asked).scalar() is not None


def _flood(work: Work, conversation_id: int, before: int, most: int) -> str:
    if before <= most:  # Less has been said here.
        return ""
    asked, connection = {"conversation": conversation_id, "before": before}, work.session.connection()
    nth = connection.execute(_NTH, {**asked, "skipped": most - 1}).scalar()
    if nth is None or nth <= work.now - MINUTE:
        return ""
    told = connection.execute(_TOLD, {**asked, "since": work.now - CALM}).scalar()
    return "new" if told is None else "told"


@dataclass(frozen=True)
class Busy:
    """How much somebody says: when his messages of the last minute came, and the last one that was too many."""

    lately: Sequence[datetime]
    flooded: datetime | None


def busy(session: Session, conversation_id: int, now: datetime, most: int) -> Busy:
    """For who counts elsewhere: of his messages of the last minute, no more than are answered in one."""
    mine = select(_M.received_at).where(_M.conversation_id == conversation_id)
    lately = mine.where(_M.received_at > now - MINUTE).order_by(_M.number.desc()).limit(most)
    flooded = mine.where(_M.outcome == FLOOD, _M.received_at > now - CALM).order_by(_M.number.desc()).limit(1)
    return Busy(list(session.scalars(lately))[::-1], session.scalar(flooded))


def _prepared_for(session: Session, conversation: Going, told: Told, now: datetime) -> Prepared | None:
    account_id = conversation.account_id
    if account_id is None:
        return None
    if told.kind in (FOLLOW, SCAN):
        return prepared.on_scene(session, account_id, told.text, now) or prepared.on_follow(session, account_id, now)
    if told.kind == CLICK:
        return prepared.on_tap(session, account_id, told.text, now)
    return prepared.on_words(session, account_id, told.text, now) if told.kind in TEXTS else None


# Made once: building a statement costs more than running it.
_R, _M = cast(Table, OutboundReply.__table__).c, cast(Table, InboundMessage.__table__).c
_SPOKEN = (
    select(_R.id)
    .where(
        _R.conversation_id == bindparam("conversation"),
        _R.number < bindparam("before"),
        _R.side == "bot",
        _R.rule == "",
    )
    .limit(1)
)
_EARLIER = select(_M.received_at).where(
    _M.conversation_id == bindparam("conversation"), _M.number < bindparam("before")
)
_NTH = _EARLIER.order_by(_M.number.desc()).offset(bindparam("skipped")).limit(1)
_TOLD = _EARLIER.where(_M.outcome == FLOOD, _M.received_at > bindparam("since")).limit(1)
