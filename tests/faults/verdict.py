"""What a fault came to, and the table of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """Counts after one fault; `unknown` are neither settled nor shown, `shown` wait for a person who is told why."""

    name: str
    database: str
    booked: int
    reached: int
    twice: int
    lost: int
    stuck: int
    unknown: int
    shown: int
    seconds: float
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing went out twice, nothing is lost, nothing is stuck, and nothing is left untold."""
        return not (self.twice or self.lost or self.stuck or self.unknown or self.note)


COLUMNS = ("booked", "reached", "twice", "lost", "stuck", "unknown", "shown")


def table(verdicts: Iterable[Verdict]) -> str:
    """One line per fault."""
    lines = [f"{'':<44} {'database':<11}" + "".join(f"{name:>8}" for name in COLUMNS) + f"{'s':>7}"]
    for one in verdicts:
        counts = "".join(f"{getattr(one, name):>8}" for name in COLUMNS)
        mark = "" if one.good else f"  FAILED {one.note}"
        lines.append(f"{one.name:<44} {one.database:<11}{counts}{one.seconds:>7.0f}{mark}")
    return "\n".join(lines)
