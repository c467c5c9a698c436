"""A bounded pool in which what belongs to one conversation runs one after the other, in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

log = structlog.get_logger(__name__)


class Full(Exception):
    """So much is waiting, of all or of this one, that nothing more is taken; the row is found later."""


class Queues:
    """`workers` run side by side; at most `longest` calls wait in all, and `each` of one key."""

    def __init__(self, workers: int = 8, longest: int = 400, each: int = 40) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="bot")
        self._longest = longest
        self._each = each
        self._lock = threading.Lock()
        self._waiting: dict[int, deque[tuple[Callable[[], None], Future[None]]]] = {}
        self._count = 0

    def submit(self, key: int, call: Callable[[], None]) -> Future[None]:
        """Runs the call after all earlier ones of the same key; raises Full."""
        future: Future[None] = Future()
        with self._lock:
            queue = self._waiting.get(key)
            if self._count >= self._longest or (queue is not None and len(queue) >= self._each):
                raise Full
            self._count += 1
            if queue is not None:
                queue.append((call, future))
                return future
            self._waiting[key] = deque([(call, future)])
        self._pool.submit(self._drain, key)
        return future

    def close(self) -> None:
        """Waits for what runs; what has not begun stays a row."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _drain(self, key: int) -> None:
        while True:
            with self._lock:
                call, future = self._waiting[key][0]
            _run(call, future)
            with self._lock:
                self._count -= 1
                self._waiting[key].popleft()
                if not self._waiting[key]:
                    del self._waiting[key]
                    return


def _run(call: Callable[[], None], future: Future[None]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        call()
    except Exception as failure:  # The edge of a thread: the row stays unhandled and is found again.
        log.exception("handling a message failed")
        future.set_exception(failure)
    else:
        future.set_result(None)
