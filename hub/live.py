"""What changes reaches whoever is looking within a moment: a broker inside this process, from threads to SSE streams.

Only topics travel; whoever is woken reads the rows. What another process wrote comes through `hub.relays`; a stream
also looks by itself every few seconds, so that nothing lost on the way stays unseen.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

LOOK_SECONDS = 3.0
LONGEST = 256


@dataclass(eq=False)
class Watcher:
    """One stream and what it waits for."""

    topics: frozenset[str]
    loop: asyncio.AbstractEventLoop
    queue: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(LONGEST))

    async def changes(self, look: float = LOOK_SECONDS) -> AsyncGenerator[set[str], None]:
        """The topics that changed, as often as they do; an empty set every `look` seconds of silence."""
        while True:
            changed: set[str] = set()
            try:
                async with asyncio.timeout(look):
                    changed = {await self.queue.get()}
            except TimeoutError:
                pass
            yield changed | self.more()

    def more(self) -> set[str]:
        """The topics that have changed by now, without waiting."""
        return {self.queue.get_nowait() for _ in range(self.queue.qsize())}


class Live:
    """Who is looking at what."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # By topic: whoever tells one must not look through everybody.
        self._watchers: dict[str, set[Watcher]] = {}
        self._open = 0
        # Called before a stream waits; whoever brings news from other processes starts then.
        self.begin: Callable[[], None] = lambda: None
        # What was told to streams since somebody last asked; None where nobody asks.
        self._told: set[str] | None = None

    @contextmanager
    def watching(self, topics: Iterable[str]) -> Iterator[Watcher]:
        """A watcher of these topics for as long as the block lasts; made on the event loop that will read it."""
        self.begin()
        watcher = Watcher(frozenset(topics), asyncio.get_running_loop())
        with self._lock:
            self._open += 1
            for topic in watcher.topics:
                self._watchers.setdefault(topic, set()).add(watcher)
        try:
            yield watcher
        finally:
            with self._lock:
                self._open -= 1
                for topic in watcher.topics:
                    left = self._watchers[topic]
                    left.discard(watcher)
                    if not left:
                        del self._watchers[topic]

    def tell(self, *topics: str) -> None:
        """Wakes whoever watches one of the topics; from any thread, returns at once."""
        told: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Queue[str], str]]] = {}
        with self._lock:
            for topic in self._watchers.keys() & set(topics):
                for watcher in self._watchers[topic]:
                    told.setdefault(watcher.loop, []).append((watcher.queue, topic))
                if self._told is not None:
                    self._told.add(topic)
        for loop, news in told.items():
            try:
                loop.call_soon_threadsafe(_put, news)  # Once for all its streams: each call wakes the loop.
            except RuntimeError:  # Its loop has ended; the stream's own block takes the watcher away.
                continue

    def told_since(self) -> set[str]:
        """What streams were told since this was last asked; the first time nothing, for it is kept from then on."""
        with self._lock:
            told, self._told = self._told, set()
            return told or set()

    def watched(self) -> set[str]:
        """All topics that some stream watches."""
        with self._lock:
            return set(self._watchers)

    def watchers(self) -> int:
        """How many streams are open, for tests and for health."""
        with self._lock:
            return self._open


def conversation_topic(conversation_id: int) -> str:
    """What a stream about one conversation watches."""
    return f"conversation:{conversation_id}"


def desk_topic(unit_id: int) -> str:
    """What a stream about a unit's desk watches."""
    return f"desk:{unit_id}"


def numbers_in(topics: Iterable[str], topic_of: Callable[[int], str]) -> list[int]:
    """The numbers of those topics that `topic_of` makes."""
    kind = topic_of(0).removesuffix("0")
    return [int(topic.removeprefix(kind)) for topic in topics if topic.startswith(kind)]


def _put(news: list[tuple[asyncio.Queue[str], str]]) -> None:
    for queue, topic in news:
        if not queue.full():  # Whoever is so far behind looks by himself soon.
            queue.put_nowait(topic)
