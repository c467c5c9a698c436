"""转载任务的统计: in time, late and missed for each account, drawn, with the tasks behind every figure."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from analytics import reposts
from analytics.metrics import METRICS
from analytics.reposts import Kept
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.charts import Chart, Period, Series, Sheet, period_of, period_options, workbook
from hub.web.lists import listing
from hub.web.pages import page, say
from hub.web.reposts import named
from hub.web.response import percent
from kernel.people import Permission
from kernel.work import Work
from templates.catalogue import _
from templates.views import Column, NavItem

router = APIRouter(prefix="/console/reposts/figures")

Reader = Annotated[Asker, Depends(may(Permission.REPORT_READ))]
HEADS = (_("按时转载"), _("超时转载"), _("已超期未转载"), _("未到期"), _("不适用"), _("按时率（%）"))


@router.get("")
def figures(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The accounts of one's units over a period."""
    asked = listing(request, "days")
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, hub.settings.office_zone)
        units = asker.viewer.units(Permission.REPORT_READ)
        rows = _rows(work, asker, period)
        whole = reposts.kept(work.session, units, period.since, period.until, work.now)
    return page(
        request,
        asker,
        "pages/reposts/figures.html",
        rows=[(number, name, found, percent(found.share)) for number, name, found in rows],
        whole=whole,
        share=percent(whole.share),
        metric=METRICS["reposts_in_time"],
        period=period,
        tabs=[
            NavItem(label, f"/console/reposts/figures?days={value}", current=value == str(period.days))
            for value, label in period_options(hub, asker)
        ],
        columns=[Column(say(hub, asker, _("账号")))] + [Column(say(hub, asker, one), kind="figure") for one in HEADS],
        chart=_chart(hub, asker, rows),
    )


@router.get("/workbook")
def figures_workbook(request: Request, hub: HubDep, asker: Reader) -> Response:
    """The same table as a workbook."""
    asked, zone = listing(request, "days"), hub.settings.office_zone
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, zone)
        rows = _rows(work, asker, period)
    return workbook(
        f"reposts-{period.until.astimezone(zone).date().isoformat()}",
        zone,
        Sheet(
            say(hub, asker, _("转载任务")),
            [say(hub, asker, one) for one in (_("账号"), *HEADS)],
            [
                (name, one.on_time, one.late, one.missed, one.waiting, one.excused, percent(one.share))
                for _number, name, one in rows
            ],
        ),
    )


def _rows(work: Work, asker: Asker, period: Period) -> list[tuple[int, str, Kept]]:
    units = asker.viewer.units(Permission.REPORT_READ)
    found = reposts.by_account(work.session, units, period.since, period.until, work.now)
    return [(number, named(name, channel), kept) for number, name, channel, kept in found]


def this_month(hub: Hub, work: Work, asker: Asker) -> Kept:
    """The usual period's figures, for the manager's part of the workbench."""
    period = period_of("", work, hub.settings.office_zone)
    units = asker.viewer.units(Permission.REPORT_READ)
    return reposts.kept(work.session, units, period.since, period.until, work.now)


def _chart(hub: Hub, asker: Asker, rows: list[tuple[int, str, Kept]]) -> Chart:
    def series(label: str, values: list[int]) -> Series:
        return Series(say(hub, asker, label), values)

    return Chart(
        "bar",
        say(hub, asker, _("各账号的转载任务")),
        say(hub, asker, _("件")),
        [name for _number, name, _found in rows],
        [
            series(_("按时转载"), [found.on_time for _number, _name, found in rows]),
            series(_("超时转载"), [found.late for _number, _name, found in rows]),
            series(_("已超期未转载"), [found.missed for _number, _name, found in rows]),
        ],
    )
