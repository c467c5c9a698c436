"""The API of 发布栏位: the moments that come again, kept by programs as by people."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from hub.web.access import Asker, HubDep, api_may
from hub.web.sent import Body
from kernel.errors import NotFound
from kernel.people import Permission, scoped
from scheduler.recurring import slots
from scheduler.recurring.models import Slot
from scheduler.recurring.pattern import pattern
from scheduler.recurring.slots import SlotForm

router = APIRouter(prefix="/api/v1/slots")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.DELIVERY_READ))]
Keeper = Annotated[Asker, Depends(api_may(P.BOOKING_WRITE))]


class Days(Body):
    """Days that come again: every working day, weekdays (1 Monday to 7) or days of the month (31: its last)."""

    days: Literal["workdays", "weekly", "monthly"] = "workdays"
    numbers: list[int] = Field(default_factory=list, max_length=31)
    hour: str = Field(max_length=5)
    free_days: Literal["skip", "after", "keep"] = "skip"


class SlotIn(Days):
    """A slot: without an account it is one on each account, with a column it takes only that column's pieces."""

    name: str = Field(min_length=1, max_length=slots.NAME)
    account: int | None = None
    column: int | None = None

    def form(self) -> SlotForm:
        """The same as the scheduler takes it."""
        return SlotForm(
            self.name, pattern(self.days, self.numbers, self.hour, self.free_days), self.account, self.column
        )


class NewSlot(SlotIn):
    """A slot of a unit."""

    unit: int


class ChangedSlot(SlotIn):
    """A slot as it shall be; `version` is the one that was read."""

    version: int


class EndedSlot(Body):
    """The version that was read."""

    version: int


class SlotTold(TypedDict):
    """A slot."""

    id: int
    unit: int
    account: int | None
    column: int | None
    name: str
    days: str
    numbers: list[int]
    hour: str
    free_days: str
    version: int
    ended: bool


class Slots(TypedDict):
    """The slots in reach."""

    slots: list[SlotTold]


@router.get("")
def list_slots(hub: HubDep, asker: Reader) -> Slots:
    """The slots of the units in reach."""
    query = scoped(select(Slot), Slot.unit_id, asker.viewer, P.DELIVERY_READ).where(Slot.ended_at.is_(None))
    with hub.works.read() as work:
        return {"slots": [_whole(slot) for slot in work.session.scalars(query.order_by(Slot.id))]}


@router.post("", status_code=201)
def add_slot(hub: HubDep, asker: Keeper, sent: NewSlot) -> SlotTold:
    """Adds a slot to a unit."""
    if not asker.may(P.BOOKING_WRITE, sent.unit):
        raise NotFound(field="unit")
    with hub.works.write(asker.actor) as work:
        return _whole(slots.add(work, asker.viewer, sent.unit, sent.form()))


@router.get("/{slot_id}")
def get_slot(hub: HubDep, asker: Reader, slot_id: int) -> SlotTold:
    """One slot."""
    with hub.works.read() as work:
        return _whole(slots.slot_for(work.session, asker.viewer, slot_id, P.DELIVERY_READ))


@router.put("/{slot_id}")
def change_slot(hub: HubDep, asker: Keeper, slot_id: int, sent: ChangedSlot) -> SlotTold:
    """Changes a slot from now on; 409 when somebody else has changed it since that version."""
    with hub.works.write(asker.actor) as work:
        slot = slots.slot_for(work.session, asker.viewer, slot_id, P.BOOKING_WRITE)
        slots.change(work, asker.viewer, slot, sent.form(), sent.version)
        return _whole(slot)


@router.post("/{slot_id}/end")
def end_slot(hub: HubDep, asker: Keeper, slot_id: int, sent: EndedSlot) -> SlotTold:
    """Ends a slot; what was booked into it keeps its time."""
    with hub.works.write(asker.actor) as work:
        slot = slots.slot_for(work.session, asker.viewer, slot_id, P.BOOKING_WRITE)
        slots.end(work, asker.viewer, slot, sent.version)
        return _whole(slot)


def _whole(slot: Slot) -> SlotTold:
    return {
        "id": slot.id,
        "unit": slot.unit_id,
        "account": slot.account_id,
        "column": slot.column_id,
        "name": slot.name,
        "days": slot.days,
        "numbers": slot.numbers,
        "hour": slot.hour,
        "free_days": slot.free_days,
        "version": slot.version,
        "ended": slot.ended_at is not None,
    }
