"""Working time of thousands of spans at once: the office's opening hours of a stretch, laid out as one curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from kernel.workdays import Workdays

Moments = NDArray[np.float64]
# The hours of a unit's desk.
HoursOf = Callable[[int], Workdays]


def moments(values: Sequence[datetime | None]) -> Moments:
    """Seconds since 1970, NaN where there is none."""
    return np.array([np.nan if value is None else value.timestamp() for value in values], dtype=np.float64)


class DesksHours:
    """The working time of conversations of several desks, each by the hours of its own unit."""

    def __init__(self, hours: HoursOf, units: Sequence[int], first: datetime, last: datetime) -> None:
        self._units = np.array(units, dtype=np.int64)
        self._of = {unit: OpenHours(hours(unit), first, last) for unit in sorted(set(units))}

    def between(self, starts: Moments, ends: Moments) -> Moments:
        """As `OpenHours.between`, each pair by the hours of the unit in its place."""
        found = np.full(len(self._units), np.nan)
        for unit, hours in self._of.items():
            there = self._units == unit
            found[there] = hours.between(starts[there], ends[there])
        return found


class OpenHours:
    """The opening hours from the day of one moment to the day of another."""

    def __init__(self, workdays: Workdays, first: datetime, last: datetime) -> None:
        corners: list[float] = []
        worked = [0.0]
        for span in workdays.spans(first, last):
            opens, closes = (moment.timestamp() for moment in span)
            corners += [opens, closes]
            worked += [worked[-1] + closes - opens] * 2
        # Without a day of work, a level line.
        self._corners, self._worked = np.array(corners or [0.0]), np.array(worked[:-1] or [0.0])

    def between(self, starts: Moments, ends: Moments) -> Moments:
        """As `Workdays.working_time` for each pair, in seconds; NaN where a moment is missing."""
        spans = np.interp(ends, self._corners, self._worked) - np.interp(starts, self._corners, self._worked)
        found: Moments = np.maximum(np.round(spans, 6), 0.0)
        return found
