"""传播分析: what was read where, channel beside channel, and the rows behind every figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select

from analytics import reach
from analytics.metrics import METRICS
from analytics.models import PageRead
from analytics.reach import ChannelReach, PieceReach, Wanted
from channels.registry import channels as installed
from content.models import Piece
from hub import editorial
from hub.editorial import piece_for
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.charts import Chart, Period, Series, Sheet, period_of, period_options, workbook
from hub.web.deliveries import channel_label
from hub.web.lists import Listing, day_end, day_start, listing
from hub.web.pages import columns, page, say
from hub.web.people import units_in_reach
from kernel.people import Permission, scoped
from scheduler.states import PLACEMENT_LABELS, PlacementState
from templates.catalogue import _
from templates.views import Column

router = APIRouter(prefix="/console/reach")

P = Permission
Reader = Annotated[Asker, Depends(may(P.REPORT_READ))]
SORTS = {"title": Piece.title, "published": Piece.first_published_at}
READ_SORTS = {"hour": PageRead.hour, "reads": PageRead.reads, "title": Piece.title}
MOST_IN_WORKBOOK = 5000
CURVE = timedelta(days=7)
MOST_READINGS = 90

# A platform's own figures by the names of channels.base.Reading.
FIGURE_LABELS = {
    "reads": _("阅读次数"),
    "readers": _("阅读人数"),
    "shares": _("分享"),
    "likes": _("点赞"),
    "recommends": _("推荐"),
    "favourites": _("收藏"),
    "comments": _("评论"),
    "sent": _("下发"),
    "delivered": _("送达"),
}

WORKBOOK_HEADS = (
    _("稿件编号"),
    _("标题"),
    _("发布时间"),
    _("渠道"),
    _("账号"),
    _("现状"),
    _("阅读次数"),
    _("带来访问"),
)


@dataclass(frozen=True)
class Row:
    """One piece of the list with its figures by channel."""

    reach: PieceReach
    by_channel: Mapping[str, Sequence[ChannelReach]]


@router.get("")
def pieces_read(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The pieces published in a period, every channel's figure side by side, and when the portal was read."""
    asked = listing(request, "days", "unit", "column", sort="-published")
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, zone)
        wanted = wanted_of(asked, period)
        found, state = asked.take(work.session, reach.recent(asker.viewer, wanted), SORTS, Piece.id.desc())
        rows = [_row(one) for one in reach.of_pieces(work.session, [row[0] for row in found])]
        days = reach.days_read(work.session, asker.viewer, wanted, zone)
        hours = reach.by_hour(work.session, asker.viewer, wanted, zone)
        units = units_in_reach(work.session, asker, P.REPORT_READ)
        options = editorial.columns_for(work.session, asker.viewer, P.REPORT_READ)
    shown = order_of({name for row in rows for name in row.by_channel})
    heads = [Column(say(hub, asker, _("标题")), "title"), Column(say(hub, asker, _("发布时间")), "published")]
    return page(
        request,
        asker,
        "pages/insights/reach.html",
        rows=rows,
        state=state,
        columns=[*heads, *(Column(say(hub, asker, channel_label(name)), kind="figure") for name in shown)],
        channels=[(name, channel_label(name)) for name in shown],
        period=period,
        days=days,
        days_chart=_days_chart(hub, asker, days),
        hours=[(hour, {name: counts.get(hour, 0) for name, counts in hours.items()}) for hour in range(24)],
        hours_chart=_hours_chart(hub, asker, hours),
        leading=[(name, channel_label(name)) for name in order_of(set(hours))],
        periods=period_options(hub, asker),
        units=units if len(units) > 1 else [],
        column_options=[(column.id, column.name) for column in options],
        metrics=[METRICS[name] for name in ("reads", "led_here")],
    )


