"""The order of a bundle as its signer is shown it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from channels.accounts.models import Account
from content.models import Release
from content.states import ReleaseState
from hub.web.access import Asker
from kernel.people import Person
from scheduler import ordering
from scheduler.models import Delivery
from scheduler.posts import items_of


@dataclass(frozen=True)
class Ordered:
    """A bundle as its signer sees it: (piece, title, signed) from 头条 on, and who decided the order.

    `done` where nobody decides it any more, as it has gone out or never will.
    """

    delivery: Delivery
    account: str
    items: list[tuple[int, str, bool]]
    by: str
    able: bool
    done: bool


def ordered(session: Session, asker: Asker, delivery: Delivery) -> Ordered | None:
    """The order of a bundle; None for a delivery of one item."""
    rows = items_of(session, delivery.id)
    if len(rows) < 2:
        return None
    by = session.get(Person, delivery.ordered_by) if delivery.ordered_by else None
    return Ordered(
        delivery,
        session.get_one(Account, delivery.account_id).name,
        [
            (piece.id, str(release.content["title"]), release.state == ReleaseState.SIGNED)
            for _item, release, piece in rows
        ],
        by.name if by else "",
        ordering.may_order(session, asker.viewer, delivery),
        not ordering.still_open(delivery),
    )


def with_release(session: Session, asker: Asker, release: Release) -> list[Ordered]:
    """The bundles in which this release waits."""
    found = [ordered(session, asker, delivery) for delivery in ordering.bundles_with(session, release)]
    return [one for one in found if one is not None]
