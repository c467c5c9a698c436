"""舆情回应 counted: how many were responded to within 5, 24 and 48 hours, and how many late or not at all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.opinion import cases
from scheduler.opinion.models import CaseState, OpinionCase

WITHIN = (5, 24, 48)


@dataclass(frozen=True)
class Responded:
    """Cases found in a period; `within` counts those whose first response came within so many hours.

    `owed` are all that had to be responded to and were, or whose deadline has passed; `kept` those in time.
    """

    found: int
    within: dict[int, int]
    later: int
    waiting: int
    overdue: int
    declined: int
    owed: int
    kept: int

    @property
    def share(self) -> float | None:
        """In time of all that were owed, between 0 and 1; None where nothing was."""
        return self.kept / self.owed if self.owed else None


def responded(session: Session, units: Collection[int], since: datetime, until: datetime, now: datetime) -> Responded:
    """The figures of these units."""
    query = select(OpinionCase).where(
        OpinionCase.unit_id.in_(units), OpinionCase.found_at >= since, OpinionCase.found_at <= until
    )
    rows = session.scalars(query).all()
    times = [row.first_at - row.found_at for row in rows if row.first_at is not None]
    within = {hours: sum(time <= timedelta(hours=hours) for time in times) for hours in WITHIN}
    late = [any(clock.late(now) for clock in cases.clocks_of(row)) for row in rows]
    answered = [row.first_at is not None for row in rows]
    waits = [row.state in (CaseState.CLUE, CaseState.OPEN) for row in rows]
    unanswered = [wait and not done for wait, done in zip(waits, answered, strict=True)]
    return Responded(
        found=len(rows),
        within=within,
        later=len(times) - within[WITHIN[-1]],
        waiting=sum(unanswered),
        overdue=sum(wait and too_late for wait, too_late in zip(waits, late, strict=True)),
        declined=sum(row.state == CaseState.DECLINED or _declined(row) for row in rows),
        owed=sum(done or (wait and too_late) for done, wait, too_late in zip(answered, waits, late, strict=True)),
        kept=sum(done and not too_late for done, too_late in zip(answered, late, strict=True)),
    )


def _declined(row: OpinionCase) -> bool:
    return row.state == CaseState.CLOSED and row.first_at is None
