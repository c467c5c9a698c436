"""When to try again: pure policy, no clock and no rows of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential waits between attempts: `first`, then `factor` times longer each time, never above `longest`."""

    attempts: int = 8
    first: timedelta = timedelta(seconds=10)
    factor: float = 2.0
    longest: timedelta = timedelta(minutes=10)

    def next_at(self, failed: int, now: datetime, not_before: datetime | None = None) -> datetime | None:
        """The moment of the next attempt after `failed` attempts, or None when they are used up.

        `not_before` is the platform's own word (Retry-After, a quota's reset) and wins when later.
        """
        if failed >= self.attempts:
            return None
        try:
            wait = min(self.first * self.factor ** (failed - 1), self.longest)
        except OverflowError:  # After some forty doublings no timedelta holds the product.
            wait = self.longest
        at = now + wait
        return max(at, not_before) if not_before else at
