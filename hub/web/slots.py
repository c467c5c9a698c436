"""发布栏位: the moments that come again, kept per account, with what is booked into them and what is free."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.accounts import doubles
from channels.accounts.models import Account
from channels.registry import channels as installed
from content.models import Column
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.deliveries import Sent, channel_label
from hub.web.forms import FormState, refused
from hub.web.pages import columns, page, say, see_other
from hub.web.people import units_in_reach
from hub.web.piece_form import number, text
from hub.web.recurring_form import pattern_choices, pattern_words, read_pattern, typed_pattern, values_of_pattern
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Unit, ancestors, scoped
from kernel.typed import tidy
from kernel.work import Work
from kernel.workdays import Workdays, declared_days
from scheduler.recurring import slots
from scheduler.recurring.models import Slot
from scheduler.recurring.slots import SlotForm
from templates.catalogue import _

router = APIRouter(prefix="/console/slots")

P = Permission
Reader = Annotated[Asker, Depends(may(P.DELIVERY_READ))]
Keeper = Annotated[Asker, Depends(may(P.BOOKING_WRITE))]
HEADS = ((_("栏位"), ""), (_("时间"), ""), (_("账号"), ""), (_("今后两周"), ""))
AHEAD = timedelta(days=14)
FILLED, LONGEST = ("unit", "name", "hour", "account"), 60
FRESH = {"days": "workdays", "hour": "09:00", "free_days": "skip"}


@dataclass(frozen=True)
class Row:
    """A slot as the list shows it: how many of its moments in the next two weeks are filled (of one account)."""

    slot: Slot
    words: str
    account: str
    column: str
    unit: str
    filled: int
    moments: int
    next_at: datetime | None
    mine: bool


@router.get("")
def all_slots(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The slots in reach and the form for another, with what the address fills in."""
    asked = {name: tidy(request.query_params.get(name, ""))[:LONGEST] for name in FILLED}
    filled = {name: value for name, value in asked.items() if value}
    return _page(request, hub, asker, FormState({**FRESH, "unit": str(asker.viewer.unit_id), **filled}))


@router.post("")
def add(request: Request, hub: HubDep, asker: Keeper, sent: Sent) -> Response:
    """Adds a slot."""
    try:
        with hub.works.write(asker.actor) as work:
            unit_id = number(sent, "unit")
            if unit_id is None or not asker.may(P.BOOKING_WRITE, unit_id):
                raise Invalid(field="unit", why="请选择单位。")
            slot = slots.add(work, asker.viewer, unit_id, read_slot(sent))
    except XuandaError as error:
        return _page(request, hub, asker, refused(asker, error, **_typed(sent)), error.status)
    return see_other("/console/slots", say(hub, asker, _("已新增栏位“%(name)s”。"), name=slot.name))


@router.get("/{slot_id}")
def one(request: Request, hub: HubDep, asker: Keeper, slot_id: int) -> HTMLResponse:
    """The form for a slot."""
    with hub.works.read() as work:
        slot = slots.slot_for(work.session, asker.viewer, slot_id, P.BOOKING_WRITE)
    return _one(request, hub, asker, slot_id, FormState(_values(slot)))


@router.post("/{slot_id}")
def change(request: Request, hub: HubDep, asker: Keeper, slot_id: int, sent: Sent) -> Response:
    """Changes a slot from now on; what was booked into it keeps its time."""
    try:
        with hub.works.write(asker.actor) as work:
            slot = slots.slot_for(work.session, asker.viewer, slot_id, P.BOOKING_WRITE)
            slots.change(work, asker.viewer, slot, read_slot(sent), number(sent, "version") or 0)
    except NotFound:
        raise
    except XuandaError as error:
        return _one(request, hub, asker, slot_id, refused(asker, error, **_typed(sent)), error.status)
    return see_other("/console/slots", say(hub, asker, _("已保存；已排入的任务时间不变。")))


