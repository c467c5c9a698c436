"""Recurring duties: a package declares a name, a period and a function; a row keeps them to once per period.

Any number of processes may look; the conditional UPDATE on the duty's row lets one of them run it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import String, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel.claim import Claimable, claim, free, new_claimant, still_mine
from kernel.model import Base
from kernel.once import insertion
from kernel.work import Works

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Duty:
    """Something to do every `period`; `run` opens its own works. `lease` bounds how long one run may take.

    `site` is true of what writes into the portal's folder, which only some machines have.
    """

    name: str
    period: timedelta
    run: Callable[[], object]
    lease: timedelta = timedelta(minutes=10)
    site: bool = False


class DutyMark(Claimable, Base):
    """When a duty is due next, who runs it now, and how the last run ended."""

    __tablename__ = "duty_mark"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(String(500), default="")


def hasten(session: Session, name: str, now: datetime) -> None:
    """Makes a duty due at once, in the caller's own work; one that is running now is due again after its period."""
    session.execute(update(DutyMark).where(DutyMark.name == name, DutyMark.due_at > now).values(due_at=now))


def run_due(works: Works, duties: Iterable[Duty]) -> list[str]:
    """Runs each duty that is due and that no other process holds, one after another; returns the names of those run.

    A duty that raises is recorded and tried again at its next period; it stops no other.
    """
    return [duty.name for duty in due(works, duties) if run(works, duty)]


def due(works: Works, duties: Iterable[Duty]) -> list[Duty]:
    """The duties that are due now, the one that has waited longest first."""
    by_name = _named(duties)
    _register(works, by_name)
    return [by_name[name] for name in _due(works, by_name)]


def _named(duties: Iterable[Duty]) -> dict[str, Duty]:
    """By name; raises ValueError for a name given twice, since one of the two would silently never be done."""
    by_name: dict[str, Duty] = {}
    for duty in duties:
        if duty.name in by_name:
            raise ValueError(f"two duties are named {duty.name}")
        by_name[duty.name] = duty
    return by_name


def _register(works: Works, duties: dict[str, Duty]) -> None:
    with works.read() as work:
        known = set(work.session.scalars(select(DutyMark.name)))
    missing = [name for name in duties if name not in known]
    if not missing:
        return
    with works.write() as work:
        rows = [{"name": name, "due_at": work.now, "last_error": ""} for name in missing]
        work.session.execute(insertion(work.session, DutyMark).values(rows))


def _due(works: Works, duties: dict[str, Duty]) -> list[str]:
    with works.read() as work:
        query = select(DutyMark.name, DutyMark.due_at).where(DutyMark.name.in_(duties)).order_by(DutyMark.due_at)
        marks = work.session.execute(query).all()
        return [name for name, at in marks if at <= work.now or at > _too_far(duties[name], work.now)]


def _too_far(duty: Duty, now: datetime) -> datetime:
    """A run noted for later than this was noted by a clock that has been set back since: it is due."""
    return now + 2 * duty.period


def run(works: Works, duty: Duty) -> bool:
    """Runs a duty if it is still due and no other process holds it; says whether it did."""
    claimant = new_claimant()
    with works.write() as work:
        is_due = or_(DutyMark.due_at <= work.now, DutyMark.due_at > _too_far(duty, work.now))
        marks = claim(
            work.session,
            DutyMark,
            [DutyMark.name == duty.name, is_due, free(DutyMark, work.now, duty.lease)],
            [DutyMark.id],
            limit=1,
            claimant=claimant,
            now=work.now,
            lease=duty.lease,
        )
    if not marks:
        return False
    error = ""
    try:
        duty.run()
    except Exception as failure:  # The edge of a duty: one that fails must not stop the others.
        log.exception("duty failed", duty=duty.name)
        error = f"{type(failure).__name__}: {failure}"[:500]
    with works.write() as work:
        mark = still_mine(work.session, DutyMark, marks[0].id, claimant)
        if mark is not None:
            mark.due_at = work.now + duty.period
            mark.done_at = work.now if not error else mark.done_at
            mark.last_error = error
            mark.claimed_by = mark.claimed_until = None
    return True
