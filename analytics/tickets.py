"""工单 counted per handling unit: how many came, whether answers were in time, what was urged, extended, done again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.casework.models import Extension, FollowUp
from bot.models import Ticket
from bot.states import INSIDE, UNANSWERED
from kernel.people import Unit


@dataclass
class UnitHandled:
    """What one unit had in a period, counted by the day a ticket was made."""

    unit_id: int
    unit: str
    made: int = 0
    answered: int = 0
    in_time: int = 0
    waiting: int = 0
    overdue: int = 0
    urged: int = 0
    extended: int = 0
    again: int = 0
    asked: int = 0
    satisfied: int = 0

    @property
    def share(self) -> float | None:
        """In percent, answered in time of all that were due; None where nothing was."""
        due = self.answered + self.overdue
        return round(100 * self.in_time / due, 1) if due else None

    @property
    def content(self) -> float | None:
        """In percent, satisfied of all that were reached; None where nobody was."""
        return round(100 * self.satisfied / self.asked, 1) if self.asked else None


def handled(
    session: Session, units: Collection[int], since: datetime, until: datetime, now: datetime
) -> list[UnitHandled]:
    """The units that had tickets of citizens made in a period, or have overdue ones, the most overdue first."""
    query = (
        select(Ticket.id, Ticket.unit_id, Unit.name, Ticket.state, Ticket.created_at, Ticket.answered_at,
               Ticket.due_at, Ticket.urged, Ticket.round)
        .join(Unit, Unit.id == Ticket.unit_id)
        .where(Ticket.unit_id.in_(units), Ticket.kind.not_in(INSIDE))
    )  # fmt: skip
    late_now = Ticket.state.in_(UNANSWERED) & (Ticket.due_at < now)
    in_period = (Ticket.created_at >= since) & (Ticket.created_at <= until)
    found: dict[int, UnitHandled] = {}
    of_ticket: dict[int, UnitHandled] = {}
    for row in session.execute(query.where(or_(in_period, late_now))):
        one = found.setdefault(row.unit_id, UnitHandled(row.unit_id, row.name))
        waits = row.state in UNANSWERED
        one.overdue += waits and row.due_at < now
        if not since <= row.created_at <= until:
            continue
        of_ticket[row.id] = one
        one.made += 1
        one.waiting += waits
        one.answered += not waits
        one.in_time += not waits and row.answered_at is not None and row.answered_at <= row.due_at
        one.urged += row.urged
        one.again += row.round > 1
    _count_more(session, of_ticket)
    return sorted(found.values(), key=lambda one: (-one.overdue, -one.made, one.unit_id))


def _count_more(session: Session, of_ticket: dict[int, UnitHandled]) -> None:
    last: dict[int, str] = defaultdict(str)
    for start in range(0, len(of_ticket), 500):
        some = list(of_ticket)[start : start + 500]
        granted = select(Extension.ticket_id).where(Extension.ticket_id.in_(some), Extension.granted.is_(True))
        for ticket_id in session.scalars(granted):
            of_ticket[ticket_id].extended += 1
        reached = select(FollowUp.ticket_id, FollowUp.result).where(
            FollowUp.ticket_id.in_(some), FollowUp.result != "unreached"
        )
        last.update((row[0], row[1]) for row in session.execute(reached.order_by(FollowUp.id)))
    for ticket_id, result in last.items():
        of_ticket[ticket_id].asked += 1
        of_ticket[ticket_id].satisfied += result == "satisfied"
