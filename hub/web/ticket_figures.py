"""工单统计: per handling unit what came, what was answered in time, what is overdue now; drawn, tabled, taken away."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from analytics.metrics import METRICS
from analytics.tickets import UnitHandled, handled
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.charts import Chart, Period, Series, Sheet, period_of, period_options, workbook
from hub.web.lists import listing
from hub.web.pages import page, say
from kernel.people import Permission
from kernel.work import Work
from templates.catalogue import _
from templates.views import Column, NavItem

router = APIRouter(prefix="/console/ticket-figures")

Reader = Annotated[Asker, Depends(may(Permission.REPORT_READ))]
HEADS = (
    _("承办单位"),
    _("受理"),
    _("已答复"),
    _("按期答复"),
    _("按期答复率"),
    _("办理中"),
    _("现已超期"),
    _("催办"),
    _("延期"),
    _("二次办理"),
    _("回访满意率"),
)


@router.get("")
def ticket_figures(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The figures of a period, unit by unit."""
    period, rows = _measured(request, hub, asker)
    due = sum(one.answered + one.overdue for one in rows)
    return page(
        request,
        asker,
        "pages/tickets/figures.html",
        period=period,
        tabs=[
            NavItem(label, f"/console/ticket-figures?days={value}", current=value == str(period.days))
            for value, label in period_options(hub, asker)
        ],
        rows=rows,
        heads=[Column(say(hub, asker, head), kind="figure" if n else "text") for n, head in enumerate(HEADS)],
        made=sum(one.made for one in rows),
        overdue=sum(one.overdue for one in rows),
        share=round(100 * sum(one.in_time for one in rows) / due, 1) if due else None,
        chart=_drawn(hub, asker, rows),
        metrics=[METRICS["tickets_in_time"], METRICS["tickets_content"]],
    )


@router.get("/workbook")
def ticket_workbook(request: Request, hub: HubDep, asker: Reader) -> Response:
    """The same as a workbook."""
    period, rows = _measured(request, hub, asker)
    zone = hub.settings.office_zone
    cells = [
        (one.unit, one.made, one.answered, one.in_time, one.share, one.waiting, one.overdue, one.urged, one.extended,
         one.again, one.content)
        for one in rows
    ]  # fmt: skip
    name = f"tickets-{period.until.astimezone(zone).date().isoformat()}"
    return workbook(name, zone, Sheet(say(hub, asker, _("工单统计")), [say(hub, asker, head) for head in HEADS], cells))


def _measured(request: Request, hub: Hub, asker: Asker) -> tuple[Period, list[UnitHandled]]:
    asked = listing(request, "days")
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, hub.settings.office_zone)
        return period, _of(work, asker, period)


def _of(work: Work, asker: Asker, period: Period) -> list[UnitHandled]:
    units = asker.viewer.units(Permission.REPORT_READ)
    return handled(work.session, units, period.since, period.until, work.now)


def _drawn(hub: Hub, asker: Asker, rows: list[UnitHandled]) -> Chart:
    shown = rows[:20]
    return Chart(
        "bar",
        say(hub, asker, _("各单位的按期答复与现已超期")),
        say(hub, asker, _("件")),
        [one.unit for one in shown],
        [
            Series(say(hub, asker, _("按期答复")), [one.in_time for one in shown]),
            Series(say(hub, asker, _("现已超期")), [one.overdue for one in shown]),
        ],
    )
