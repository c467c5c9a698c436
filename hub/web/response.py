"""响应时间: how soon people answered citizens, the bot's time apart, with the conversations behind every figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select

from analytics import response
from analytics.metrics import METRICS, Metric
from analytics.response import DayOfWork, ResponseTimes
from bot import rules
from bot.models import Conversation, Rating
from bot.states import CONVERSATION_LABELS
from bot.team.manned import Manned, turns_since
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.charts import Chart, Period, Series, Sheet, period_of, period_options, workbook
from hub.web.deliveries import channel_label
from hub.web.lists import day_end, day_start, listing
from hub.web.pages import page, say
from kernel.people import Permission
from kernel.work import Work
from kernel.workdays import Workdays
from templates.catalogue import _
from templates.views import Column, NavItem

router = APIRouter(prefix="/console/response")

Reader = Annotated[Asker, Depends(may(Permission.REPORT_READ))]
SORTS = {"opened": Conversation.opened_at, "handed": Conversation.handed_off_at, "closed": Conversation.closed_at}
SHOW_LABELS = {
    "handed": _("转人工"),
    "answered": _("坐席已答复"),
    "waiting": _("等待答复"),
    "resolved": _("转人工并已办结"),
    "closed": _("已结束"),
    "bot": _("机器人独立解答"),
    "rated": _("已评价"),
}
SCORES = {1: _("非常满意"), 2: _("满意"), 3: _("基本满意"), 4: _("不满意"), 5: _("非常不满意")}


@dataclass(frozen=True)
class Figure:
    """One figure of the page: its metric's meaning, what it is now, and which conversations stand behind it."""

    label: str
    value: float | None
    unit: str
    show: str
    metric: Metric | None = None
    note: str = ""


@router.get("")
def times(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The figures of a period with the meaning of each, and every day of it."""
    asked = listing(request, "days")
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, hub.settings.office_zone)
        found, days, hours = measured(hub, work, asker, period)
    return page(
        request,
        asker,
        "pages/insights/response.html",
        figures=figures_of(found),
        found=found,
        hours=hours,
        period=period,
        tabs=[
            NavItem(label, f"/console/response?days={value}", current=value == str(period.days))
            for value, label in period_options(hub, asker)
        ],
        days=[(one, minutes(one.first_response)) for one in reversed(days)],
        heads={
            "days": [
                Column(say(hub, asker, _("日期"))),
                Column(say(hub, asker, _("转人工")), kind="figure"),
                Column(say(hub, asker, _("坐席已答复")), kind="figure"),
                Column(say(hub, asker, _("首次响应中位数（分钟）")), kind="figure"),
            ],
            "meanings": [
                Column(say(hub, asker, _("指标"))),
                Column(say(hub, asker, _("数值")), kind="figure"),
                Column(say(hub, asker, _("回答的问题"))),
                Column(say(hub, asker, _("算法"))),
            ],
        },
        handed_chart=_handed_chart(hub, asker, days),
        times_chart=_times_chart(hub, asker, days),
    )


@router.get("/workbook")
def times_workbook(request: Request, hub: HubDep, asker: Reader) -> Response:
    """The same as a workbook: the figures with their meaning, then every day."""
    asked = listing(request, "days")
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, zone)
        found, days, _hours = measured(hub, work, asker, period)

    def words(*texts: str) -> list[str]:
        return [say(hub, asker, text) for text in texts]

    return workbook(
        f"response-{period.until.astimezone(zone).date().isoformat()}",
        zone,
        Sheet(
            say(hub, asker, _("指标")),
            words(_("指标"), _("数值"), _("计量单位"), _("口径")),
            [
                (*words(one.label), one.value, *words(one.unit, one.metric.formula if one.metric else ""))
                for one in figures_of(found)
            ],
        ),
        Sheet(
            say(hub, asker, _("逐日")),
            words(_("日期"), _("转人工"), _("坐席已答复"), _("首次响应中位数（分钟）")),
            [(one.day.isoformat(), one.handed_off, one.answered, minutes(one.first_response)) for one in days],
        ),
    )


@router.get("/conversations")
def conversations(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The conversations behind a figure: when each was opened, handed over, answered, closed; not what was said."""
    asked = listing(request, "days", "show", "day", sort="-opened")
    zone = hub.settings.office_zone
    start, end = day_start(asked.value("day"), zone, "day"), day_end(asked.value("day"), zone, "day")
    show = asked.value("show") if asked.value("show") in response.SHOWN else ""
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, zone)
        query = response.conversations(asker.viewer, period.since, period.until, show)
        if start and end:
            query = query.where(Conversation.handed_off_at >= start, Conversation.handed_off_at < end)
        found, state = asked.take(work.session, query, SORTS, Conversation.id.desc())
        rows = [row[0] for row in found]
        rated = select(Rating).where(Rating.conversation_id.in_([row.id for row in rows]))
        scores = {row.conversation_id: row.score for row in work.session.scalars(rated)}
        desks = Desks(hub, work, period.since)
        times = {row.id: _times_of(row, desks.of(row.unit_id)) for row in rows}
    return page(
        request,
        asker,
        "pages/insights/conversations.html",
        rows=[(row, channel_label(row.channel), *times[row.id], scores.get(row.id)) for row in rows],
        labels={name.value: label for name, label in CONVERSATION_LABELS.items()},
        scores=SCORES,
        state=state,
        periods=period_options(hub, asker),
        shows=[(name, say(hub, asker, label)) for name, label in SHOW_LABELS.items()],
        columns=[
            Column(say(hub, asker, _("开始")), "opened"),
            Column(say(hub, asker, _("渠道")), ""),
            Column(say(hub, asker, _("状态")), ""),
            Column(say(hub, asker, _("转人工")), "handed"),
            Column(say(hub, asker, _("首次响应")), "", "figure"),
            Column(say(hub, asker, _("办结用时")), "closed", "figure"),
            Column(say(hub, asker, _("评价")), ""),
        ],
    )


