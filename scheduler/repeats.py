"""再发一次: what an account shows already, or is just being sent, goes there anew only when a person says so."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from scheduler.errors import AlreadyBooked, AlreadyShown
from scheduler.models import Delivery, DeliveryItem, Place, Placement, RehearsedPlacement
from scheduler.states import DELIVERY_LABELS, ON_ITS_WAY, DeliveryState, PlacementState
from scheduler.windows import STOPPED


def must_be_new(session: Session, lane: Account, pieces: tuple[int, ...], *, again: bool) -> None:
    """Raises AlreadyBooked while one of these pieces, in whatever edition, is on its way to an account or a person's
    task there; AlreadyShown where it shows and nobody asked for it again.

    A corrected edition of what shows is a correction's part. What only waits is found by the release that it follows.
    """
    # The way first, then what shows: what arrives between the two looks is seen by the second.
    having = select(DeliveryItem.delivery_id).where(DeliveryItem.piece_id.in_(pieces), DeliveryItem.dropped == "")
    query = select(Delivery.state).where(
        Delivery.account_id == lane.id,
        Delivery.id.in_(having),
        Delivery.action.in_(STOPPED),
        Delivery.state.in_((*ON_ITS_WAY, DeliveryState.MANUAL)),
    )
    going = session.scalars(query.limit(1)).first()
    if going is not None:
        raise AlreadyBooked(field="account", account=lane.name, state=DELIVERY_LABELS[DeliveryState(going)])
    if not again and shows(session, lane, pieces):
        raise AlreadyShown(field="account", account=lane.name)


def shows(session: Session, lane: Account, pieces: tuple[int, ...]) -> bool:
    """Whether an account shows one of these pieces; for a rehearsal, what was rehearsed there."""
    kind: type[Place] = RehearsedPlacement if lane.stands_for else Placement
    query = select(kind.id).where(
        kind.account_id == lane.id, kind.piece_id.in_(pieces), kind.state != PlacementState.WITHDRAWN
    )
    return session.scalar(query.limit(1)) is not None
