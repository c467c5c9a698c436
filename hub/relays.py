"""What changed in other processes reaches the streams of this one: PostgreSQL says so, on SQLite the file is watched.

A relay that fails only makes streams later: each of them also looks by itself.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import Engine, select, text

from bot.events import ConversationChanged
from bot.models import Conversation
from bot.states import ConversationState
from hub.live import Live, conversation_topic, desk_topic
from kernel.work import Work, Works

log = structlog.get_logger(__name__)

CHANNEL = "xuanda_live"
LOOK_SECONDS = 0.25
AGAIN_SECONDS = 2.0


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
    def told(self, work: Work, fact: ConversationChanged) -> None:
        """A conversation changes in this very work: the other processes are to know once it is committed."""

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
    """LISTEN and NOTIFY: the notice leaves with the commit of the work it is about, and is lost with its rollback."""

    def told(self, work: Work, fact: ConversationChanged) -> None:
        """Puts the notice into the work."""
        notice = text("SELECT pg_notify(:channel, :topics)")
        work.session.execute(notice, {"channel": CHANNEL, "topics": f"{fact.conversation_id} {fact.unit_id}"})

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
        conversation, unit = payload.split()
        self.live.tell(*_topics(int(conversation), int(unit)))


class SqliteRelay(Relay):
    """The file's own counter of commits, asked a few times a second; only when it moved are conversations compared."""

    def told(self, work: Work, fact: ConversationChanged) -> None:
        """Nothing to say: the commit itself is what the others see."""

    def _listen(self) -> None:
        connection = _own(self.works.engine)
        try:
            counted, known = None, self._states()
            while not self._ended.wait(LOOK_SECONDS):
                counter = connection.execute("PRAGMA data_version").fetchone()
                if counter != counted and self.live.watchers():
                    counted, before, known = counter, known, self._states()
                    self._compare(before, known)
        finally:
            connection.close()

    def _states(self) -> dict[tuple[int, int], tuple[object, ...]]:
        query = select(
            Conversation.id, Conversation.unit_id, Conversation.state, Conversation.lines, Conversation.agent_id,
            Conversation.acknowledged_at,
        ).where(Conversation.state != ConversationState.CLOSED)  # fmt: skip
        with self.works.read() as work:
            return {(row[0], row[1]): tuple(row[2:]) for row in work.session.execute(query)}

    def _compare(
        self, before: Mapping[tuple[int, int], tuple[object, ...]], now: Mapping[tuple[int, int], tuple[object, ...]]
    ) -> None:
        changed = {key for key in before.keys() | now.keys() if before.get(key) != now.get(key)}
        topics = {topic for conversation, unit in changed for topic in _topics(conversation, unit)}
        if topics:
            self.live.tell(*sorted(topics))


def _topics(conversation: int, unit: int) -> tuple[str, str]:
    return conversation_topic(conversation), desk_topic(unit)


def _own(engine: Engine) -> Any:
    """The driver's own connection, outside the pool and outside any transaction."""
    pooled = engine.raw_connection()
    connection = pooled.driver_connection  # Asked first: the pool forgets it when it lets go.
    pooled.detach()
    return connection
