"""好差评: the five levels per service item, and whether the low ones were set right in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from analytics import service_ratings
from analytics.metrics import METRICS
from analytics.service_ratings import ItemRated, SetRight, summed
from bot.models import Ticket
from bot.publishing import mask
from bot.states import RATINGS, TICKET_LABELS, TicketState
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.charts import Cell, Chart, Period, Series, Sheet, period_of, period_options, workbook
from hub.web.lists import listing
from hub.web.pages import page, say
from hub.web.response import percent
from kernel.people import Permission
from kernel.work import Work
from templates.catalogue import _
from templates.views import Column, NavItem

router = APIRouter(prefix="/console/ratings")

Reader = Annotated[Asker, Depends(may(Permission.REPORT_READ))]
DRAWN = 10
SET_RIGHT_HEADS = (
    _("整改编号"), _("办事事项"), _("评价等级"), _("整改单位"), _("开具时间"), _("整改期限"), _("整改完成时间"),
    _("销号时间"), _("整改状态"), _("是否按期"), _("整改结果"),
)  # fmt: skip


@router.get("")
def ratings(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The items of one's units rated in a period, and what became of the low ratings."""
    asked = listing(request, "days")
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, hub.settings.office_zone)
        rows, righted = _measured(work, asker, period)
    levels = summed(rows)
    return page(
        request,
        asker,
        "pages/insights/ratings.html",
        rows=[(row, percent(row.share)) for row in rows],
        total=sum(levels),
        share=percent(service_ratings.share_of(levels)),
        righted=righted,
        righted_share=percent(righted.share),
        metrics=[METRICS["service_satisfaction"], METRICS["set_right_in_time"]],
        levels=[say(hub, asker, one) for one in RATINGS],
        period=period,
        tabs=[
            NavItem(label, f"/console/ratings?days={value}", current=value == str(period.days))
            for value, label in period_options(hub, asker)
        ],
        columns=[
            Column(say(hub, asker, _("办事事项"))),
            *(Column(say(hub, asker, one), kind="figure") for one in RATINGS),
            Column(say(hub, asker, _("满意率")), kind="figure"),
        ],
        chart=_chart(hub, asker, rows[:DRAWN]),
    )


@router.get("/workbook")
def ratings_workbook(request: Request, hub: HubDep, asker: Reader) -> Response:
    """The same table as a workbook."""
    asked, zone = listing(request, "days"), hub.settings.office_zone
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, zone)
        rows, _righted = _measured(work, asker, period)
        set_right = [_set_right(hub, asker, *one, work.now) for one in _opened(work, asker, period)]
    heads = (_("办事事项"), _("单位"), *RATINGS, _("满意率"))
    return workbook(
        f"ratings-{period.until.astimezone(zone).date().isoformat()}",
        zone,
        Sheet(
            say(hub, asker, _("好差评")),
            [say(hub, asker, one) for one in heads],
            [(row.title, row.unit, *row.levels, percent(row.share)) for row in rows],
        ),
        Sheet(say(hub, asker, _("整改")), [say(hub, asker, one) for one in SET_RIGHT_HEADS], set_right),
    )


def _measured(work: Work, asker: Asker, period: Period) -> tuple[list[ItemRated], SetRight]:
    units = asker.viewer.units(Permission.REPORT_READ)
    rows = service_ratings.rated(work.session, units, period.since, period.until)
    return rows, service_ratings.set_right(work.session, units, period.since, period.until, work.now)


def _opened(work: Work, asker: Asker, period: Period) -> Sequence[tuple[Ticket, int, str, str]]:
    units = asker.viewer.units(Permission.REPORT_READ)
    return service_ratings.opened(work.session, units, period.since, period.until)


def _set_right(
    hub: Hub, asker: Asker, ticket: Ticket, score: int, title: str, unit: str, now: datetime
) -> tuple[Cell, ...]:
    """One 整改; whether it was in time is open until it is done or late."""
    done = ticket.answered_at
    in_time = None if done is None and now <= ticket.due_at else done is not None and done <= ticket.due_at
    return (
        ticket.number,
        title,
        say(hub, asker, RATINGS[score - 1]),
        unit,
        ticket.created_at,
        ticket.due_at,
        done,
        ticket.closed_at,
        say(hub, asker, TICKET_LABELS[TicketState(ticket.state)]),
        "" if in_time is None else say(hub, asker, _("是") if in_time else _("否")),
        mask(ticket.answer),
    )


def _chart(hub: Hub, asker: Asker, rows: Sequence[ItemRated]) -> Chart:
    series = [Series(say(hub, asker, name), [row.levels[place] for row in rows]) for place, name in enumerate(RATINGS)]
    label = say(hub, asker, _("各事项的好差评次数"))
    return Chart("bar", label, say(hub, asker, _("次")), [row.title for row in rows], series)
