"""How long a citizen will wait for a person: reckoned from what others waited here, or not said at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from bot.models import Conversation
from bot.team import presence
from bot.team.models import Presence

SINCE = timedelta(days=7)
MOST = 40
# Of fewer, one slow morning would be told to everybody.
FEWEST = 5
# As a person would say it; beyond the last, "more than".
STEPS = (1, 2, 3, 5, 10, 15, 20, 30)
LONGEST = STEPS[-1]
OVER = LONGEST + 1
# Nobody waits behind danger's turn, and who was fetched by an agent did not wait.
_APART = ("danger", "taken")


@dataclass(frozen=True)
class Wait:
    """Somebody waited from one moment until a person's first words; so many agents were there when he began."""

    asked: datetime
    answered: datetime
    agents: int


def minutes(session: Session, unit_id: int, ahead: int, now: datetime) -> int:
    """What to tell somebody with so many before him at a desk; 0: nothing, OVER: more than LONGEST."""
    return outlook(session, unit_id, now)(ahead)


def outlook(session: Session, unit_id: int, now: datetime) -> Callable[[int], int]:
    """The same for any number before him, read once."""
    there = len(presence.present(session, unit_id))
    waits = _recent(session, unit_id, now)
    # Agents say at this desk when they are there, and nobody is.
    silent = not there and bool(waits) and waits[0].agents > 0
    turn = None if silent else one_turn(waits, there)
    return lambda ahead: 0 if turn is None else rounded(turn * (ahead + 1))


def one_turn(waits: Sequence[Wait], there: int) -> timedelta | None:
    """One turn of the queue took what it usually took one agent, shared by those who are there now.

    Where nobody keeps presence, as many are taken to be there as there were.
    """
    if len(waits) < FEWEST:
        return None
    turns = []
    for wait in waits:
        before = sum(1 for other in waits if other.asked < wait.asked < other.answered)
        agents = wait.agents or there or 1
        turns.append((wait.answered - wait.asked).total_seconds() / (before + 1) * agents / (there or agents))
    return timedelta(seconds=median(turns))


def rounded(expected: timedelta) -> int:
    """Minutes as a person would say them, never fewer than reckoned."""
    return next((step for step in STEPS if expected <= timedelta(minutes=step)), OVER)


def _recent(session: Session, unit_id: int, now: datetime) -> list[Wait]:
    """The last who waited at this desk, the newest first."""
    told = {"unit": unit_id, "since": now - SINCE}
    spans = [(begun, ended) for begun, ended in session.execute(_RECENT, told) if begun and ended and begun < ended]
    if not spans:
        return []
    spells = _spells(session, unit_id, min(asked for asked, _answered in spans))
    return [Wait(asked, answered, _there_at(spells, asked)) for asked, answered in spans]


def _there_at(spells: Sequence[tuple[int, datetime, datetime | None]], moment: datetime) -> int:
    return len({who for who, came, went in spells if came <= moment and (went is None or moment < went)})


def _spells(session: Session, unit_id: int, since: datetime) -> list[tuple[int, datetime, datetime | None]]:
    """Who was at the desk from when to when."""
    asked = {"unit": unit_id, "since": since}
    return [(who, came, went) for who, came, went in session.execute(_SPELLS, asked)]


# Made once: building a statement costs more than running it.
_RECENT = (
    select(Conversation.handed_off_at, Conversation.first_reply_at)
    .where(
        Conversation.unit_id == bindparam("unit"),
        Conversation.first_reply_at > bindparam("since"),
        Conversation.first_reply_at.is_not(None),
        Conversation.handoff_reason.not_in(_APART),
    )
    .order_by(Conversation.first_reply_at.desc())
    .limit(MOST)
)
_SPELLS = select(Presence.person_id, Presence.began_at, Presence.ended_at).where(
    Presence.unit_id == bindparam("unit"),
    Presence.state == presence.ON,
    or_(Presence.ended_at.is_(None), Presence.ended_at > bindparam("since")),
)
