"""Does it fit, is there quota: what a person is told when booking or moving, not when it is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from channels.base import ACTION_LABELS, Problem
from channels.registry import channels
from scheduler.models import Delivery
from scheduler.states import DeliveryState

S = DeliveryState
SPENT = (S.BOOKED, S.HELD, S.SENDING, S.ACCEPTED, S.UNKNOWN, S.DONE)
PERIOD_LABELS = {"day": "当天", "month": "当月"}


@dataclass(frozen=True)
class Spent:
    """How much of one quota of an account is booked or used in a period (`day` or `month`) of the office's zone."""

    action: str
    period: str
    booked: int
    limit: int

    @property
    def left(self) -> int:
        """How many more may be booked."""
        return max(0, self.limit - self.booked)


def spent(session: Session, account: Account, day: date, zone: ZoneInfo, besides: int = 0) -> Sequence[Spent]:
    """The account's quotas on acts of ours around a day; `besides` is a delivery that is not counted."""
    adapter = channels().get(account.channel)
    found = []
    for name, period, limit in adapter.quotas(account.settings) if adapter else ():
        if name not in ACTION_LABELS:
            continue
        begins, ends = _bounds(day, period, zone)
        query = select(func.count(Delivery.id)).where(
            Delivery.account_id == account.id,
            Delivery.action == name,
            Delivery.state.in_(SPENT),
            Delivery.scheduled_at >= begins,
            Delivery.scheduled_at < ends,
            Delivery.id != besides,
        )
        found.append(Spent(name, period, session.scalar(query) or 0, limit))
    return found


def crowded(
    session: Session, account: Account, action: str, at: datetime, zone: ZoneInfo, besides: int = 0
) -> list[Problem]:
    """What a booking for this moment would have of the account's quotas beyond their limits."""
    day = at.astimezone(zone).date()
    return [
        Problem(
            "at",
            f"“{account.name}”{PERIOD_LABELS[one.period]}的{ACTION_LABELS[one.action]}额度为 {one.limit} 次，"
            f"已安排 {one.booked} 次；再安排一次，到时平台会拒绝。请改到别的日期。",
            blocking=False,
        )
        for one in spent(session, account, day, zone, besides)
        if one.action == action and one.left == 0
    ]


def _bounds(day: date, period: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    first = day if period == "day" else day.replace(day=1)
    last = first + timedelta(days=1) if period == "day" else (first + timedelta(days=32)).replace(day=1)
    return datetime.combine(first, time(), zone), datetime.combine(last, time(), zone)