@router.get("/workbook")
def pieces_workbook(request: Request, hub: HubDep, asker: Reader) -> Response:
    """The same figures as a workbook: one row for each piece and account, then the portal's days and hours."""
    asked = listing(request, "days", "unit", "column")
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        wanted = wanted_of(asked, period_of(asked.value("days"), work, zone))
        rows, _total = reach.of_recent(work.session, asker.viewer, wanted, MOST_IN_WORKBOOK)
        days = reach.days_read(work.session, asker.viewer, wanted, zone)
        hours = reach.by_hour(work.session, asker.viewer, wanted, zone)
        today = work.now.astimezone(zone).date()
    names = {figure for row in rows for one in row.channels for figure in one.figures} - {"reads"}
    figures = _in_order(names)
    heads = [say(hub, asker, head) for head in (*WORKBOOK_HEADS, *(FIGURE_LABELS.get(name, name) for name in figures))]
    lines = [
        (
            row.piece_id,
            row.title,
            row.published_at,
            say(hub, asker, channel_label(one.channel)),
            one.account,
            say(hub, asker, PLACEMENT_LABELS[PlacementState(one.state)]),
            one.reads,
            one.led_here,
            *(one.figures.get(name) for name in figures),
            one.told_at,
        )
        for row in rows
        for one in row.channels
    ]
    leading = order_of(set(hours))
    told = say(hub, asker, _("平台读数时间"))
    return workbook(
        f"reach-{today.isoformat()}",
        zone,
        Sheet(say(hub, asker, _("各渠道阅读")), [*heads, told], lines),
        Sheet(
            say(hub, asker, _("门户逐日")),
            [say(hub, asker, _("日期")), say(hub, asker, _("打开次数"))],
            [(day.isoformat(), reads) for day, reads in days],
        ),
        Sheet(
            say(hub, asker, _("门户逐时")),
            [say(hub, asker, _("时段")), *(say(hub, asker, channel_label(name)) for name in leading)],
            [(hour, *(hours[name].get(hour, 0) for name in leading)) for hour in range(24)],
        ),
    )


@router.get("/reads")
def openings(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The rows behind the portal's figures: openings of a page in an hour, by the channel that led there."""
    asked = listing(request, "days", "unit", "column", "piece", "from", "day", "hour", sort="-hour")
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        period = period_of(asked.value("days"), work, zone)
        query = select(PageRead, Piece.title).join(Piece, Piece.id == PageRead.piece_id)
        query = scoped(query, PageRead.unit_id, asker.viewer, P.REPORT_READ)
        piece = None
        if asked.number("piece"):
            piece = piece_for(work.session, asker.viewer, asked.number("piece") or 0, P.REPORT_READ)
            query = query.where(PageRead.piece_id == piece.id)
        else:
            query = query.where(*reach.counted(asker.viewer, wanted_of(asked, period)))
        if asked.value("from"):
            query = query.where(PageRead.channel == asked.value("from"))
        start, end = day_start(asked.value("day"), zone, "day"), day_end(asked.value("day"), zone, "day")
        if start and end:
            query = query.where(PageRead.hour >= start, PageRead.hour < end)
        if asked.number("hour") is not None:
            query = query.where(PageRead.hour.in_(_such_hours(asked.number("hour") or 0, period, zone)))
        found, state = asked.take(work.session, query, READ_SORTS, PageRead.id)
    return page(
        request,
        asker,
        "pages/insights/reads.html",
        rows=[(row[0], row[1], channel_label(row[0].channel)) for row in found],
        state=state,
        piece=piece,
        periods=period_options(hub, asker),
        leading=[(name, say(hub, asker, adapter.label)) for name, adapter in installed().items()],
        columns=[
            Column(say(hub, asker, _("时段")), "hour"),
            Column(say(hub, asker, _("稿件")), "title"),
            Column(say(hub, asker, _("来自")), ""),
            Column(say(hub, asker, _("打开次数")), "reads", "figure"),
        ],
    )


@router.get("/{piece_id}")
def one_piece(request: Request, hub: HubDep, asker: Reader, piece_id: int) -> HTMLResponse:
    """One piece over all its channels, with every figure and its first week by the hour."""
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.REPORT_READ)
        found = reach.of_piece(work.session, piece.id)
        first = piece.first_published_at or work.now
        curve = reach.hours_of_piece(work.session, piece.id, first + CURVE)
        readings = reach.readings_of_piece(work.session, piece.id, MOST_READINGS)
    hours = _hours_between(first, min(first + CURVE, _last_hour(curve, first)))
    return page(
        request,
        asker,
        "pages/insights/piece.html",
        piece=piece,
        reach=found,
        channels=[(one, channel_label(one.channel), _figures(one)) for one in found.channels],
        curve=curve,
        curve_chart=_curve_chart(hub, asker, hours, curve, zone),
        curve_rows=[(hour, channel_label(name), reads) for name, told in curve.items() for hour, reads in told],
        readings=[(reading, account, _labelled(reading.figures)) for reading, account in readings],
        heads={
            "channels": [
                Column(say(hub, asker, _("账号"))),
                Column(say(hub, asker, _("现状"))),
                Column(say(hub, asker, _("阅读次数")), kind="figure"),
                Column(say(hub, asker, _("带来访问")), kind="figure"),
                Column(say(hub, asker, _("其他读数"))),
                Column(say(hub, asker, _("读数时间"))),
            ],
            "curve": [
                Column(say(hub, asker, _("时段"))),
                Column(say(hub, asker, _("来自"))),
                Column(say(hub, asker, _("打开次数")), kind="figure"),
            ],
            "readings": columns(hub, asker, (_("日期"), ""), (_("账号"), ""), (_("读数"), "")),
        },
        metrics=[METRICS[name] for name in ("reads", "led_here")],
        sees_piece=asker.may(P.PIECE_READ, piece.unit_id),
        sees_deliveries=asker.may(P.DELIVERY_READ, piece.unit_id),
    )


