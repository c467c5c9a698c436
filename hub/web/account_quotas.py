"""What is left of a 群发 by tag: where the platform counts by reader, each tag that was sent to has its own line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.abilities.rations import Ration, Rationed
from channels.accounts import tags
from channels.accounts.models import Account, QuotaUse
from channels.accounts.quotas import limit_of, used_of
from channels.adapters.calling import period_of
from channels.registry import channels as installed


@dataclass(frozen=True)
class TagLeft:
    """What those who bear a tag may still get in the period."""

    tag: str
    left: int
    limit: int


def tags_left(session: Session, account: Account, now: datetime) -> list[TagLeft]:
    """The tags that were sent to in the period, by name."""
    adapter = installed().get(account.channel)
    if adapter is None or not issubclass(adapter, Rationed):
        return []
    found = []
    for tag in tags.of_account(session, account.id):
        rations = adapter.rations(account.settings, account.action, {"tag_id": tag.remote_id})
        found += [_left(session, account, tag.name, one, now) for one in rations if _used(session, account, one, now)]
    return found


def _used(session: Session, account: Account, ration: Ration, now: datetime) -> bool:
    own = ration.counters[0]
    query = select(QuotaUse.id).where(
        QuotaUse.account_id == account.id,
        QuotaUse.quota == own,
        QuotaUse.period == period_of(ration.period, now),
        QuotaUse.used > 0,
    )
    return bool(ration.some) and own.startswith(ration.some) and session.scalar(query) is not None


def _left(session: Session, account: Account, name: str, ration: Ration, now: datetime) -> TagLeft:
    limit = limit_of(account.limits, ration.counters[0], ration.period, ration.limit)
    used = used_of(session, account.id, ration.counters, period_of(ration.period, now), limit)
    return TagLeft(name, max(0, limit - used), limit)
