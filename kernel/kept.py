"""What was dear to work out is kept for a moment, so that many who look at once have it worked out once."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

Value = TypeVar("Value")

# What took less than this (s) is worked out each time; else it is kept for so many times as long as it took, but for
# no longer than LONGEST (s): at most a few percent of one processor go into any of it, however many look.
CHEAP, TIMES, LONGEST = 0.02, 30.0, 30.0
MOST = 200


@dataclass
class _Entry:
    lock: Lock = field(default_factory=Lock)
    value: Any = None
    until: float = 0.0


class Kept:
    """Values by key in this process; whoever asks while one is being worked out waits for it and gets the same."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._entries: dict[Hashable, _Entry] = {}
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The value kept under this key, or what `make` gives; what it raises is kept by nobody."""
        with self._lock:
            if len(self._entries) >= MOST and key not in self._entries:
                self._entries.clear()
            entry = self._entries.setdefault(key, _Entry())
        with entry.lock:
            if self._now() >= entry.until:
                began = self._now()
                entry.value = make()
                took = self._now() - began
                entry.until = self._now() + min(LONGEST, took * TIMES) if took >= CHEAP else 0.0
            value: Value = entry.value
            return value