def wanted_of(asked: Listing, period: Period) -> Wanted:
    """What a list's filters ask for; a unit out of reach has no pieces."""
    return Wanted(period.since, asked.number("unit"), asked.number("column"))


def order_of(names: set[str]) -> list[str]:
    """Channels in the order they are installed, the portal first, those of no adapter last."""
    known = ["portal", *(name for name in installed() if name != "portal")]
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))


def _row(one: PieceReach) -> Row:
    by_channel: dict[str, list[ChannelReach]] = {}
    for channel in one.channels:
        by_channel.setdefault(channel.channel, []).append(channel)
    return Row(one, by_channel)


def _days_chart(hub: Hub, asker: Asker, days: Sequence[tuple[date, int]]) -> Chart:
    return Chart(
        "bar",
        say(hub, asker, _("门户页面每天被打开的次数")),
        say(hub, asker, _("次")),
        [day.isoformat()[5:] for day, _reads in days],
        [Series(say(hub, asker, _("打开次数")), [reads for _day, reads in days])],
    )


def _hours_chart(hub: Hub, asker: Asker, hours: Mapping[str, Mapping[int, int]]) -> Chart:
    return Chart(
        "line",
        say(hub, asker, _("一天中各时段门户页面被打开的次数，按带来访问的渠道分")),
        say(hub, asker, _("次")),
        [str(hour) for hour in range(24)],
        [
            Series(say(hub, asker, channel_label(name)), [hours[name].get(hour, 0) for hour in range(24)])
            for name in order_of(set(hours))
        ],
    )


def _curve_chart(
    hub: Hub,
    asker: Asker,
    hours: Sequence[datetime],
    curve: Mapping[str, Sequence[tuple[datetime, int]]],
    zone: ZoneInfo,
) -> Chart:
    return Chart(
        "line",
        say(hub, asker, _("发布后一周内每小时门户页面被打开的次数，按带来访问的渠道分")),
        say(hub, asker, _("次")),
        [hour.astimezone(zone).strftime("%m-%d %H:00") for hour in hours],
        [
            Series(say(hub, asker, channel_label(name)), [dict(curve[name]).get(hour, 0) for hour in hours])
            for name in order_of(set(curve))
        ],
    )


def _last_hour(curve: Mapping[str, Sequence[tuple[datetime, int]]], first: datetime) -> datetime:
    return max((told[-1][0] for told in curve.values()), default=first) + timedelta(hours=1)


def _hours_between(first: datetime, end: datetime) -> list[datetime]:
    start = first.replace(minute=0, second=0, microsecond=0)
    return [start + timedelta(hours=ahead) for ahead in range(max(1, int((end - start) / timedelta(hours=1))))]


def _such_hours(hour: int, period: Period, zone: ZoneInfo) -> list[datetime]:
    """The moments at which this hour of the day began in the period."""
    if not 0 <= hour < 24:
        return []
    first = period.since.astimezone(zone).date()
    return [datetime.combine(first + timedelta(days=ahead), time(hour), zone) for ahead in range(period.days)]


def _figures(one: ChannelReach) -> list[tuple[str, int]]:
    return _labelled({name: value for name, value in one.figures.items() if name != "reads"})


def _labelled(figures: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(FIGURE_LABELS.get(name, name), figures[name]) for name in _in_order(figures)]


def _in_order(names: Iterable[str]) -> list[str]:
    """Figures in the order of FIGURE_LABELS, those of a platform's own last."""
    known = list(FIGURE_LABELS)
    return sorted(names, key=lambda name: (known.index(name) if name in known else len(known), name))
