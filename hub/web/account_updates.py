"""How long ago an account was updated as inspections count it, in the words and colours of the accounts' pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from channels.accounts.models import Account
from kernel.office_rules import value_of
from scheduler import freshness
from templates.views import Tone


@dataclass(frozen=True)
class Updated:
    """When an account was last updated, as inspections count it; `asked` is False for one of which none is asked."""

    asked: bool
    at: datetime | None = None
    days: int | None = None
    limit: int = 0

    @property
    def tone(self) -> Tone:
        """How it stands: past the limit, near it, or well."""
        if not self.asked:
            return "plain"
        if self.days is None or self.days > self.limit:
            return "bad"
        return "warn" if self.days * 5 >= self.limit * 4 else "good"


def updates_of(session: Session, accounts: Sequence[Account], now: datetime, zone: ZoneInfo) -> dict[int, Updated]:
    """How long ago each account was updated."""
    moments = freshness.last_updates(session, accounts, now)
    found: dict[int, Updated] = {}
    for account in accounts:
        at = moments.get(account.id)
        days = (now.astimezone(zone).date() - at.astimezone(zone).date()).days if at else None
        limit = int(value_of(session, freshness.ACCOUNT_DAYS, account.unit_id, now))
        found[account.id] = Updated(freshness.expected_to_update(account), at, days, limit)
    return found
