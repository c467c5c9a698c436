"""Time as something that is handed in, so that a deadline can be tested without waiting for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""


class SystemClock:
    """The machine's clock, moved by a fixed offset (seconds; the setting XUANDA_CLOCK_OFFSET) for drills."""

    def __init__(self, offset: float = 0.0) -> None:
        self._offset = timedelta(seconds=offset)

    def now(self) -> datetime:
        """The machine's time plus the offset."""
        return datetime.now(UTC) + self._offset


class StillClock:
    """A clock that moves only when told to; the tests' default."""

    def __init__(self, at: datetime | None = None) -> None:
        self._at = at or datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The moment it was last moved to."""
        return self._at

    def step(self, **delta: float) -> datetime:
        """Moves on by a timedelta given in its own keywords, and returns the new moment."""
        self._at += timedelta(**delta)
        return self._at
