"""From which day on the end of something of an account is told: 60, 30 and 7 days before, later for a short grant."""

from __future__ import annotations

from datetime import date, timedelta

from channels.accounts.models import Account

# Days before; each is told once. 0 is the day it has passed.
WARN_DAYS = (0, 7, 30, 60)
SOON = timedelta(days=max(WARN_DAYS))


def told_from(since: date, until: date) -> date:
    """The first day on which the end of a grant is told of: never within the first half of its life."""
    return max(until - SOON, until - (until - since) // 2)


def steps(account: Account, name: str) -> list[int]:
    """So many days before one of its dates something is told, the last first; a platform's grant may be short."""
    if name != "expires_on" or account.expires_on is None or account.expires_told_from is None:
        return list(WARN_DAYS)
    most = (account.expires_on - account.expires_told_from).days
    return sorted({min(days, most) for days in WARN_DAYS})


def is_near(account: Account, name: str, today: date) -> bool:
    """Whether the end of one of its dates is told of by now, or has passed."""
    day: date | None = getattr(account, name)
    return day is not None and (day - today).days <= max(steps(account, name))
