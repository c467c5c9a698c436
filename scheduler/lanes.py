"""Runs lanes side by side: each busy lane has a thread that only calls its platform; one clerk keeps the rows.

The clerk claims for the lanes that are free and records what the busy ones were answered, many rows in one
work. It never touches the network, so that a platform that hangs holds up its own lane and nothing else; and one
thread that writes is faster than twenty that wait for the same lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import structlog
from sqlalchemy.exc import OperationalError

from channels.registry import channels
from scheduler.dispatch import Dispatcher, Job
from scheduler.receipts import Outcome

log = structlog.get_logger(__name__)

# More than an office has accounts: a lane must not wait for the thread of another whose platform hangs.
LANES = 256
RECORD_MOST = 200


@dataclass(frozen=True)
class Wake:
    """Something may be due."""


@dataclass(frozen=True)
class Finished:
    """The lane's thread has made its calls; their outcomes went ahead of this."""

    lane: int


@dataclass(frozen=True)
class Stop:
    """Nothing more is to be claimed."""


Message = Wake | Finished | Stop | Outcome


class Lanes:
    """The lanes of one process; each runs at most once at a time in it.

    `portal` says whether this machine has the portal's folder, so that it may take the portals' lanes; `idle` is told
    which lanes have just made the calls they had.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        portal: bool = True,
        idle: Callable[[Collection[int]], None] = lambda _lanes: None,
    ) -> None:
        self._dispatcher = dispatcher
        self._portal = portal
        self._idle = idle
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._pool = ThreadPoolExecutor(LANES, thread_name_prefix="lane")
        self._clerk = threading.Thread(target=self._keep, name="clerk", daemon=True)
        self._running: set[int] = set()
        self.stopping = threading.Event()

    def start(self) -> None:
        """Begins; returns at once. A broken adapter is found now and not when something is due."""
        channels()
        self._clerk.start()

    def stop(self) -> None:
        """Waits for the calls under way and records them; what was claimed and not yet called is given back."""
        self.stopping.set()
        if self._clerk.is_alive():
            self._inbox.put(Stop())
            self._clerk.join()
        self._pool.shutdown(wait=True)

    def wake(self) -> None:
        """Looks for what is due; harmless when nothing is, before `start` and after `stop`."""
        if self._clerk.is_alive():
            self._inbox.put(Wake())

    def _keep(self) -> None:
        while self._running or not self.stopping.is_set():
            messages = self._next()
            if outcomes := [one for one in messages if isinstance(one, Outcome)]:
                self._dispatcher.record(outcomes)
            finished = {one.lane for one in messages if isinstance(one, Finished)}
            self._running -= finished
            if any(isinstance(one, Wake | Finished) for one in messages) and not self.stopping.is_set():
                self._look()
            if finished - self._running:
                self._rest(finished - self._running)

    def _next(self) -> Sequence[Message]:
        messages = [self._inbox.get()]
        while len(messages) < RECORD_MOST:
            try:
                messages.append(self._inbox.get_nowait())
            except Empty:
                break
        return messages

    def _rest(self, lanes: Collection[int]) -> None:
        try:
            self._idle(lanes)
        except Exception:  # The edge of a thread: whoever looks every few seconds makes up for it.
            log.exception("lanes at rest not told", lanes=sorted(lanes))

    def _look(self) -> None:
        try:
            lanes = [lane for lane in self._dispatcher.due_lanes(portal=self._portal) if lane not in self._running]
            if lanes:
                self._claim(lanes)
        except Exception:  # A database that is away for a while must not end the clerk; the next wake-up tries again.
            log.exception("nothing could be claimed")

    def _claim(self, lanes: Sequence[int]) -> None:
        try:
            claimed = self._dispatcher.claim(lanes)
        except OperationalError:
            raise
        except Exception:  # A fault in one lane's rows: it must not keep the others from their turn.
            log.exception("claim failed", lanes=lanes)
            for lane in lanes if len(lanes) > 1 else ():
                self._claim([lane])
            return
        for lane, jobs in claimed.jobs.items():
            self._running.add(lane)
            self._pool.submit(self._send, lane, jobs)
        if claimed.more:
            self.wake()

    def _send(self, lane: int, jobs: Sequence[Job]) -> None:
        try:
            for outcome in self._dispatcher.answers(lane, jobs, self.stopping.is_set):
                self._inbox.put(outcome)
        except Exception:  # The edge of a thread: the sweep finds what it leaves claimed.
            log.exception("lane failed", lane=lane)
        finally:
            self._inbox.put(Finished(lane))
