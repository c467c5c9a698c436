"""How often one address or one conversation may do something on the public face; counted in this process."""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic

from kernel.errors import XuandaError

MOST_KEYS = 50_000


class TooOften(XuandaError):
    """Too many requests in a short time. Wait a minute and try again, or call the hotline."""

    zh = "操作过于频繁，请稍后再试，或拨打服务热线。"
    status = 429

    def __init__(self, wait: float = 60.0) -> None:
        self.wait = wait
        super().__init__()


class Limit:
    """At most `number` acts of one key within `seconds`."""

    def __init__(self, number: int, seconds: float) -> None:
        self.number = number
        self.seconds = seconds
        self._lock = threading.Lock()
        self._acts: dict[str, deque[float]] = {}

    def take(self, key: str) -> None:
        """Counts one act; raises TooOften when there were enough."""
        now = monotonic()
        with self._lock:
            if len(self._acts) > MOST_KEYS:
                self._forget(now)
            acts = self._acts.setdefault(key, deque())
            while acts and acts[0] <= now - self.seconds:
                acts.popleft()
            if len(acts) >= self.number:
                raise TooOften(acts[0] + self.seconds - now if acts else self.seconds)
            acts.append(now)

    def _forget(self, now: float) -> None:
        for key in [key for key, acts in self._acts.items() if not acts or acts[-1] <= now - self.seconds]:
            del self._acts[key]
