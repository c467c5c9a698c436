"""To whom an item really went: what puts it right or takes it back is for exactly those, not for whoever was signed."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.abilities.audience import Addressed
from channels.registry import channels
from scheduler.models import Delivery, DeliveryItem
from scheduler.states import DeliveryState

FOLLOWING = ("correct", "withdraw")
SENT = (DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN, DeliveryState.DONE)


def follow(session: Session, delivery: Delivery) -> None:
    """Gives a correction or withdrawal the audience of what it follows; called when it is booked and when it leaves.

    Several sendings are followed together where one audience can name them; else it keeps the one it was signed for,
    which contains them all.
    """
    adapter = channels().get(delivery.channel)
    if delivery.action not in FOLLOWING or adapter is None or not issubclass(adapter, Addressed):
        return
    mine = select(DeliveryItem.piece_id).where(DeliveryItem.delivery_id == delivery.id)
    query = (
        select(Delivery.audience)
        .join(DeliveryItem, DeliveryItem.delivery_id == Delivery.id)
        .where(
            Delivery.account_id == delivery.account_id,
            Delivery.action.in_(adapter.limits.actions),
            Delivery.state.in_(SENT),
            DeliveryItem.piece_id.in_(mine),
        )
        .order_by(Delivery.id)
    )
    sent = session.scalars(query).all()
    audience = adapter.audience_of_all(sent) if sent else None
    if audience is not None:
        delivery.audience = dict(audience)
