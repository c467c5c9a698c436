"""The embedded engine: looks for due work every half second; the only file that knows APScheduler.

The rows are the schedule; a tick only says when to look. Lanes run side by side in a bounded pool, each
at most once at a time in this process, so that a slow platform holds up no other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from kernel.duties import Duty, run_due
from kernel.work import Works
from scheduler.dispatch import Dispatcher

log = structlog.get_logger(__name__)

LANES = 32


class Ticks:
    """Dispatch, sweep and duties on one machine. `beat_at` is when it last looked (aware, UTC)."""

    def __init__(
        self,
        works: Works,
        dispatcher: Dispatcher,
        duties: Callable[[], Sequence[Duty]],
        *,
        every: float = 0.5,
    ) -> None:
        self.works = works
        self.dispatcher = dispatcher
        self.duties = duties
        self.every = every
        self.beat_at: datetime | None = None
        self._pool = ThreadPoolExecutor(LANES, thread_name_prefix="lane")
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._engine = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def start(self) -> None:
        """Begins to look; returns at once."""
        self._engine.add_job(self._guarded(self.look), "interval", seconds=self.every, id="look")
        self._engine.add_job(self._guarded(self._run_duties), "interval", seconds=max(1.0, self.every), id="duties")
        self._engine.start()

    def stop(self) -> None:
        """Stops looking and waits for calls under way."""
        if self._engine.running:
            self._engine.shutdown(wait=True)
        self._pool.shutdown(wait=True)

    def look(self) -> None:
        """Starts a run on every lane that has something due and is not running already."""
        self.beat_at = self.works.clock.now()
        for lane in self.dispatcher.due_lanes():
            self.wake(lane)

    def wake(self, lane: int) -> None:
        """Runs one lane as soon as a thread is free; harmless when it finds nothing, nothing before `start`."""
        with self._lock:
            if lane in self._running or not self._engine.running:
                return
            self._running.add(lane)
        try:
            self._pool.submit(self._run, lane)
        except RuntimeError:  # The pool is shutting down; the row stays due and the next start finds it.
            self._done(lane)

    def _run(self, lane: int) -> None:
        try:
            self.dispatcher.run_lane(lane)
        except (
            Exception
        ):  # The edge of a thread: the rows stay claimed until their lease ends, then the sweep finds them.
            log.exception("lane failed", lane=lane)
        finally:
            self._done(lane)

    def _done(self, lane: int) -> None:
        with self._lock:
            self._running.discard(lane)

    def _run_duties(self) -> None:
        run_due(self.works, self.duties())

    @staticmethod
    def _guarded(step: Callable[[], None]) -> Callable[[], None]:
        def guarded() -> None:
            try:
                step()
            except Exception:  # A database that is away for a while must not end the engine.
                log.exception("tick failed", step=step.__name__)

        return guarded
