"""What changed in other processes reaches the streams of this one: PostgreSQL says so, on SQLite the file is watched.

A relay that fails only makes streams later: each of them also looks by itself.
"""

from __future__ import annotations

import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeAlias

import structlog
from sqlalchemy import Engine, bindparam, select, text

from bot.events import ConversationChanged
from bot.models import Conversation
from bot.store import GOES_ON
from hub.live import Live, conversation_topic, desk_topic, numbers_in
from kernel.work import Work, Works

log = structlog.get_logger(__name__)

CHANNEL = "xuanda_live"
LOOK_SECONDS = 0.25
AGAIN_SECONDS = 2.0
# PostgreSQL takes 8000 bytes in one notice; a pair of numbers needs 40 at most.
MOST_TOLD = 150

# What is watched, and how it stands.
_States: TypeAlias = dict[str, tuple[object, ...]]


def relay_of(works: Works, live: Live) -> Relay:
    """The relay that fits the database."""
    return PostgresRelay(works, live) if works.engine.dialect.name == "postgresql" else SqliteRelay(works, live)


class Relay(ABC):
    """A thread that begins with the first stream of this process and ends with the product."""

    def __init__(self, works: Works, live: Live) -> None:
        self.works = works
        self.live = live
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        live.begin = self.begin

    def begin(self) -> None:
        """Starts to listen, once."""
        with self._lock:
            if self._thread is None and not self._ended.is_set():
                self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        with self._lock:
            self._ended.set()
        if self._thread is not None:
            self._thread.join()

    @abstractmethod
    def told(self, work: Work, facts: Sequence[ConversationChanged]) -> None:
        """Conversations change in this very work: the other processes are to know once it is committed."""

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._listen()
            except Exception:  # The edge of a thread: the database may be away for a while.
                log.exception("the live desk hears nothing of other processes; trying again")
                self._ended.wait(AGAIN_SECONDS)

    @abstractmethod
    def _listen(self) -> None:
        """Tells `live` what others changed until the relay is closed; may raise, and is then called again."""


class PostgresRelay(Relay):
    """LISTEN and NOTIFY: the notice leaves with the commit of the work it is about, and is lost with its rollback.

    A notice names the relay that sent it: its own streams were told by then, and are not told twice.
    """

    def __init__(self, works: Works, live: Live) -> None:
        super().__init__(works, live)
        self._name = secrets.token_hex(8)

    def told(self, work: Work, facts: Sequence[ConversationChanged]) -> None:
        """Puts one notice into the work, or several where the facts are more than one can hold."""
        pairs = list({f"{fact.conversation_id} {fact.unit_id}": None for fact in facts})
        for first in range(0, len(pairs), MOST_TOLD):
            said = ",".join((self._name, *pairs[first : first + MOST_TOLD]))
            work.session.execute(_NOTIFY, {"channel": CHANNEL, "topics": said})

    def _listen(self) -> None:
        connection = _own(self.works.engine)
        try:
            connection.autocommit = True
            connection.execute(f"LISTEN {CHANNEL}")
            while not self._ended.is_set():
                for notice in connection.notifies(timeout=LOOK_SECONDS):
                    self._hear(notice.payload)
        finally:
            connection.close()

    def _hear(self, payload: str) -> None:
        name, *pairs = payload.split(",")
        if name == self._name:
            return
        numbers = [[int(number) for number in pair.split()] for pair in pairs]
        self.live.tell(*{topic for conversation, unit in numbers for topic in _topics(conversation, unit)})


class SqliteRelay(Relay):
    """The file's own counter of commits, asked a few times a second; only when it moved are conversations compared.

    It moves with this process's own commits too: compared is only what somebody here watches, and what was told here
    already is not told again.
    """

    def told(self, work: Work, facts: Sequence[ConversationChanged]) -> None:
        """Nothing to say: the commit itself is what the others see."""

    def _listen(self) -> None:
        connection = _own(self.works.engine)
        try:
            self.live.told_since()
            counted, known = None, self._states()
            while not self._ended.wait(LOOK_SECONDS):
                counter = connection.execute("PRAGMA data_version").fetchone()
                if counter != counted or not self.live.watched() <= known.keys():
                    told = self.live.told_since()
                    counted, before, known = counter, known, self._states()
                    self._tell(before, known, told)
        finally:
            connection.close()

    def _states(self) -> _States:
        watched = self.live.watched()
        asked = {
            "talks": numbers_in(watched, conversation_topic),
            "desks": numbers_in(watched, desk_topic),
        }
        states: _States = {conversation_topic(one): () for one in asked["talks"]}
        states |= {desk_topic(one): () for one in asked["desks"]}
        with self.works.read() as work:
            connection = work.session.connection()
            for number, *row in connection.execute(_TALKS, asked):
                states[conversation_topic(number)] = tuple(row)
            for unit, *row in connection.execute(_DESKS, asked):
                states[desk_topic(unit)] += (tuple(row),)
        return states

    def _tell(self, before: _States, now: _States, told: set[str]) -> None:
        # What is watched only since has been looked at by whoever watches.
        changed = {topic for topic in before.keys() & now.keys() if before[topic] != now[topic]}
        if changed - told:
            self.live.tell(*sorted(changed - told))
            # Told by this relay itself: what changes next is news all the same.
            self.live.told_since()


def _topics(conversation: int, unit: int) -> tuple[str, str]:
    return conversation_topic(conversation), desk_topic(unit)


def _own(engine: Engine) -> Any:
    """The driver's own connection, outside the pool and outside any transaction."""
    pooled = engine.raw_connection()
    connection = pooled.driver_connection  # Asked first: the pool forgets it when it lets go.
    pooled.detach()
    return connection


_NOTIFY = text("SELECT pg_notify(:channel, :topics)")
# Made once: building a statement costs more than running it.
_STANDS = (Conversation.state, Conversation.lines, Conversation.agent_id, Conversation.acknowledged_at)
_TALKS = select(Conversation.id, *_STANDS).where(Conversation.id.in_(bindparam("talks", expanding=True)))
_DESKS = (
    select(Conversation.unit_id, Conversation.id, *_STANDS)
    .where(Conversation.unit_id.in_(bindparam("desks", expanding=True)), GOES_ON)
    .order_by(Conversation.id)
)
