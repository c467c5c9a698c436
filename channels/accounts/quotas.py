"""Counts limited calls per account and period; the count is a row, never a sum over live rows."""

from __future__ import annotations

from collections.abc import Mapping
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

    def left(self, account_id: int, quota: str, period: str, limit: int) -> int:
        """How many calls are left in the period."""
        with self.works.read() as work:
            limit = _narrowed(work.session, account_id, quota, period, limit)
            query = select(QuotaUse.used).filter_by(account_id=account_id, quota=quota, period=period)
            return max(0, limit - (work.session.scalar(query) or 0))

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
                )
                .values(used=QuotaUse.used + 1)
                .returning(QuotaUse.id)
            )
            return session.scalar(statement) is not None


def limit_of(limits: Mapping[str, Any], quota: str, span: str, limit: int) -> int:
    """The channel's limit, or the lower one that the account was given (`mass_send.day`)."""
    own = limits.get(f"{quota}.{span}")
    return min(limit, int(own)) if own is not None else limit


def _narrowed(session: Session, account_id: int, quota: str, period: str, limit: int) -> int:
    limits = session.scalar(select(Account.limits).where(Account.id == account_id)) or {}
    return limit_of(limits, quota, "day" if period.count("-") == 2 else "month", limit)
