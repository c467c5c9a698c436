"""What one process does again and again: duties side by side, so that none waits for another, and its own beat."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event, Thread

import structlog

from kernel.duties import Duty, due, run
from kernel.work import Works

log = structlog.get_logger(__name__)

# How long a process that ends waits for its duties, in seconds: some take minutes, which no supervisor waits for.
PATIENCE = 8.0


class Rounds:
    """Looks which duties are due and runs each in a thread; the duty's row keeps it to once over all processes."""

    def __init__(self, works: Works, duties: Callable[[], Sequence[Duty]]) -> None:
        self.works = works
        self.duties = duties
        self._under_way: dict[str, Thread] = {}

    def look(self) -> None:
        """Begins what is due and not yet under way here; returns at once."""
        try:
            for duty in due(self.works, self.duties()):
                if duty.name not in self._under_way:
                    # Not a pool's: those are waited for when the process ends, however long they take.
                    thread = Thread(target=self._run, args=(duty,), name=f"duty {duty.name}", daemon=True)
                    self._under_way[duty.name] = thread
                    thread.start()
        except Exception:  # A database that is away for a while must not end the engine.
            log.exception("looking for duties failed")

    def stop(self, seconds: float = PATIENCE) -> None:
        """Waits for the duties under way, for so long at most; the rows of one that is left there tell how far it came.

        Its mark stays claimed until its lease ends; then any process does it again.
        """
        end = time.monotonic() + seconds
        for name, thread in list(self._under_way.items()):
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                log.warning("duty left to its lease", duty=name)

    def _run(self, duty: Duty) -> None:
        try:
            run(self.works, duty)
        except Exception:  # The edge of a thread: its mark stays claimed until the duty's lease ends.
            log.exception("duty not marked", duty=duty.name)
        finally:
            self._under_way.pop(duty.name, None)


class Beat:
    """Something every process does for itself, every so many seconds."""

    def __init__(self, every: float, step: Callable[[], object]) -> None:
        self._every = every
        self._step = step
        self._ended = Event()
        self._thread = Thread(target=self._run, name="beat", daemon=True)

    def start(self) -> None:
        """Begins; the first time is one period from now."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, after the step under way; one that was never begun never begins."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            try:
                self._step()
            except Exception:  # The edge of a thread: the next beat tries again.
                log.exception("beat failed")
