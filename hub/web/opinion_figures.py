"""舆情回应的统计: responded within 5, 24 and 48 hours, late and overdue, drawn over the months."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from analytics import opinion
from analytics.metrics import METRICS
from analytics.opinion import WITHIN, Responded
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.charts import Chart, Period, Series, Sheet, period_of, period_options, workbook
from hub.web.lists import listing
from hub.web.pages import page, say
from hub.web.response import percent
from kernel.people import Permission
from kernel.work import Work
from templates.catalogue import _
from templates.views import Column, NavItem

router = APIRouter(prefix="/console/opinion/figures")

Reader = Annotated[Asker, Depends(may(Permission.REPORT_READ))]
WITHIN_LABELS = {5: _("5 小时内回应"), 24: _("24 小时内回应"), 48: _("48 小时内回应")}
HEADS = (_("发现"), *WITHIN_LABELS.values(), _("48 小时后回应"), _("未回应"), _("不予回应"))
PARTS = 6


@router.get("")
def figures(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The cases of one's units found in a period, in equal parts of it."""
    asked = listing(request, "days")
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, hub.settings.office_zone)
        whole = measured(work, asker, period)
        parts = _parts(hub, work, asker, period)
    return page(
        request,
        asker,
        "pages/opinion/figures.html",
        whole=whole,
        within=[(WITHIN_LABELS[hours], whole.within[hours]) for hours in WITHIN],
        share=percent(whole.share),
        metric=METRICS["opinion_in_time"],
        period=period,
        rows=[(label, _cells(found)) for label, found in parts],
        tabs=[
            NavItem(label, f"/console/opinion/figures?days={value}", current=value == str(period.days))
            for value, label in period_options(hub, asker)
        ],
        columns=[Column(say(hub, asker, _("发现时间")))]
        + [Column(say(hub, asker, one), kind="figure") for one in HEADS],
        heads=[say(hub, asker, one) for one in HEADS],
        chart=_chart(hub, asker, parts),
    )


@router.get("/workbook")
def figures_workbook(request: Request, hub: HubDep, asker: Reader) -> Response:
    """The same table as a workbook."""
    asked, zone = listing(request, "days"), hub.settings.office_zone
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, zone)
        parts = _parts(hub, work, asker, period)
    return workbook(
        f"opinion-{period.until.astimezone(zone).date().isoformat()}",
        zone,
        Sheet(
            say(hub, asker, _("舆情回应")),
            [say(hub, asker, one) for one in (_("发现时间"), *HEADS)],
            [(label, *_cells(found)) for label, found in parts],
        ),
    )


def measured(work: Work, asker: Asker, period: Period) -> Responded:
    """The figures of a period for the units whose reports a person reads."""
    units = asker.viewer.units(Permission.REPORT_READ)
    return opinion.responded(work.session, units, period.since, period.until, work.now)


def _parts(hub: Hub, work: Work, asker: Asker, period: Period) -> list[tuple[str, Responded]]:
    """The period in as many equal parts, named by their first day."""
    length, units = timedelta(days=-(-period.days // PARTS)), asker.viewer.units(Permission.REPORT_READ)
    found, since = [], period.since
    while since < period.until:
        # Up to, and not with, the next part's first moment.
        until = min(since + length, period.until) - (
            timedelta(0) if since + length >= period.until else timedelta(microseconds=1)
        )
        day = since.astimezone(hub.settings.office_zone).date().isoformat()
        found.append((day, opinion.responded(work.session, units, since, until, work.now)))
        since += length
    return found


def _cells(found: Responded) -> tuple[int, ...]:
    return (found.found, *(found.within[hours] for hours in WITHIN), found.later, found.waiting, found.declined)


def _chart(hub: Hub, asker: Asker, parts: list[tuple[str, Responded]]) -> Chart:
    labels = [label[5:] for label, _found in parts]
    series = [
        Series(say(hub, asker, WITHIN_LABELS[hours]), [found.within[hours] for _label, found in parts])
        for hours in WITHIN
    ]
    late = Series(say(hub, asker, _("未回应")), [found.waiting for _label, found in parts])
    return Chart("bar", say(hub, asker, _("舆情首次回应用时")), say(hub, asker, _("件")), labels, [*series, late])
