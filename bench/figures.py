"""What a figure is, and where figures are collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value; `ratio` above 1 is better than what it stands `against`, None for a stated limit."""

    name: str
    value: float
    unit: str
    against: str
    ratio: float | None = None

    def as_row(self) -> dict[str, object]:
        """The figure without its name, as it is kept."""
        row = asdict(self)
        del row["name"]
        return row


Measure = Callable[[], Iterator[Figure]]
MEASURES: dict[str, Measure] = {}


def measure(prefix: str) -> Callable[[Measure], Measure]:
    """Registers a function that yields figures whose names begin with `prefix`."""

    def register(function: Measure) -> Measure:
        MEASURES[prefix] = function
        return function

    return register


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]
