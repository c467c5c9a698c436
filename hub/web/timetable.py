"""发布日历: what goes out on which account, by month, week and day; a task is moved by dragging, or on its own page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from channels.accounts import doubles
from channels.accounts.models import Account
from channels.base import ACTION_LABELS
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.deliveries import Row, Sent, delivery_for, rows_of, still_held, with_channel
from hub.web.lists import listing
from hub.web.pages import page, say
from hub.web.piece_form import moment, text
from kernel.errors import Invalid, XuandaError
from kernel.people import Permission, Unit, scoped
from kernel.typed import row_in
from kernel.work import Work
from kernel.workdays import Workdays, declared_days
from scheduler import booking
from scheduler.conflicts import foreseen, of_delivery
from scheduler.freeze import seen_by
from scheduler.models import Delivery
from scheduler.preflight import spent
from scheduler.recurring import series, slots
from scheduler.states import DELIVERY_LABELS, DeliveryState
from scheduler.windows import quiet_hours
from templates.catalogue import _
from templates.views import ListState

router = APIRouter(prefix="/console/calendar")

P = Permission
Reader = Annotated[Asker, Depends(may(P.DELIVERY_READ))]
Booker = Annotated[Asker, Depends(may(P.BOOKING_WRITE))]
DAYS = 7
MOST, LONGEST = 2000, timedelta(days=62)
WEEKDAYS = (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))
MOVABLE = (DeliveryState.BOOKED, DeliveryState.HELD)


@router.get("")
def timetable(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The calendar, and beneath it, or alone as a list, seven days from the day asked for, else from today."""
    asked = listing(request, "from", "account", "unit", "view")
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        today = work.now.astimezone(zone).date()
        first = _day(asked.value("from")) or today
        of = asked.number("account"), asked.number("unit")
        rows = _rows(work, _chosen(asker, *of, *_span(first, first + timedelta(days=DAYS), zone)))
        used = scoped(select(Delivery.account_id), Delivery.unit_id, asker.viewer, P.DELIVERY_READ)
        accounts = work.session.scalars(select(Account).where(Account.id.in_(used)).order_by(Account.id)).all()
        booking_units = scoped(select(Delivery.unit_id), Delivery.unit_id, asker.viewer, P.DELIVERY_READ)
        units = work.session.scalars(select(Unit).where(Unit.id.in_(booking_units)).order_by(Unit.id)).all()
        now = work.now.astimezone(zone)
    by_day: dict[date, list[Row]] = {first + timedelta(days=n): [] for n in range(DAYS)}
    for row in rows:
        by_day[row.delivery.scheduled_at.astimezone(zone).date()].append(row)
    # The calendar places its boxes by style attributes.
    request.state.inline_styles = True
    kept = {name: asked.value(name) for name in ("account", "unit", "from", "view")}
    return page(
        request,
        asker,
        "pages/bookings/calendar.html",
        days=[(day, say(hub, asker, WEEKDAYS[day.weekday()]), day == today, rows) for day, rows in by_day.items()],
        state=ListState("/console/calendar", kept),
        accounts=[(account.id, with_channel(hub, asker, account)) for account in accounts],
        units=[(unit.id, unit.name) for unit in units],
        cut=MOST if len(rows) == MOST else 0,
        before=(first - timedelta(days=DAYS)).isoformat(),
        after=(first + timedelta(days=DAYS)).isoformat(),
        may_book=asker.may(P.BOOKING_WRITE),
        as_list=asked.value("view") == "list",
        now=now.replace(tzinfo=None).isoformat(timespec="seconds"),
        zone=zone.key,
    )


@router.get("/events")
def events(hub: HubDep, asker: Reader, start: str, end: str, account: int = 0, unit: int = 0) -> JSONResponse:
    """What the calendar draws between two days: tasks, free days and make-up days, quotas, quiet hours, stops."""
    first, last = _day(start[:10]), _day(end[:10])
    if first is None or last is None or not first < last <= first + LONGEST:
        raise Invalid(field="start", why="日历一次最多显示两个月。")
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        rows = _rows(work, _chosen(asker, account or None, unit or None, *_span(first, last, zone)))
        named = slots.filled_by(work.session, [row.delivery for row in rows])
        places = series.places(work.session, [row.delivery for row in rows])
        named |= {one: say(hub, asker, _("系列 %(n)s/%(of)s"), n=n, of=of) for one, (n, of) in places.items()}
        drawn = [_task(hub, asker, row, zone, named.get(row.delivery.id, "")) for row in rows]
        drawn += _slots(hub, asker, work, account, first, last)
        drawn += _free_days(work.session, zone, first, last)
        drawn += _quotas(hub, asker, work.session, account, first, last)
        drawn += _quiet(hub, asker, work, account, first, last)
        drawn += _stops(hub, asker, work, zone)
        drawn += _cut(hub, asker, rows, zone)
    return JSONResponse(drawn)


