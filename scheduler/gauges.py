"""What a machine's supervisor watches of the way out: what is due, how late it is, how calls ended, who still beats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kernel.duties import DutyMark
from scheduler.models import Attempt, Delivery
from scheduler.states import DeliveryState

S = DeliveryState
WINDOW = timedelta(hours=1)


@dataclass(frozen=True)
class Gauges:
    """By channel and state how many wait; by channel how many are due and how late the oldest is (seconds);
    by channel and outcome how many calls the last hour had; by duty how long ago it was last done (seconds)."""

    waiting: dict[tuple[str, str], int]
    due: dict[str, int]
    latest: dict[str, float]
    attempts: dict[tuple[str, str], int]
    duties: dict[str, float]


def gauges(session: Session, now: datetime) -> Gauges:
    """The figures of this moment; rehearsals are not among them."""
    real = Delivery.rehearses.is_(None)
    open_states = (S.BOOKED, S.HELD, S.SENDING, S.ACCEPTED, S.UNKNOWN, S.MANUAL, S.FAILED)
    waiting = select(Delivery.channel, Delivery.state, func.count()).where(real, Delivery.state.in_(open_states))
    due = select(Delivery.channel, func.count(), func.min(Delivery.scheduled_at)).where(
        real, Delivery.state == S.BOOKED, Delivery.next_at <= now
    )
    since = now - WINDOW
    attempts = (
        select(Delivery.channel, Attempt.outcome, func.count())
        .join(Delivery, Delivery.id == Attempt.delivery_id)
        .where(real, Attempt.started_at >= since)
    )
    found = session.execute(due.group_by(Delivery.channel)).all()
    marks = session.execute(select(DutyMark.name, DutyMark.done_at).where(DutyMark.done_at.is_not(None)))
    return Gauges(
        waiting={
            (row[0], row[1]): row[2] for row in session.execute(waiting.group_by(Delivery.channel, Delivery.state))
        },
        due={channel: count for channel, count, _oldest in found},
        latest={channel: max(0.0, (now - oldest).total_seconds()) for channel, _count, oldest in found},
        attempts={
            (row[0], row[1] or "under_way"): row[2]
            for row in session.execute(attempts.group_by(Delivery.channel, Attempt.outcome))
        },
        duties={name: max(0.0, (now - done).total_seconds()) for name, done in marks if done is not None},
    )