@router.post("/{slot_id}/end")
def end(hub: HubDep, asker: Keeper, slot_id: int, sent: Sent) -> Response:
    """Ends a slot."""
    with hub.works.write(asker.actor) as work:
        slot = slots.slot_for(work.session, asker.viewer, slot_id, P.BOOKING_WRITE)
        slots.end(work, asker.viewer, slot, number(sent, "version") or slot.version)
    return see_other("/console/slots", say(hub, asker, _("已停用栏位；已排入的任务时间不变。")))


def read_slot(sent: FormData) -> SlotForm:
    """A slot as it was typed; raises Invalid at the field that cannot be read."""
    return SlotForm(text(sent, "name"), read_pattern(sent), number(sent, "account"), number(sent, "column"))


def _typed(sent: FormData) -> dict[str, str]:
    return {
        **{name: text(sent, name) for name in ("name", "unit", "account", "column", "version")},
        **typed_pattern(sent),
    }


def _values(slot: Slot) -> dict[str, str]:
    return {
        "name": slot.name,
        "unit": str(slot.unit_id),
        "account": str(slot.account_id or ""),
        "column": str(slot.column_id or ""),
        "version": str(slot.version),
        **values_of_pattern(slot.pattern),
    }


def _page(request: Request, hub: Hub, asker: Asker, form: FormState, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        query = scoped(select(Slot), Slot.unit_id, asker.viewer, P.DELIVERY_READ).where(Slot.ended_at.is_(None))
        found = work.session.scalars(query.order_by(Slot.unit_id, Slot.hour, Slot.id)).all()
        rows = [_row(hub, asker, work, slot) for slot in found]
        units = units_in_reach(work.session, asker, P.BOOKING_WRITE)
        choices = _choices(hub, asker, work.session)
    return page(
        request,
        asker,
        "pages/bookings/slots.html",
        status=status,
        rows=rows,
        columns=columns(hub, asker, *HEADS),
        units=units,
        several=len({row.unit for row in rows}) > 1,
        form=form,
        zone=hub.settings.office_zone.key,
        **choices,
    )


def _one(request: Request, hub: Hub, asker: Asker, slot_id: int, form: FormState, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        slot = slots.slot_for(work.session, asker.viewer, slot_id, P.BOOKING_WRITE)
        choices = _choices(hub, asker, work.session)
    return page(
        request,
        asker,
        "pages/bookings/slot.html",
        status=status,
        slot=slot,
        form=form,
        zone=hub.settings.office_zone.key,
        **choices,
    )


def _choices(hub: Hub, asker: Asker, session: Session) -> dict[str, Any]:
    units = {one for unit_id in asker.viewer.units(P.BOOKING_WRITE) for one in ancestors(session, unit_id)}
    query = select(Account).where(Account.unit_id.in_(units), Account.active, Account.stands_for.is_(None))
    accounts = [
        (account.id, f"{account.name}（{say(hub, asker, channel_label(account.channel))}）")
        for account in session.scalars(query.order_by(Account.channel, Account.id))
        if account.channel in installed()
    ]
    found = select(Column).where(Column.unit_id.in_(units), Column.active).order_by(Column.position, Column.id)
    return {
        "accounts": accounts,
        "column_options": [(column.id, column.name) for column in session.scalars(found)],
        "choices": pattern_choices(hub, asker),
    }


def _row(hub: Hub, asker: Asker, work: Work, slot: Slot) -> Row:
    session, zone = work.session, hub.settings.office_zone
    moments = list(slot.pattern.moments(work.now, work.now + AHEAD, Workdays(zone, declared_days(session))))
    account = session.get(Account, slot.account_id) if slot.account_id else None
    column = session.get(Column, slot.column_id) if slot.column_id else None
    busy: set[datetime] = set()
    if account is not None:
        busy = set(slots.busy_at(session, doubles.lane_of(session, account).id, work.now, work.now + AHEAD))
    return Row(
        slot,
        pattern_words(hub, asker, slot.pattern),
        f"{account.name}（{say(hub, asker, channel_label(account.channel))}）" if account else "",
        column.name if column else "",
        session.get_one(Unit, slot.unit_id).name,
        sum(at in busy for at in moments),
        len(moments),
        next((at for at in moments if at not in busy), None),
        asker.may(P.BOOKING_WRITE, slot.unit_id),
    )
