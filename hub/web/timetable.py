"""发布日历: what goes out on which account, day by day, as a plain timetable."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from channels.accounts.models import Account
from hub.web.access import Asker, HubDep, may
from hub.web.deliveries import Row, rows_of
from hub.web.lists import listing
from hub.web.pages import page, say
from kernel.people import Permission, scoped
from scheduler.models import Delivery
from scheduler.states import DeliveryState
from templates.catalogue import _
from templates.views import ListState

router = APIRouter(prefix="/console/calendar")

Reader = Annotated[Asker, Depends(may(Permission.DELIVERY_READ))]
DAYS = 7
MOST = 2000
WEEKDAYS = (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))


@router.get("")
def timetable(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Seven days from the day asked for, else from today, of one account or of all."""
    asked = listing(request, "from", "account")
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        today = work.now.astimezone(zone).date()
        first = _day(asked.value("from")) or today
        start = datetime.combine(first, time(), zone)
        end = datetime.combine(first + timedelta(days=DAYS), time(), zone)
        query = select(Delivery, Account).join(Account, Account.id == Delivery.account_id)
        query = query.where(Delivery.scheduled_at >= start, Delivery.scheduled_at < end)
        query = query.where(Delivery.state != DeliveryState.CANCELLED)
        query = scoped(query, Delivery.unit_id, asker.viewer, Permission.DELIVERY_READ)
        if asked.number("account"):
            query = query.where(Delivery.account_id == asked.number("account"))
        found = work.session.execute(query.order_by(Delivery.scheduled_at, Delivery.id).limit(MOST))
        rows = rows_of(work.session, [(row[0], row[1]) for row in found], work.now)
        used = scoped(select(Delivery.account_id), Delivery.unit_id, asker.viewer, Permission.DELIVERY_READ)
        accounts = work.session.scalars(select(Account).where(Account.id.in_(used)).order_by(Account.id)).all()
    by_day: dict[date, list[Row]] = {first + timedelta(days=n): [] for n in range(DAYS)}
    for row in rows:
        by_day[row.delivery.scheduled_at.astimezone(zone).date()].append(row)
    return page(
        request,
        asker,
        "pages/bookings/calendar.html",
        days=[(day, say(hub, asker, WEEKDAYS[day.weekday()]), day == today, rows) for day, rows in by_day.items()],
        state=ListState("/console/calendar", {"account": asked.value("account"), "from": asked.value("from")}),
        accounts=[(account.id, account.name) for account in accounts],
        before=(first - timedelta(days=DAYS)).isoformat(),
        after=(first + timedelta(days=DAYS)).isoformat(),
        may_book=asker.may(Permission.BOOKING_WRITE),
    )


def _day(text: str) -> date | None:
    """A day of the address; anything else, or a day out of any calendar, counts as today."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 9000 else None