@router.post("/move")
def move(hub: HubDep, asker: Booker, sent: Sent) -> Response:
    """Moves a task to where it was dropped; says what a person should know about that moment.

    `seen` is the time at which the calendar showed it: what somebody else has moved meanwhile is not moved again.
    """
    zone = hub.settings.office_zone
    number = row_in(text(sent, "delivery"))
    at, seen = moment(sent, "at", zone), moment(sent, "seen", zone)
    if at is None or seen is None or number is None:
        raise Invalid(field="at", why="请填写新的发布时间。")
    try:
        with hub.works.write(asker.actor) as work:
            delivery = delivery_for(work.session, asker, number, P.BOOKING_WRITE)
            booking.move(work, asker.viewer, delivery, at, seen)
            told = [problem.message for problem in still_held(hub, asker, delivery)] + _told(work, delivery, at, zone)
    except XuandaError as error:
        return JSONResponse({"moved": False, "words": error.message(asker.language)}, error.status)
    words = say(hub, asker, _("已改到 %(at)s。"), at=f"{at.astimezone(zone):%m-%d %H:%M}")
    return JSONResponse({"moved": True, "words": " ".join([words, *told]), "warns": bool(told)})


def _told(work: Work, delivery: Delivery, at: datetime, zone: ZoneInfo) -> list[str]:
    moment = of_delivery(work.session, delivery, at)
    return [problem.message for problem in foreseen(work.session, moment, zone)]


def _chosen(
    asker: Asker, account: int | None, unit: int | None, start: datetime, end: datetime
) -> Select[Delivery, Account]:
    query = select(Delivery, Account).join(Account, Account.id == Delivery.account_id)
    query = query.where(Delivery.scheduled_at >= start, Delivery.scheduled_at < end)
    query = query.where(Delivery.state != DeliveryState.CANCELLED)
    query = scoped(query, Delivery.unit_id, asker.viewer, P.DELIVERY_READ)
    if account:
        query = query.where(Delivery.account_id == account)
    if unit:
        query = query.where(Delivery.unit_id == unit)
    return query.order_by(Delivery.scheduled_at, Delivery.id).limit(MOST)


def _rows(work: Work, query: Select[Delivery, Account]) -> Sequence[Row]:
    return rows_of(work.session, [(row[0], row[1]) for row in work.session.execute(query)], work.now)


