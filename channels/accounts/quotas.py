"""Counts limited calls per account and period; the count is a row, never a sum over live rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from channels.accounts.models import Account, QuotaUse
from kernel.once import insert_once
from kernel.work import Works


class DatabaseQuotas:
    """The quota ledger over the hub's database; each act is a work of its own."""

    def __init__(self, works: Works) -> None:
        self.works = works

    def left(self, account_id: int, quota: str, period: str, limit: int, besides: Sequence[str] = ()) -> int:
        """How many calls are left in the period."""
        with self.works.read() as work:
            limit = _narrowed(work.session, account_id, quota, period, limit)
            return max(0, limit - used_of(work.session, account_id, (quota, *besides), period, limit))

    def take(self, account_id: int, quota: str, period: str, limit: int) -> bool:
        """Takes one call out of the period's limit; False when none was left."""
        with self.works.write() as work:
            session = work.session
            limit = _narrowed(session, account_id, quota, period, limit)
            insert_once(session, QuotaUse, account_id=account_id, quota=quota, period=period, used=0)
            statement = (
                update(QuotaUse)
                .where(
                    QuotaUse.account_id == account_id,
                    QuotaUse.quota == quota,
                    QuotaUse.period == period,
                    QuotaUse.used < limit,
                    QuotaUse.used_up.is_(False),
                )
                .values(used=QuotaUse.used + 1)
                .returning(QuotaUse.id)
            )
            return session.scalar(statement) is not None

    def count(self, account_id: int, quota: str, period: str) -> None:
        """Counts one more, whatever the limit says."""
        self._change(account_id, quota, period, used=QuotaUse.used + 1)

    def use_up(self, account_id: int, quota: str, period: str) -> None:
        """Remembers the platform's own word that nothing is left."""
        self._change(account_id, quota, period, used_up=True)

    def _change(self, account_id: int, quota: str, period: str, **values: Any) -> None:
        with self.works.write() as work:
            insert_once(work.session, QuotaUse, account_id=account_id, quota=quota, period=period, used=0)
            mine = (QuotaUse.account_id == account_id, QuotaUse.quota == quota, QuotaUse.period == period)
            work.session.execute(update(QuotaUse).where(*mine).values(values))


def used_of(session: Session, account_id: int, counters: Sequence[str], period: str, limit: int) -> int:
    """What these counters together used in the period; the whole limit where the platform said that it is used up."""
    query = select(QuotaUse.used, QuotaUse.used_up).where(
        QuotaUse.account_id == account_id, QuotaUse.quota.in_(counters), QuotaUse.period == period
    )
    rows = session.execute(query).all()
    used: int = sum(row.used for row in rows)
    return max(used, limit) if any(row.used_up for row in rows) else used


def limit_of(limits: Mapping[str, Any], quota: str, span: str, limit: int) -> int:
    """The channel's limit, or the lower one that the account was given (`mass_send.day`), for a part of it too."""
    own = limits.get(f"{quota.partition('.')[0]}.{span}")
    return min(limit, int(own)) if own is not None else limit


def _narrowed(session: Session, account_id: int, quota: str, period: str, limit: int) -> int:
    limits = session.scalar(select(Account.limits).where(Account.id == account_id)) or {}
    return limit_of(limits, quota, "day" if period.count("-") == 2 else "month", limit)
