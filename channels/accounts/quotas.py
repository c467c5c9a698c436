"""Counts limited calls per account and period; the count is a row, never a sum over live rows."""

from __future__ import annotations

from sqlalchemy import select, update

from channels.accounts.models import QuotaUse
from kernel.once import insert_once
from kernel.work import Works


class DatabaseQuotas:
    """The quota ledger over the hub's database; each act is a work of its own."""

    def __init__(self, works: Works) -> None:
        self.works = works

    def left(self, account_id: int, quota: str, period: str, limit: int) -> int:
        """How many calls are left in the period."""
        with self.works.read() as work:
            query = select(QuotaUse.used).filter_by(account_id=account_id, quota=quota, period=period)
            return max(0, limit - (work.session.scalar(query) or 0))

    def take(self, account_id: int, quota: str, period: str, limit: int) -> bool:
        """Takes one call out of the period's limit; False when none was left."""
        with self.works.write() as work:
            session = work.session
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