def _span(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return datetime.combine(first, time(), zone), datetime.combine(last, time(), zone)


def _task(hub: Hub, asker: Asker, row: Row, zone: ZoneInfo, mark: str) -> dict[str, Any]:
    delivery = row.delivery
    title = row.titles[0] if row.titles else str(delivery.id)
    at = delivery.scheduled_at.astimezone(zone).replace(tzinfo=None)
    named = f"〔{mark}〕" if mark else ""
    if delivery.action == "withdraw":
        named = f"{say(hub, asker, _('下线'))} {named}"
    if delivery.state == DeliveryState.HELD:
        named = f"{say(hub, asker, _('暂缓'))} {named}"
    kind = "series" if delivery.series_id else "slot" if mark else "single"
    return {
        "id": str(delivery.id),
        "title": f"{named}{title} · {row.account}",
        "start": at.isoformat(timespec="minutes"),
        "url": f"/console/series/{delivery.series_id}" if delivery.series_id else f"/console/deliveries/{delivery.id}",
        "editable": delivery.state in MOVABLE and asker.may(P.BOOKING_WRITE, delivery.unit_id),
        "classNames": [
            "task",
            f"task--{'late' if row.late else row.badge}",
            f"task--{kind}",
            f"task--{delivery.action}",
        ],
        "extendedProps": {"state": _state_words(hub, asker, row), "seen": at.isoformat()},
    }


def _state_words(hub: Hub, asker: Asker, row: Row) -> str:
    """The state as it is told on hovering; of what is held, why."""
    words = hub.pages.translate(_badge_words(row), asker.language)
    return f"{words}：{row.delivery.reason}" if row.delivery.state == DeliveryState.HELD else words


def _badge_words(row: Row) -> str:
    return "超时未发" if row.late else DELIVERY_LABELS[DeliveryState(row.delivery.state)]


def _free_days(session: Session, zone: ZoneInfo, first: date, last: date) -> Iterator[dict[str, Any]]:
    workdays = Workdays(zone, declared_days(session))
    day = first
    while day < last:
        free, weekend = not workdays.is_workday(day), day.weekday() >= 5
        if free or weekend:
            words = "" if free and weekend else ("休" if free else "班")
            yield {
                "start": day.isoformat(),
                "allDay": True,
                "display": "background",
                "title": words,
                "classNames": ["day", "day--free" if free else "day--worked"],
            }
        day += timedelta(days=1)


def _quotas(
    hub: Hub, asker: Asker, session: Session, account: int, first: date, last: date
) -> Iterator[dict[str, Any]]:
    """What is left of the chosen account's quotas, day by day; of all accounts at once it would hide the tasks.

    A month's quota stands on its first day, and on the first day shown.
    """
    row = session.get(Account, account) if account else None
    if row is None or not asker.may(P.DELIVERY_READ, row.unit_id):
        return
    day = first
    while day < last:
        for one in spent(session, row, day):
            if one.period == "month" and day.day != 1 and day != first:
                continue
            label = say(hub, asker, ACTION_LABELS[one.action])
            when = "" if one.period == "day" else say(hub, asker, _("本月"))
            left = say(hub, asker, _("余 %(left)s/%(limit)s"), left=one.left, limit=one.limit)
            yield {
                "start": day.isoformat(),
                "allDay": True,
                "editable": False,
                "title": f"{when}{label} {left}",
                "classNames": ["quota", "quota--none" if one.left == 0 else "quota--some"],
            }
        day += timedelta(days=1)


def _slots(hub: Hub, asker: Asker, work: Work, account: int, first: date, last: date) -> Iterator[dict[str, Any]]:
    """The free slots of the chosen account from now on; what fills one is drawn as its task, with the slot's name."""
    session, zone = work.session, hub.settings.office_zone
    row = session.get(Account, account) if account else None
    if row is None:
        return
    starts, ends = _span(first, last, zone)
    starts = max(starts, work.now)
    busy = set(slots.busy_at(session, doubles.lane_of(session, row).id, starts, ends))
    workdays = Workdays(zone, declared_days(session))
    for slot in slots.seen_on(session, row, asker.viewer.units(P.DELIVERY_READ)):
        for at in slot.pattern.moments(starts, ends, workdays):
            if at not in busy:
                yield {
                    "start": at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes"),
                    "editable": False,
                    "title": say(hub, asker, _("空档：%(name)s"), name=slot.name),
                    "classNames": ["slot"],
                    **({"url": "/console/bookings"} if asker.may(P.BOOKING_WRITE) else {}),
                }


def _quiet(hub: Hub, asker: Asker, work: Work, account: int, first: date, last: date) -> Iterator[dict[str, Any]]:
    row = work.session.get(Account, account) if account else None
    unit_id = row.unit_id if row is not None else asker.viewer.unit_id
    hours = quiet_hours(work.session, unit_id, work.now, hub.settings.office_zone)
    if hours.starts == hours.ends:
        return
    day = first - timedelta(days=1)
    while day < last:
        ends = day if hours.starts < hours.ends else day + timedelta(days=1)
        yield {
            "start": datetime.combine(day, hours.starts).isoformat(),
            "end": datetime.combine(ends, hours.ends).isoformat(),
            "display": "background",
            "title": say(hub, asker, _("免打扰时段")),
            "classNames": ["quiet"],
        }
        day += timedelta(days=1)


def _stops(hub: Hub, asker: Asker, work: Work, zone: ZoneInfo) -> Iterator[dict[str, Any]]:
    for stop in seen_by(work.session, asker.viewer):
        begun = stop.begun_at.astimezone(zone).date()
        yield {
            "start": begun.isoformat(),
            "end": (work.now.astimezone(zone).date() + timedelta(days=1)).isoformat(),
            "allDay": True,
            "editable": False,
            "title": f"{say(hub, asker, _('一键停发'))}：{stop.reason}",
            "url": "/console/freezes",
            "classNames": ["stop"],
        }


def _cut(hub: Hub, asker: Asker, rows: Sequence[Row], zone: ZoneInfo) -> Iterator[dict[str, Any]]:
    """Where more is booked than a calendar can draw, the day from which on tasks are missing says so."""
    if len(rows) == MOST:
        words = _("只列出前 %(n)s 件，其余请按账号或单位筛选")
        yield {
            "start": rows[-1].delivery.scheduled_at.astimezone(zone).date().isoformat(),
            "allDay": True,
            "editable": False,
            "title": say(hub, asker, words, n=MOST),
            "classNames": ["stop"],
        }


def _day(text: str) -> date | None:
    """A day of the address; anything else, or a day out of any calendar, counts as today."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 9000 else None
