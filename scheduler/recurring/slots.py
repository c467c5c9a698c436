"""发布栏位: who keeps slots, which moment is the next free one, and taking it so that nobody else gets it too."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, delete, or_, select, update
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from content.errors import NoRight
from content.models import Column
from kernel.errors import Invalid, NotFound, Stale
from kernel.once import insert_once
from kernel.people import Permission, Viewer, ancestors
from kernel.work import Work
from kernel.workdays import Workdays, declared_days
from scheduler import windows
from scheduler.errors import NoFreeSlot, SlotGone
from scheduler.models import Delivery
from scheduler.preflight import full
from scheduler.recurring.models import Slot, SlotTaken
from scheduler.recurring.pattern import Pattern
from scheduler.states import DeliveryState

HORIZON = timedelta(days=180)
NAME = 40


@dataclass(frozen=True)
class Wanted:
    """What looks for a slot: on which account (`lane` is where it really goes), which act, and what was signed."""

    account: Account
    lane: Account
    action: str
    unit_id: int
    columns: frozenset[int]
    earliest: datetime | None = None
    latest: datetime | None = None
    emergency: bool = False
    audience: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Free:
    """A moment of a slot at which something may still be booked."""

    slot: Slot
    at: datetime


@dataclass(frozen=True)
class SlotForm:
    """A slot as a person describes it."""

    name: str
    pattern: Pattern
    account_id: int | None = None
    column_id: int | None = None


# --- keeping them ----------------------------------------------------------------------------------------------


def add(work: Work, who: Viewer, unit_id: int, form: SlotForm) -> Slot:
    """Adds a slot to a unit."""
    if not who.may(Permission.BOOKING_WRITE, unit_id):
        raise NoRight(what="设置此单位的发布栏位")
    slot = Slot(unit_id=unit_id, created_by=who.person_id, created_at=work.now)
    _fill(work.session, slot, form)
    work.session.add(slot)
    work.session.flush()
    work.audit("slot.added", slot, **_words(slot))
    return slot


def change(work: Work, who: Viewer, slot: Slot, form: SlotForm, version: int) -> None:
    """Changes a slot from now on; what was booked into it keeps its time. Raises Stale when somebody else has."""
    _must_keep(who, slot)
    _take_version(work, slot, version)
    _fill(work.session, slot, form)
    work.session.flush()
    work.audit("slot.changed", slot, **_words(slot))


def end(work: Work, who: Viewer, slot: Slot, version: int) -> None:
    """Ends a slot; what was booked into it keeps its time."""
    _must_keep(who, slot)
    _take_version(work, slot, version)
    slot.ended_at = work.now
    work.audit("slot.ended", slot, name=slot.name)


def slot_for(session: Session, who: Viewer, slot_id: int, permission: Permission) -> Slot:
    """The slot, when the person may do this in its unit; raises NotFound otherwise."""
    slot = session.get(Slot, slot_id)
    if slot is None or slot.ended_at is not None or not who.may(permission, slot.unit_id):
        raise NotFound
    return slot


def _must_keep(who: Viewer, slot: Slot) -> None:
    if not who.may(Permission.BOOKING_WRITE, slot.unit_id):
        raise NoRight(what="调整此发布栏位")


def _take_version(work: Work, slot: Slot, version: int) -> None:
    statement = (
        update(Slot)
        .where(Slot.id == slot.id, Slot.version == version, Slot.ended_at.is_(None))
        .values(version=version + 1)
        .returning(Slot)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if work.session.scalars(statement).one_or_none() is None:
        raise Stale(what="发布栏位")


def _fill(session: Session, slot: Slot, form: SlotForm) -> None:
    slot.name = form.name.strip()
    if not 1 <= len(slot.name) <= NAME:
        raise Invalid(field="name", why=f"请填写栏位名称（不超过 {NAME} 字）。")
    units = ancestors(session, slot.unit_id)
    account = session.get(Account, form.account_id) if form.account_id else None
    if form.account_id and (account is None or not account.active or account.unit_id not in units):
        raise Invalid(field="account", why="请选择本单位或上级单位在用的账号。")
    column = session.get(Column, form.column_id) if form.column_id else None
    if form.column_id and (column is None or not column.active or column.unit_id not in units):
        raise Invalid(field="column", why="请选择本单位或上级单位启用中的栏目。")
    slot.account_id, slot.column_id = form.account_id, form.column_id
    slot.pattern = form.pattern


def _words(slot: Slot) -> Mapping[str, object]:
    return {
        "name": slot.name,
        "days": slot.days,
        "numbers": list(slot.numbers),
        "hour": slot.hour,
        "free_days": slot.free_days,
        "account": slot.account_id,
        "column": slot.column_id,
    }


# --- the next free one -----------------------------------------------------------------------------------------


def slots_of(session: Session, account: Account, unit_id: int) -> Sequence[Slot]:
    """The slots that something of this unit may use on this account, whatever its column."""
    return session.scalars(_of_account(account, ancestors(session, unit_id)).order_by(Slot.id)).all()


def seen_on(session: Session, account: Account, units: Collection[int]) -> Sequence[Slot]:
    """The slots of these units on an account."""
    return session.scalars(_of_account(account, units).order_by(Slot.hour, Slot.id)).all()


def _of_account(account: Account, units: Collection[int]) -> Select[Slot]:
    mine = or_(Slot.account_id == (account.stands_for or account.id), Slot.account_id.is_(None))
    return select(Slot).where(Slot.ended_at.is_(None), Slot.unit_id.in_(units), mine)


def free(session: Session, wanted: Wanted, now: datetime, zone: ZoneInfo) -> Iterator[Free]:
    """The free moments in order: inside what was signed, with quota left, out of quiet hours, not of a day that is
    stopped, and with nothing else going out on the account at that minute."""
    starts = max(now, wanted.earliest - timedelta(microseconds=1)) if wanted.earliest else now
    ends = min(wanted.latest, now + HORIZON) if wanted.latest else now + HORIZON
    workdays = Workdays(zone, declared_days(session))
    fitting = [
        slot
        for slot in slots_of(session, wanted.account, wanted.unit_id)
        if slot.column_id is None or wanted.columns == {slot.column_id}
    ]
    starts = max(starts, _stopped_until(session, wanted, now, zone))
    busy = set(busy_at(session, wanted.lane.id, starts, ends))
    for at, slot in heapq.merge(*(_moments(slot, starts, ends, workdays) for slot in fitting), key=_by_time):
        if at not in busy and _allowed(session, wanted, at, zone):
            busy.add(at)
            yield Free(slot, at)


def next_free(session: Session, wanted: Wanted, now: datetime, zone: ZoneInfo) -> Free | None:
    """The next free moment, if there is any."""
    return next(free(session, wanted, now, zone), None)


def take(work: Work, wanted: Wanted, zone: ZoneInfo, told: datetime | None) -> SlotTaken:
    """Takes the next free moment; whoever books then puts the delivery's number into the row.

    `told` is the moment that the person was shown: raises SlotGone when another has taken it. Raises NoFreeSlot.
    """
    session = work.session
    # One after another, so that a quota seen as free is not used up by another at the same moment.
    session.execute(select(Slot.id).where(Slot.ended_at.is_(None)).order_by(Slot.id).with_for_update()).all()
    for found in free(session, wanted, work.now, zone):
        if told is not None and found.at < told:
            continue  # Freed since; what was told is still what is booked.
        if told is not None and found.at > told:
            raise SlotGone(
                field="when", account=wanted.account.name, at=_shown(told, zone), next=_shown(found.at, zone)
            )
        taken = _take(session, found, wanted.lane.id)
        if taken is not None:
            return taken
    raise NoFreeSlot(field="when", account=wanted.account.name)


def busy_at(session: Session, lane: int, starts: datetime, ends: datetime) -> Sequence[datetime]:
    """The moments at which something goes out on an account."""
    query = select(Delivery.scheduled_at).where(
        Delivery.account_id == lane,
        Delivery.action.in_(windows.STOPPED),
        Delivery.state != DeliveryState.CANCELLED,
        Delivery.scheduled_at >= starts,
        Delivery.scheduled_at <= ends,
    )
    return session.scalars(query).all()


def filled_by(session: Session, deliveries: Sequence[Delivery]) -> dict[int, str]:
    """The slots' names of those deliveries that stand in one, by delivery."""
    query = (
        select(SlotTaken.delivery_id, Slot.name)
        .join(Slot, Slot.id == SlotTaken.slot_id)
        .join(Delivery, Delivery.id == SlotTaken.delivery_id)
        .where(SlotTaken.delivery_id.in_([one.id for one in deliveries]), SlotTaken.at == Delivery.scheduled_at)
    )
    return {row[0]: row[1] for row in session.execute(query) if row[0] is not None}


