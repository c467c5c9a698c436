"""响应时间分项: waiting, first response and resolution by channel, agent, hour, reason and class; page and xlsx."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from analytics.response_parts import Part, Parts, parts
from bot.handoff import REASON_LABELS
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.charts import Cell, Chart, Period, Series, Sheet, period_of, period_options, workbook
from hub.web.deliveries import channel_label
from hub.web.lists import listing
from hub.web.pages import page, say
from hub.web.response import Desks, minutes, percent
from kernel.people import Permission
from kernel.work import Work
from templates.catalogue import _
from templates.views import Column, NavItem

router = APIRouter(prefix="/console/response")

Reader = Annotated[Asker, Depends(may(Permission.REPORT_READ))]
HEADS = (
    _("会话"),
    _("转人工"),
    _("坐席已答复"),
    _("等待（分钟）"),
    _("首次响应（分钟）"),
    _("办结（分钟）"),
    _("机器人解答（%）"),
)
NOT_KNOWN = _("未记录")


@dataclass(frozen=True)
class Table:
    """One table: what its rows are, the rows, and a drawing of them."""

    label: str
    rows: Sequence[Sequence[Cell]]
    chart: Chart | None


@router.get("/parts")
def in_parts(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every table of a period."""
    asked = listing(request, "days")
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, hub.settings.office_zone)
        hours, tables = _tables(hub, work, asker, period)
    return page(
        request,
        asker,
        "pages/insights/response_parts.html",
        tables=tables,
        heads=[_heads(hub, asker, table) for table in tables],
        hours=hours,
        period=period,
        tabs=[
            NavItem(label, f"/console/response/parts?days={value}", current=value == str(period.days))
            for value, label in period_options(hub, asker)
        ],
    )


@router.get("/parts/workbook")
def parts_workbook(request: Request, hub: HubDep, asker: Reader) -> Response:
    """The same tables as a workbook, one sheet each."""
    asked = listing(request, "days")
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, zone)
        _hours, tables = _tables(hub, work, asker, period)
    heads = [say(hub, asker, one) for one in HEADS]
    sheets = [Sheet(table.label, [table.label, *heads], table.rows) for table in tables]
    return workbook(f"response-parts-{period.until.astimezone(zone).date().isoformat()}", zone, *sheets)


def _tables(hub: Hub, work: Work, asker: Asker, period: Period) -> tuple[str, list[Table]]:
    zone = hub.settings.office_zone
    desks = Desks(hub, work, period.since)
    found = parts(work.session, asker.viewer, desks.of, period.since, period.until, zone)
    return desks.words(asker), [*_of(hub, asker, found)]


def _of(hub: Hub, asker: Asker, found: Parts) -> list[Table]:
    def named(key: str, labels: dict[str, str]) -> str:
        return say(hub, asker, labels.get(key) or key or NOT_KNOWN)

    channels = {part.key: channel_label(part.key) for part in found.channels}
    told = [
        (_("渠道"), found.channels, channels),
        (_("坐席"), found.agents, {}),
        (_("开始时段"), found.hours, {}),
        (_("转人工原因"), found.reasons, REASON_LABELS),
        (_("归口分类"), found.classes, {}),
    ]
    tables = []
    for label, rows, labels in told:
        cells = [_cells(named(part.key, labels), part) for part in rows]
        tables.append(Table(say(hub, asker, label), cells, _chart(hub, asker, label, cells, rows)))
    return tables


def _cells(key: str, part: Part) -> Sequence[Cell]:
    return (
        key,
        part.conversations,
        part.handed_off,
        part.answered,
        minutes(part.waited),
        minutes(part.first_response),
        minutes(part.resolution),
        percent(part.bot_share),
    )


def _heads(hub: Hub, asker: Asker, table: Table) -> list[Column]:
    return [Column(table.label), *(Column(say(hub, asker, one), kind="figure") for one in HEADS)]


def _chart(hub: Hub, asker: Asker, label: str, cells: Sequence[Sequence[Cell]], rows: Sequence[Part]) -> Chart | None:
    if not rows:
        return None
    series = [
        Series(say(hub, asker, _("会话")), [part.conversations for part in rows]),
        Series(say(hub, asker, _("转人工")), [part.handed_off for part in rows]),
    ]
    return Chart("bar", say(hub, asker, label), say(hub, asker, _("件")), [str(row[0]) for row in cells], series)
