"""Slots of a unit, for every route of the timetable with an object in its address."""

from __future__ import annotations

from collections.abc import Callable

from kernel.people import Unit
from kernel.work import Work
from scheduler.recurring.models import Slot
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


OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    "/console/slots/{slot_id}": a_slot,
    "/console/slots/{slot_id}/end": a_slot,
    "/api/v1/slots/{slot_id}": a_slot,
    "/api/v1/slots/{slot_id}/end": a_slot,
}
