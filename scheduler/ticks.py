"""The embedded engine: looks for due work every half second; the only file that knows APScheduler.

The rows are the schedule; a tick only says when to look.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from kernel.duties import Duty
from kernel.work import Works
from scheduler.dispatch import Dispatcher
from scheduler.lanes import Lanes
from scheduler.rounds import Rounds

log = structlog.get_logger(__name__)

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
        self.every = every
        self._lanes = Lanes(dispatcher)
        self._rounds = Rounds(works, duties)
        self._engine = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def start(self) -> None:
        """Begins to look; returns at once."""
        self._lanes.start()
        self._engine.add_job(self._lanes.wake, "interval", seconds=self.every, id="look")
        self._engine.add_job(self._rounds.look, "interval", seconds=max(1.0, self.every), id="duties")
        self._engine.start()

    def stop(self) -> None:
        """Stops looking and waits for calls and duties under way."""
        if self._engine.running:
            self._engine.shutdown(wait=True)
        self._lanes.stop()
        self._rounds.stop()

    def wake(self, lane: int) -> None:
        """Something became due on a lane: looks before the next tick. It may be lost without harm."""
        log.debug("woken", lane=lane)
        self._lanes.wake()