def measured(hub: Hub, work: Work, asker: Asker, period: Period) -> tuple[ResponseTimes, list[DayOfWork], str]:
    """The figures of the period, its days, and the office hours that were counted, in words.

    Supervisors of the same units who look in the same moment get what was worked out for the first of them.
    """

    def found() -> tuple[ResponseTimes, list[DayOfWork], str]:
        desks = Desks(hub, work, period.since)
        people = response.handed(work.session, asker.viewer, desks.of, period.since, period.until)
        whole = response.response_times(work.session, asker.viewer, people, period.since, period.until)
        return whole, response.by_day(people, period.since, period.until, hub.settings.office_zone), desks.words(asker)

    who = asker.viewer
    return hub.kept.get(("response", who.unit_id, who.units(Permission.REPORT_READ), period.since), found)


def figures_of(found: ResponseTimes) -> list[Figure]:
    """Every figure of the page in its order."""
    return [
        Figure(_("转人工"), found.handed_off, _("件"), "handed"),
        _figure("first_response", minutes(found.first_response), "answered"),
        _figure("first_response_p90", minutes(found.first_response_p90), "answered"),
        _figure("resolution", minutes(found.resolution), "resolved"),
        _figure("bot_share", percent(found.bot_share), "bot"),
        _figure("satisfaction", percent(found.satisfaction), "rated"),
        Figure(_("等待答复"), found.waiting, _("件"), "waiting"),
    ]


def minutes(time: timedelta | None) -> float | None:
    """A time in minutes, to one decimal."""
    return None if time is None else round(time.total_seconds() / 60, 1)


def percent(share: float | None) -> float | None:
    """A share in percent, to one decimal."""
    return None if share is None else round(share * 100, 1)


def _figure(name: str, value: float | None, show: str) -> Figure:
    metric = METRICS[name]
    return Figure(metric.label, value, metric.unit, show, metric)


@dataclass
class Desks:
    """When the desks that are counted were manned since a moment, read once for each unit."""

    hub: Hub
    work: Work
    since: datetime
    read: dict[int, tuple[str, Manned]] = field(default_factory=dict)

    def of(self, unit_id: int) -> Workdays:
        """What a unit's working time is reckoned by: what a citizen waits beyond it is not held against the desk."""
        if unit_id not in self.read:
            hours = rules.hours_of(self.work.session, unit_id, self.hub.settings.office_zone, self.work.now)
            turns = turns_since(self.work.session, unit_id, self.since)
            self.read[unit_id] = hours.words, Manned(hours.usual, turns)
        return self.read[unit_id][1]

    def words(self, asker: Asker) -> str:
        """The hours as people read them, where all that were counted keep the same."""
        if not self.read:
            self.of(asker.viewer.unit_id)
        told = {words for words, _manned in self.read.values()}
        return told.pop() if len(told) == 1 else _("各单位自己的服务时间")


def _times_of(row: Conversation, workdays: Workdays) -> tuple[float | None, float | None]:
    """Working minutes from the handoff to the first answer and to the end."""
    handed = row.handed_off_at
    if handed is None:
        return None, None
    ends = (row.first_reply_at, row.closed_at)
    first, whole = (minutes(workdays.working_time(handed, end)) if end else None for end in ends)
    return first, whole


def _handed_chart(hub: Hub, asker: Asker, days: Sequence[DayOfWork]) -> Chart:
    return Chart(
        "bar",
        say(hub, asker, _("每天转人工的会话数")),
        say(hub, asker, _("件")),
        [one.day.isoformat()[5:] for one in days],
        [Series(say(hub, asker, _("转人工")), [one.handed_off for one in days])],
    )


def _times_chart(hub: Hub, asker: Asker, days: Sequence[DayOfWork]) -> Chart:
    return Chart(
        "line",
        say(hub, asker, _("每天首次响应时间的中位数")),
        say(hub, asker, _("分钟")),
        [one.day.isoformat()[5:] for one in days],
        [Series(say(hub, asker, _("首次响应中位数")), [minutes(one.first_response) for one in days])],
    )
