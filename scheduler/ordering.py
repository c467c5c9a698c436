"""组稿顺序: which item of a bundle is 头条 and in which order the others follow, decided by who signs last."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from content.models import Release
from kernel.errors import Invalid
from kernel.people import Permission, Viewer
from kernel.work import Work
from scheduler.booking import change
from scheduler.errors import NotYoursToOrder, OrderedMeanwhile
from scheduler.models import Delivery, DeliveryItem
from scheduler.states import DeliveryState

S = DeliveryState


def still_open(delivery: Delivery) -> bool:
    """Whether the order can still be decided: nothing of the bundle has left yet."""
    return delivery.state in (S.BOOKED, S.HELD) and not delivery.attempts


def may_order(session: Session, who: Viewer, delivery: Delivery) -> bool:
    """Whether this person signs at the last level here and nothing of the bundle has left yet."""
    if not still_open(delivery):
        return False
    return who.may(Permission.PIECE_SIGN, delivery.unit_id) and len(pieces_of(session, delivery.id)) > 1


def reorder(work: Work, who: Viewer, delivery: Delivery, pieces: Sequence[int], seen: Sequence[int]) -> None:
    """Puts the items in the order of `pieces`; `seen` is the order the person saw.

    Raises NotYoursToOrder for who does not sign last, OrderedMeanwhile where somebody else ordered it since,
    TakenMeanwhile where it is being sent.
    """
    if not may_order(work.session, who, delivery):
        raise NotYoursToOrder
    # Taken first, so that neither the engine nor another signer comes between reading and writing.
    change(work, delivery, (S.BOOKED, S.HELD), ordered_by=who.person_id)
    now = pieces_of(work.session, delivery.id)
    if list(seen) != now:
        raise OrderedMeanwhile
    if sorted(pieces) != sorted(now):
        raise Invalid(field="pieces", why="顺序里的稿件与这条消息不符，请刷新后重试。")
    query = select(DeliveryItem).where(DeliveryItem.delivery_id == delivery.id)
    items = {item.piece_id: item for item in work.session.scalars(query)}
    for aside, item in enumerate(items.values(), start=1):
        item.position = -aside  # Each place is taken once, so all of them are left first.
    work.session.flush()
    for position, piece_id in enumerate(pieces, start=1):
        items[piece_id].position = position
    work.session.flush()
    work.audit("delivery.ordered", delivery, pieces=list(pieces))


def pieces_of(session: Session, delivery_id: int) -> list[int]:
    """The pieces of a delivery in their order."""
    query = select(DeliveryItem.piece_id).where(DeliveryItem.delivery_id == delivery_id)
    return list(session.scalars(query.order_by(DeliveryItem.position)))


def bundles_with(session: Session, release: Release) -> list[Delivery]:
    """The bundles that wait with this release among their items."""
    mine = select(DeliveryItem.delivery_id).where(DeliveryItem.release_id == release.id)
    query = select(Delivery).where(Delivery.id.in_(mine), Delivery.state.in_((S.BOOKED, S.HELD))).order_by(Delivery.id)
    return [one for one in session.scalars(query) if len(pieces_of(session, one.id)) > 1]
