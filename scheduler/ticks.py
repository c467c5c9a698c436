"""The embedded engine: looks for due work every half second; the only file that knows APScheduler.

The rows are the schedule; a tick only says when to look.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from kernel.duties import Duty, due, run
from kernel.work import Works
from scheduler.dispatch import Dispatcher
from scheduler.lanes import Lanes

log = structlog.get_logger(__name__)

# More than there are duties that may wait for somebody's server at the same time.
DUTIES = 16

# A look that takes longer than its period is skipped, which is harmless: the rows wait for the next one.
logging.getLogger("apscheduler").setLevel(logging.ERROR)


class Ticks:
    """Dispatch, sweep and duties on one machine."""

    def __init__(
        self,
        works: Works,
        dispatcher: Dispatcher,
        duties: Callable[[], Sequence[Duty]],
        *,
        every: float = 0.5,
    ) -> None:
        self.works = works
        self.duties = duties
        self.every = every
        self._lanes = Lanes(dispatcher)
        self._pool = ThreadPoolExecutor(DUTIES, thread_name_prefix="duty")
        self._busy: set[str] = set()
        self._engine = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def start(self) -> None:
        """Begins to look; returns at once."""
        self._lanes.start()
        self._engine.add_job(self._lanes.wake, "interval", seconds=self.every, id="look")
        self._engine.add_job(self._run_duties, "interval", seconds=max(1.0, self.every), id="duties")
        self._engine.start()

    def stop(self) -> None:
        """Stops looking and waits for calls and duties under way."""
        if self._engine.running:
            self._engine.shutdown(wait=True)
        self._lanes.stop()
        self._pool.shutdown(wait=True)

    def wake(self, lane: int) -> None:
        """Something became due on a lane: looks before the next tick. It may be lost without harm."""
        log.debug("woken", lane=lane)
        self._lanes.wake()

    def _run_duties(self) -> None:
        try:
            for duty in due(self.works, self.duties()):
                # Side by side: a duty that waits for somebody's server must not keep the sweep from its round.
                if duty.name not in self._busy:
                    self._busy.add(duty.name)
                    self._pool.submit(self._run_duty, duty)
        except Exception:  # A database that is away for a while must not end the engine.
            log.exception("tick failed")

    def _run_duty(self, duty: Duty) -> None:
        try:
            run(self.works, duty)
        except Exception:  # The edge of a thread: its mark stays claimed until the duty's lease ends.
            log.exception("duty not marked", duty=duty.name)
        finally:
            self._busy.discard(duty.name)
