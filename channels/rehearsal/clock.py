"""The stand-in platforms' clock, which a drill can move forward."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


class Clock:
    """Wall time plus an offset in seconds; days begin at midnight in China, where all four platforms count them."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.offset

    def step(self, seconds: float) -> None:
        """Move on by `seconds`; a negative number moves back."""
        self.offset += seconds

    def moment(self, at: float | None = None) -> datetime:
        """`at` (default now) as local time in China."""
        return datetime.fromtimestamp(self.now() if at is None else at, CHINA)

    def day(self, at: float | None = None) -> str:
        """The calendar day, YYYY-MM-DD."""
        return self.moment(at).strftime("%Y-%m-%d")

    def month(self, at: float | None = None) -> str:
        """The calendar month, YYYY-MM."""
        return self.moment(at).strftime("%Y-%m")