def _moments(slot: Slot, starts: datetime, ends: datetime, workdays: Workdays) -> Iterator[tuple[datetime, Slot]]:
    return ((at, slot) for at in slot.pattern.moments(starts, ends, workdays))


def _by_time(found: tuple[datetime, Slot]) -> tuple[datetime, bool, int]:
    # Where two slots meet, the narrower one is used up first.
    return found[0], found[1].column_id is None, found[1].id


def _stopped_until(session: Session, wanted: Wanted, now: datetime, zone: ZoneInfo) -> datetime:
    """Nobody knows when a stop ends; the rest of its day is left free, and booking says what else it may hold."""
    probe = Delivery(unit_id=wanted.unit_id, account_id=wanted.lane.id, action=wanted.action, through=False)
    if windows.stopping(session, probe, windows.in_force(session)) is None:
        return now
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), zone).astimezone(UTC)


def _allowed(session: Session, wanted: Wanted, at: datetime, zone: ZoneInfo) -> bool:
    if full(session, wanted.lane, wanted.action, at, wanted.audience):
        return False
    kind = (wanted.account.channel, wanted.action, wanted.unit_id, at)
    return wanted.emergency or not windows.foretold(session, *kind, emergency=False, zone=zone)


def _take(session: Session, found: Free, lane: int) -> SlotTaken | None:
    mine = (SlotTaken.account_id == lane, SlotTaken.at == found.at)
    standing = select(Delivery.id).where(
        Delivery.id == SlotTaken.delivery_id,
        Delivery.scheduled_at == SlotTaken.at,
        Delivery.state != DeliveryState.CANCELLED,
    )
    session.execute(delete(SlotTaken).where(*mine, ~standing.exists()).execution_options(synchronize_session=False))
    if not insert_once(session, SlotTaken, slot_id=found.slot.id, account_id=lane, at=found.at):
        return None
    return session.scalars(select(SlotTaken).where(*mine)).one()


def _shown(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}"
