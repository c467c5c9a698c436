"""What makes a delivery one of its kind: the same releases to the same account by the same act, for the nth time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import Delivery


def identity_of(account_id: int, action: str, occurrence: int, releases: Sequence[int]) -> str:
    """The unique word for it."""
    parts = [str(account_id), action, str(occurrence), *map(str, releases)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def next_free(session: Session, delivery: Delivery, releases: Sequence[int]) -> None:
    """Gives a delivery the identity of these releases, at the first occurrence from its own on that nobody has."""
    while True:
        identity = identity_of(delivery.account_id, delivery.action, delivery.occurrence, releases)
        taken = select(Delivery.id).where(Delivery.identity == identity)
        if delivery.id is not None:
            taken = taken.where(Delivery.id != delivery.id)
        if session.scalar(taken) is None:
            break
        delivery.occurrence += 1
    delivery.identity = identity
