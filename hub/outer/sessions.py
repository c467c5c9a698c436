"""Outside: citizens' sessions, in which only the citizen himself can read what was said.

A session's key comes from what the citizen brings with every request: his page's token, or who he is on a platform.
It is never kept; only its public half is, so that what an agent answers inside can be closed to it as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot.states import ConversationState
from hub.outer.models import OuterHeard, OuterLine, OuterSession
from hub.outer.packets import Packet, close, opened, public_of
from kernel.seal import Seal
from kernel.work import Work

S = ConversationState

KEPT = timedelta(days=3)
HEARD_FOR = timedelta(hours=2)
FORGOTTEN_AT_ONCE = 1000


@dataclass(frozen=True)
class Memory:
    """What the bot keeps in mind of a session: what it waits for, how often it failed, what was said already.

    `about` is the piece that its last answer was taken from, 0 where that was not the last thing it said.
    `lately` are the seconds (of the epoch) of his last messages on a platform, `flooded` that of the last one too many.
    """

    engine: str
    pending: str = ""
    choices: Sequence[int] = ()
    failures: int = 0
    spoke: bool = False
    asked: bool = False
    danger: bool = False
    dialogue: Mapping[str, Any] = field(default_factory=dict)
    lately: Sequence[float] = ()
    flooded: float = 0
    about: int = 0


@dataclass(frozen=True)
class Opened:
    """A session with the key that opens it, as long as its citizen is there."""

    row: OuterSession
    key: bytes
    memory: Memory


@dataclass(frozen=True)
class Spoken:
    """One thing said, as the page shows it."""

    side: str
    text: str
    at: str
    agent: str = ""
    sources: Sequence[Mapping[str, Any]] = ()
    choices: Sequence[str] = ()
    ask: str = ""
    number: int = field(default=0)
    picture: bool = field(default=False)


def key_of(secret: str) -> bytes:
    """The key that a token or an identity gives."""
    return hashlib.sha256(f"xuanda session\0{secret}".encode()).digest()


def identity(seal: Seal, account_id: int, sender: str) -> str:
    """What stands for a platform's user: nobody makes it who lacks either this machine's key or his identity there."""
    return seal.fingerprint(f"outer session\0{account_id}\0{sender}")


def begin(work: Work, mark: str, key: bytes, memory: Memory, account_id: int | None) -> Opened:
    """A fresh session with the bot."""
    lock = public_of(key)
    row = OuterSession(
        account_id=account_id,
        mark=mark,
        lock=lock,
        memory=_closed(lock, asdict(memory)),
        state=S.BOT,
        ahead=0,
        expected=0,
        rated=False,
        asked_rating=False,
        lines=0,
        heard=0,
        touched_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    return Opened(row, key, memory)


def find(session: Session, mark: str, key: bytes) -> Opened | None:
    """The session of whoever brings this key."""
    row = session.scalars(select(OuterSession).where(OuterSession.mark == mark)).one_or_none()
    return None if row is None else Opened(row, key, Memory(**_open(key, row.memory)))


def anew(held: Opened, memory: Memory) -> Opened:
    """The same citizen begins another conversation with the bot."""
    row = held.row
    row.state, row.ahead, row.expected, row.rated, row.asked_rating = S.BOT, 0, 0, False, False
    return remember(held, memory)


def remember(held: Opened, memory: Memory) -> Opened:
    """Keeps what the bot has in mind."""
    held.row.memory = _closed(held.row.lock, asdict(memory))
    return replace(held, memory=memory)


def say(work: Work, row: OuterSession, spoken: Spoken) -> Spoken:
    """Adds a line, which only the citizen can read."""
    row.lines += 1
    numbered = replace(spoken, number=row.lines)
    sealed = _closed(row.lock, asdict(numbered))
    work.session.add(OuterLine(session_id=row.id, number=row.lines, sealed=sealed))
    return numbered


def lines(session: Session, held: Opened, after: int) -> list[Spoken]:
    """What was said after a line."""
    query = select(OuterLine.sealed).where(OuterLine.session_id == held.row.id, OuterLine.number > after)
    return [Spoken(**_open(held.key, sealed)) for sealed in session.scalars(query.order_by(OuterLine.number))]


def told(work: Work, packet: Packet) -> int:
    """What the inside said or did in a session; returns its number, 0 where it is forgotten.

    How the conversation stands there counts only if the inside knew all that was said here.
    """
    values = packet.values
    row = work.session.get(OuterSession, int(values["session"]))
    if row is None:
        return 0
    for line in values["lines"]:
        say(work, row, Spoken(**line))
    if int(values["heard"]) >= row.heard:
        row.state, row.ahead = str(values["state"]), int(values["ahead"])
        row.expected = int(values.get("expected", 0))
        row.rated, row.asked_rating = bool(values["rated"]), bool(values["asked_rating"])
        row.memory = _closed(row.lock, values["memory"])
    row.touched_at = work.now
    return row.id


def forget(work: Work) -> int:
    """Sessions nobody came back to, with their lines, and messages that no platform repeats any more."""
    old = select(OuterSession.id).where(OuterSession.touched_at < work.now - KEPT).limit(FORGOTTEN_AT_ONCE)
    numbers = work.session.scalars(old).all()
    work.session.execute(delete(OuterLine).where(OuterLine.session_id.in_(numbers)))
    work.session.execute(delete(OuterSession).where(OuterSession.id.in_(numbers)))
    work.session.execute(delete(OuterHeard).where(OuterHeard.at < work.now - HEARD_FOR))
    return len(numbers)


def moment(at: datetime) -> str:
    """A moment as a line keeps it."""
    return at.isoformat()


def _closed(lock: bytes, values: Mapping[str, Any]) -> bytes:
    return close(lock, json.dumps(values, ensure_ascii=False).encode())


def _open(key: bytes, sealed: bytes) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(opened(key, sealed))
    return values
