"""Platforms that are down: accounts on which calls keep failing, since when, and what waits there.

Nothing is kept for it: the attempts say it, and the first success ends it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from channels.accounts.models import Account
from scheduler.figures import held_up
from scheduler.models import Attempt, Delivery
from scheduler.receipts import RETRY
from scheduler.states import DeliveryState

S = DeliveryState
# What says that nobody answers there; a refusal is an answer, and so is a limit.
SILENT = ("retryable", "unknown", "lost")
ENOUGH = 3
MOST = 5
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Outage:
    """One account whose platform does not answer, or does not let us in."""

    account_id: int
    name: str
    channel: str
    since: datetime
    waiting: int
    reason: str


def outages(session: Session, units: Collection[int], now: datetime) -> Sequence[Outage]:
    """The outages that keep something of these units waiting, the longest first."""
    # Retries come at most so far apart: whatever an outage keeps back is due within that time.
    retrying = and_(Delivery.state == S.BOOKED, Delivery.next_at <= now + RETRY.longest, Delivery.attempts > 0)
    waits = or_(retrying, Delivery.state == S.UNKNOWN, _unheard())
    kept = select(Delivery.account_id).where(Delivery.unit_id.in_(units), Delivery.rehearses.is_(None), waits)
    failing = (
        select(Account, func.min(Attempt.started_at), func.count(Attempt.id))
        .join(Delivery, Delivery.account_id == Account.id)
        .join(Attempt, Attempt.delivery_id == Delivery.id)
        .where(
            Account.id.in_(kept),
            waits,
            Attempt.outcome.in_(SILENT),
            Attempt.started_at > func.coalesce(Account.last_success_at, _NEVER),
        )
        .group_by(Account.id)
        .having(func.count(Attempt.id) >= ENOUGH)
    )
    found = {
        account.id: Outage(
            account.id,
            account.name,
            account.channel,
            since,
            _waiting(session, account.id, units, now),
            account.last_failure,
        )
        for account, since, _count in session.execute(failing)
    }
    for one in _held_up(session, units, now):
        found.setdefault(one.account_id, one)
    return sorted(found.values(), key=lambda one: one.since)[:MOST]


def _unheard() -> ColumnElement[bool]:
    """A job that its platform took, and was silent about when it was asked last."""
    own = aliased(Attempt)
    last = select(func.max(own.id)).where(own.delivery_id == Delivery.id).scalar_subquery()
    silent = select(Attempt.delivery_id).where(Attempt.id == last, Attempt.outcome.in_(SILENT))
    return and_(Delivery.state == S.ACCEPTED, exists(silent.correlate(Delivery)))


def _held_up(session: Session, units: Collection[int], now: datetime) -> list[Outage]:
    """Accounts on which something goes on by itself and is taken by hardly any of the services behind it."""
    query = (
        select(Account, func.min(Delivery.first_attempt_at), func.min(Delivery.reason))
        .join(Delivery, Delivery.account_id == Account.id)
        .where(Delivery.unit_id.in_(units), Delivery.rehearses.is_(None), held_up())
        .group_by(Account.id)
    )
    return [
        Outage(account.id, account.name, account.channel, since, _waiting(session, account.id, units, now), reason)
        for account, since, reason in session.execute(query)
        if since is not None
    ]


def _waiting(session: Session, account_id: int, units: Collection[int], now: datetime) -> int:
    query = select(func.count(Delivery.id)).where(
        Delivery.account_id == account_id,
        Delivery.unit_id.in_(units),
        or_(Delivery.state.in_((S.BOOKED, S.UNKNOWN)), held_up(), _unheard()),
        Delivery.scheduled_at <= now,
    )
    return session.scalar(query) or 0
