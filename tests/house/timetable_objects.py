"""Slots and series of a unit, for every route of the timetable with an object in its address."""

from __future__ import annotations

from collections.abc import Callable

from kernel.people import Unit
from kernel.work import Work
from scheduler.models import Delivery, DeliveryItem
from scheduler.recurring.models import Series, Slot
from tests.house.outgoing_objects import a_delivery
from tests.house.target import Target


def a_slot(work: Work, unit: Unit) -> Target:
    """A slot of the unit, with forms that change it."""
    slot = Slot(
        unit_id=unit.id, name="早间", days="workdays", numbers=[], hour="09:00", free_days="skip", created_at=work.now
    )
    work.session.add(slot)
    work.session.flush()
    sent = {"name": "晚间", "days": "workdays", "hour": "18:00", "version": 1}
    return Target({"slot_id": slot.id}, form=sent, json=sent)


def a_series(work: Work, unit: Unit) -> Target:
    """A series of the unit with one occurrence that waits."""
    target = a_delivery(work, unit)
    delivery = work.session.get_one(Delivery, target.params["delivery_id"])
    piece = work.session.query(DeliveryItem).filter_by(delivery_id=delivery.id).one().piece_id
    series = Series(
        unit_id=unit.id, account_id=delivery.account_id, piece_id=piece, action="publish", count=2, days="workdays",
        numbers=[], hour="09:00", free_days="skip", created_at=work.now,
    )  # fmt: skip
    work.session.add(series)
    work.session.flush()
    delivery.series_id = series.id
    sent = {"delivery": delivery.id}
    return Target({"series_id": series.id}, form=sent, json=sent)


OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    "/console/slots/{slot_id}": a_slot,
    "/console/slots/{slot_id}/end": a_slot,
    "/console/series/{series_id}": a_series,
    "/console/series/{series_id}/skip": a_series,
    "/console/series/{series_id}/end": a_series,
    "/api/v1/series/{series_id}": a_series,
    "/api/v1/series/{series_id}/skip": a_series,
    "/api/v1/series/{series_id}/end": a_series,
    "/api/v1/slots/{slot_id}": a_slot,
    "/api/v1/slots/{slot_id}/end": a_slot,
}
