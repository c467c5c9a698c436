"""准点率: how late things were handed on, day by day, and the share within ten seconds; drawn, tabled, taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from analytics.metrics import METRICS
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.charts import Chart, Period, Series, Sheet, period_of, period_options, workbook
from hub.web.lists import listing
from hub.web.pages import page, say
from kernel.people import Permission
from kernel.work import Work
from scheduler.figures import DayOfSending, days_of
from templates.catalogue import _
from templates.views import Column, NavItem

router = APIRouter(prefix="/console/punctuality")

P = Permission
Reader = Annotated[Asker, Depends(may(P.DELIVERY_READ))]
HEADS = (
    _("日期"),
    _("已送出"),
    _("10 秒内送出"),
    _("十秒内发出率"),
    _("时延（中位）"),
    _("时延（95 分位）"),
    _("到点未送出"),
)


@router.get("")
def punctuality(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The figures of a period, every day of it, and what they mean."""
    asked = listing(request, "days")
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, hub.settings.office_zone)
        days = measured(hub, work, asker, period)
    return page(
        request,
        asker,
        "pages/insights/punctuality.html",
        period=period,
        tabs=[
            NavItem(label, f"/console/punctuality?days={value}", current=value == str(period.days))
            for value, label in period_options(hub, asker)
        ],
        metrics=[METRICS["on_time"], METRICS["lateness_p95"]],
        **drawn(hub, asker, days),
    )


@router.get("/workbook")
def punctuality_workbook(request: Request, hub: HubDep, asker: Reader) -> Response:
    """The same as a workbook."""
    asked = listing(request, "days")
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, zone)
        days = measured(hub, work, asker, period)
    rows = [
        (one.day.isoformat(), one.handed_on, one.in_time, one.percent, one.p50, one.p95, one.not_out) for one in days
    ]
    heads = [say(hub, asker, head) for head in HEADS]
    name = f"punctuality-{period.until.astimezone(zone).date().isoformat()}"
    return workbook(name, zone, Sheet(say(hub, asker, _("准点率")), heads, rows))


def measured(hub: Hub, work: Work, asker: Asker, period: Period) -> list[DayOfSending]:
    """Every day of the period, of the units whose deliveries this person sees."""
    units = asker.viewer.units(P.DELIVERY_READ)
    return days_of(work.session, units, period.since, period.until, hub.settings.office_zone)


def drawn(hub: Hub, asker: Asker, days: Sequence[DayOfSending]) -> dict[str, Any]:
    """The drawing, its table, and the sums of all these days."""
    handed_on, in_time = sum(one.handed_on for one in days), sum(one.in_time for one in days)
    return {
        "days": list(reversed(days)),
        "day_heads": [Column(say(hub, asker, head), kind="figure" if n else "text") for n, head in enumerate(HEADS)],
        "handed_on": handed_on,
        "share": round(100 * in_time / handed_on, 1) if handed_on else None,
        "not_out": sum(one.not_out for one in days),
        "share_chart": Chart(
            "line",
            say(hub, asker, _("每天 10 秒内送出的占比")),
            "%",
            [one.day.isoformat()[5:] for one in days],
            [Series(say(hub, asker, _("十秒内发出率")), [one.percent for one in days])],
        ),
        "lateness_chart": Chart(
            "line",
            say(hub, asker, _("每天的时延")),
            say(hub, asker, _("秒")),
            [one.day.isoformat()[5:] for one in days],
            [
                Series(say(hub, asker, _("时延（中位）")), [one.p50 for one in days]),
                Series(say(hub, asker, _("时延（95 分位）")), [one.p95 for one in days]),
            ],
        ),
    }
