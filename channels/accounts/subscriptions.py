"""Browsers that asked for notices, and which of them a delivery has been to, claimed before they are called."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from channels.accounts.models import PushReach, PushSubscription
from channels.base import Subscription
from kernel.once import insert_once, insertion
from kernel.work import Work, Works

UNKNOWN, WAITING, GONE = "unknown", "waiting", "gone"


def subscribe(work: Work, account_id: int, endpoint: str, p256dh: str, auth: str) -> PushSubscription:
    """Keeps a browser's wish to be told; the same address again brings new keys and brings a gone one back."""
    name = _name(account_id, endpoint)
    values = {"endpoint": endpoint, "p256dh": p256dh, "auth": auth, "created_at": work.now}
    insert_once(work.session, PushSubscription, account_id=account_id, endpoint_hash=name, **values)
    row = work.session.scalars(select(PushSubscription).where(PushSubscription.endpoint_hash == name)).one()
    row.endpoint, row.p256dh, row.auth, row.gone_at = endpoint, p256dh, auth, None
    work.session.flush()
    return row


def unsubscribe(work: Work, account_id: int, endpoint: str) -> None:
    """Forgets a browser that no longer wants to be told."""
    name = _name(account_id, endpoint)
    query = select(PushSubscription.id).where(PushSubscription.endpoint_hash == name)
    _forget(work, work.session.scalars(query).all())


class DatabaseSubscriptions:
    """The list over the hub's database; each act is a work of its own, none open while a browser is called."""

    def __init__(self, works: Works) -> None:
        self.works = works

    def due(self, account_id: int, key: str, audience: Mapping[str, Any], limit: int) -> Sequence[Subscription]:
        """Claims the next browsers of the account for the delivery `key`; two processes never get the same one."""
        with self.works.write() as work:
            ids = _put_back_due(work, key, limit)
            if len(ids) < limit:
                ids += _claim_new(work.session, account_id, key, limit - len(ids))
            rows = work.session.scalars(select(PushSubscription).where(PushSubscription.id.in_(ids))).all()
            return [Subscription(row.id, row.endpoint, row.p256dh, row.auth) for row in rows]

    def record(self, key: str, outcomes: Mapping[int, str]) -> None:
        """What became of claimed ones; those that are gone are forgotten."""
        by_state: dict[str, list[int]] = {}
        for subscription_id, state in outcomes.items():
            by_state.setdefault(state, []).append(subscription_id)
        with self.works.write() as work:
            for state, ids in by_state.items():
                work.session.execute(_of(key, ids).values(state=state, until=None))
            _forget(work, by_state.get(GONE, ()))

    def wait(self, key: str, ids: Sequence[int], until: datetime) -> None:
        """Puts claimed ones back until the hour the push service named."""
        with self.works.write() as work:
            work.session.execute(_of(key, ids).values(state=WAITING, until=until))

    def counts(self, key: str) -> Mapping[str, int]:
        """How many browsers of the delivery are in each state."""
        with self.works.read() as work:
            query = select(PushReach.state, func.count()).where(PushReach.key == key).group_by(PushReach.state)
            return {row[0]: row[1] for row in work.session.execute(query)}


def _claim_new(session: Session, account_id: int, key: str, limit: int) -> list[int]:
    reached = select(PushReach.id).where(PushReach.key == key, PushReach.subscription_id == PushSubscription.id)
    query = (
        select(PushSubscription.id)
        .where(PushSubscription.account_id == account_id, PushSubscription.gone_at.is_(None), ~reached.exists())
        .order_by(PushSubscription.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = [{"key": key, "subscription_id": one, "state": UNKNOWN} for one in session.scalars(query)]
    if not rows:
        return []
    statement = insertion(session, PushReach).values(rows).returning(PushReach.subscription_id)
    return list(session.scalars(statement))


def _put_back_due(work: Work, key: str, limit: int) -> list[int]:
    waiting = (
        select(PushReach.id)
        .where(PushReach.key == key, PushReach.state == WAITING, PushReach.until <= work.now)
        .order_by(PushReach.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = update(PushReach).where(PushReach.id.in_(waiting.scalar_subquery())).values(state=UNKNOWN, until=None)
    return list(work.session.scalars(statement.returning(PushReach.subscription_id)))


def _forget(work: Work, ids: Iterable[int]) -> None:
    statement = update(PushSubscription).where(PushSubscription.id.in_(list(ids)))
    work.session.execute(statement.values(endpoint="", p256dh="", auth="", gone_at=work.now))


def _of(key: str, ids: Iterable[int]) -> Any:
    return update(PushReach).where(PushReach.key == key, PushReach.subscription_id.in_(list(ids)))


def _name(account_id: int, endpoint: str) -> str:
    return hashlib.sha256(f"{account_id} {endpoint}".encode()).hexdigest()
