"""Calls to browsers by a function that may wait: what the fan-out is tested with in place of posts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from channels.base import Called, Subscription


class InThreads:
    """Each call in a thread of its own."""

    def __init__(self, call: Callable[[Subscription], Called]) -> None:
        self._call = call
        self._ended: SimpleQueue[tuple[int, Called]] = SimpleQueue()

    def begin(self, one: Subscription, _patience: float | None = None) -> None:
        """Starts the thread."""
        threading.Thread(target=lambda: self._ended.put((one.id, self._call(one))), daemon=True).start()

    def ended(self, timeout: float | None) -> Sequence[tuple[int, Called]]:
        """The first that ended."""
        try:
            return [self._ended.get(timeout=timeout)]
        except Empty:
            return []
