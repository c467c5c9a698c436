"""Does it fit, is there quota: what a person is told when booking or moving, not when it is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from channels.abilities.rations import Ration, Rationed
from channels.accounts.models import Account, QuotaUse
from channels.accounts.quotas import limit_of, used_of
from channels.adapters.calling import PLATFORM_ZONE
from channels.base import ACTION_LABELS, Problem
from channels.registry import channels
from scheduler.models import Delivery
from scheduler.states import DeliveryState

S = DeliveryState
COMING = (S.BOOKED, S.HELD, S.SENDING, S.UNKNOWN)
# Done without a job of the platform's: by a person's hand, which no adapter counted.
BY_HAND = (S.ACCEPTED, S.DONE)
PERIOD_LABELS = {"day": "当天", "month": "当月"}


@dataclass(frozen=True)
class Spent:
    """How much of one quota of an account is booked or used in a period (`day` or `month`) as the platform counts it.

    `told`: the platform itself said that nothing is left. `some` are readers who have had all that they may get.
    `beyond` is what becomes of one more where nobody refuses it.
    """

    action: str
    period: str
    booked: int
    limit: int
    told: bool = False
    some: bool = False
    beyond: str = ""

    @property
    def left(self) -> int:
        """How many more may be booked."""
        return 0 if self.told else max(0, self.limit - self.booked)

    @property
    def shut(self) -> bool:
        """Whether one more would be refused."""
        return self.left == 0 and not self.beyond


def spent(
    session: Session, account: Account, day: date, audience: Mapping[str, Any] | None = None, besides: int = 0
) -> Sequence[Spent]:
    """What limits acts of ours for an audience around a day of the platforms; `besides` is a delivery not counted."""
    return [
        _spent(session, account, ration, day, besides) for ration in _rations(account, ACTION_LABELS, audience or {})
    ]


def crowded(
    session: Session,
    account: Account,
    action: str,
    at: datetime,
    audience: Mapping[str, Any] | None = None,
    besides: int = 0,
) -> list[Problem]:
    """What a booking for this moment would have of the account's quotas beyond their limits."""
    found = _of_moment(session, account, action, at, audience, besides)
    words = [_full(account, one) for one in found if one.left == 0]
    words += [_some(account, one) for one in found if one.some and one.left]
    return [Problem("at", told, blocking=False) for told in words]


def beyond(
    session: Session, account: Account, action: str, at: datetime, audience: Mapping[str, Any], besides: int
) -> str:
    """Which quota has nothing left for such a post at this moment, in words; '' when all have."""
    found = _of_moment(session, account, action, at, audience, besides)
    return next((_full(account, one) for one in found if one.shut), "")


def full(session: Session, account: Account, action: str, at: datetime, audience: Mapping[str, Any]) -> bool:
    """Whether nothing is left for such a post at this moment."""
    return any(one.shut for one in _of_moment(session, account, action, at, audience))


def _of_moment(
    session: Session,
    account: Account,
    action: str,
    at: datetime,
    audience: Mapping[str, Any] | None = None,
    besides: int = 0,
) -> list[Spent]:
    day = at.astimezone(PLATFORM_ZONE).date()
    return [one for one in spent(session, account, day, audience, besides) if one.action == action]


def _full(account: Account, one: Spent) -> str:
    name = f"“{account.name}”{PERIOD_LABELS[one.period]}的{ACTION_LABELS[one.action]}额度"
    if one.told:
        return f"{name}平台已答复用完，还剩 0 次；再安排一次，到时平台会拒绝。请改到别的日期。"
    if one.beyond:
        return f"{name}为 {one.limit} 次，已安排 {one.booked} 次；{one.beyond}"
    return f"{name}为 {one.limit} 次，已安排 {one.booked} 次；再安排一次，到时平台会拒绝。请改到别的日期。"


def _some(account: Account, one: Spent) -> str:
    period, act = PERIOD_LABELS[one.period], ACTION_LABELS[one.action]
    return f"“{account.name}”有的粉丝（按标签收过的）{period}将收满 {one.limit} 次{act}，收不到这一次。"


def _rations(account: Account, actions: Mapping[str, str], audience: Mapping[str, Any]) -> list[Ration]:
    adapter = channels().get(account.channel)
    if adapter is None:
        return []
    if issubclass(adapter, Rationed):
        found = [one for action in actions for one in adapter.rations(account.settings, action, audience)]
    else:
        quotas = [(name, period, most) for name, period, most in adapter.quotas(account.settings) if name in actions]
        found = [Ration(name, (name,), period, most) for name, period, most in quotas]  # type: ignore[arg-type]
    return found


def _spent(session: Session, account: Account, ration: Ration, day: date, besides: int) -> Spent:
    begins, ends = _bounds(day, ration.period)
    period = day.isoformat()[: 10 if ration.period == "day" else 7]
    limit = limit_of(account.limits, ration.counters[0], ration.period, ration.limit)
    used = used_of(session, account.id, ration.counters, period, limit)
    told = _told(session, account, ration, period)
    added = [_adds(account, one, ration.period) for one in _coming(session, account, ration, begins, ends, besides)]
    booked = used + sum(1 for counters in added if counters.intersection(ration.counters))
    some = _in_part(session, account, ration, period, added)
    in_part = limit <= some + booked if some else False
    return Spent(ration.action, ration.period, booked, limit, told, in_part, ration.beyond)


def _coming(
    session: Session, account: Account, ration: Ration, begins: datetime, ends: datetime, besides: int
) -> Sequence[Delivery]:
    """What is booked or under way in the period, and what a person sent by hand."""
    query = select(Delivery).where(
        Delivery.account_id == account.id,
        Delivery.action == ration.action,
        or_(Delivery.state.in_(COMING), and_(Delivery.state.in_(BY_HAND), Delivery.job_id.is_(None))),
        Delivery.scheduled_at >= begins,
        Delivery.scheduled_at < ends,
        Delivery.id != besides,
    )
    return session.scalars(query).all()


def _adds(account: Account, delivery: Delivery, period: str) -> set[str]:
    """The counters of a period to which a delivery will add."""
    rations = _rations(account, {delivery.action: ""}, delivery.audience)
    return {one.counters[0] for one in rations if one.period == period}


def _told(session: Session, account: Account, ration: Ration, period: str) -> bool:
    query = select(QuotaUse.id).where(
        QuotaUse.account_id == account.id,
        QuotaUse.quota.in_(ration.counters),
        QuotaUse.period == period,
        QuotaUse.used_up,
    )
    return session.scalar(query.limit(1)) is not None


def _in_part(session: Session, account: Account, ration: Ration, period: str, added: Sequence[set[str]]) -> int:
    """The fullest counter of only some of the readers, other than the ration's own; 0 for none."""
    if not ration.some:
        return 0
    query = select(QuotaUse.quota, QuotaUse.used).where(
        QuotaUse.account_id == account.id, QuotaUse.quota.startswith(ration.some), QuotaUse.period == period
    )
    counts: dict[str, int] = {row.quota: row.used for row in session.execute(query)}
    for counters in added:
        for counter in counters:
            if counter.startswith(ration.some):
                counts[counter] = counts.get(counter, 0) + 1
    return max((number for name, number in counts.items() if name not in ration.counters), default=0)


def _bounds(day: date, period: str) -> tuple[datetime, datetime]:
    first = day if period == "day" else day.replace(day=1)
    last = first + timedelta(days=1) if period == "day" else (first + timedelta(days=32)).replace(day=1)
    return datetime.combine(first, time(), PLATFORM_ZONE), datetime.combine(last, time(), PLATFORM_ZONE)
