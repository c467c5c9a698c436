"""The API of what comes back: reach, response times and advice, for programs with a person's token."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from sqlalchemy import select
from typing_extensions import TypedDict

from analytics import plan, reach
from analytics.models import Suggestion
from analytics.reach import ChannelReach, PieceReach, Wanted
from hub.editorial import piece_for
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import PAGE_SIZE, At, On, Page, PageNumber, moment, one_page, told
from hub.web.charts import USUAL, period_of
from hub.web.planning import suggestion_for
from hub.web.response import measured, minutes
from hub.web.sent import Body
from kernel.people import Permission, scoped

router = APIRouter(prefix="/api/v1")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.REPORT_READ))]
Planner = Annotated[Asker, Depends(api_may(P.PLAN_ACT))]


class Refusal(Body):
    """Why advice is not taken."""

    reason: str


class ChannelFigures(TypedDict):
    """One channel's figures for a piece; `reads` is null where the platform has told nothing yet."""

    channel: str
    account: str
    state: str
    url: str
    live_at: At
    reads: int | None
    led_here: int
    figures: dict[str, Any]
    told_at: At | None


class PieceFigures(TypedDict):
    """A piece with what each channel says of it; the channels' figures are never summed."""

    id: int
    title: str
    published_at: At | None
    channels: list[ChannelFigures]


class PieceOverHours(PieceFigures):
    """The same with the openings of its page by the channel that led there and the hour."""

    portal_hours: dict[str, dict[str, int]]


class Reach(Page):
    """One page of pieces with their figures, and the portal's own openings."""

    days: int
    since: At
    pieces: list[PieceFigures]
    portal_by_day: dict[str, int]
    portal_by_hour: dict[str, dict[int, int]]


class DayAnswered(TypedDict):
    """One day's conversations with people."""

    day: On
    handed_off: int
    answered: int
    first_response_minutes: float | None


class ResponseTimes(TypedDict):
    """Response times in working minutes; null where nothing was measured."""

    days: int
    since: At
    office_hours: str
    conversations: int
    handed_off: int
    answered: int
    waiting: int
    first_response_minutes: float | None
    first_response_p90_minutes: float | None
    resolution_minutes: float | None
    bot_share: float | None
    ratings: int
    satisfaction: float | None
    by_day: list[DayAnswered]


class Advice(TypedDict):
    """Advice with its reason and the facts it rests on."""

    id: int
    unit: int
    kind: str
    title: str
    reason: str
    facts: dict[str, Any]
    column: int | None
    state: str
    made_at: At
    decided_at: At | None
    remark: str
    piece: int | None


class AdviceList(Page):
    """One page of advice."""

    advice: list[Advice]


@router.get("/reach")
def recent_reach(
    hub: HubDep,
    asker: Reader,
    days: int = USUAL,
    unit: int | None = None,
    column: int | None = None,
    page: PageNumber = 1,
) -> Reach:
    """Pieces published in the last 7, 30 or 90 days, newest first, every channel's figures beside one another."""
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        period = period_of(str(days), work, zone)
        wanted = Wanted(period.since, unit, column)
        found, total = reach.of_recent(work.session, asker.viewer, wanted, PAGE_SIZE, (page - 1) * PAGE_SIZE)
        return {
            "days": period.days,
            "since": told(period.since),
            "total": total,
            "page": page,
            "pieces": [_piece(one) for one in found],
            "portal_by_day": {
                day.isoformat(): reads for day, reads in reach.days_read(work.session, asker.viewer, wanted, zone)
            },
            "portal_by_hour": reach.by_hour(work.session, asker.viewer, wanted, zone),
        }


@router.get("/reach/{piece_id}")
def reach_of_piece(hub: HubDep, asker: Reader, piece_id: int) -> PieceOverHours:
    """One piece over all its channels, with the openings of its page by hour (UTC) and the channel that led there."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.REPORT_READ)
        curve = reach.hours_of_piece(work.session, piece.id, work.now)
        hours = {channel: {told(hour): reads for hour, reads in by_hour} for channel, by_hour in curve.items()}
        return {**_piece(reach.of_piece(work.session, piece.id)), "portal_hours": hours}


@router.get("/response")
def response_times(hub: HubDep, asker: Reader, days: int = USUAL) -> ResponseTimes:
    """Response times of the last 7, 30 or 90 days in working minutes; null where nothing was measured."""
    with hub.works.read() as work:
        period = period_of(str(days), work, hub.settings.office_zone)
        found, each, hours = measured(hub, work, asker, period)
    return {
        "days": period.days,
        "since": told(period.since),
        "office_hours": hours,
        "conversations": found.conversations,
        "handed_off": found.handed_off,
        "answered": found.answered,
        "waiting": found.waiting,
        "first_response_minutes": minutes(found.first_response),
        "first_response_p90_minutes": minutes(found.first_response_p90),
        "resolution_minutes": minutes(found.resolution),
        "bot_share": found.bot_share,
        "ratings": found.ratings,
        "satisfaction": found.satisfaction,
        "by_day": [
            {
                "day": one.day.isoformat(),
                "handed_off": one.handed_off,
                "answered": one.answered,
                "first_response_minutes": minutes(one.first_response),
            }
            for one in each
        ],
    }


@router.get("/plan")
def list_advice(
    hub: HubDep,
    asker: Reader,
    state: Literal["open", "accepted", "dismissed", "gone"] = "open",
    page: PageNumber = 1,
) -> AdviceList:
    """Advice in reach by its state, the oldest first, 50 to a page."""
    query = scoped(select(Suggestion), Suggestion.unit_id, asker.viewer, P.REPORT_READ)
    query = query.where(Suggestion.state == state)
    with hub.works.read() as work:
        head, rows = one_page(work.session, query, page, Suggestion.id)
        return {**head, "advice": [_advice(row) for row in rows]}


@router.post("/plan/{suggestion_id}/accept")
def accept(hub: HubDep, asker: Planner, suggestion_id: int) -> Advice:
    """采纳; `piece` is the draft that it opened, null where there is nothing to write."""
    with hub.works.write(asker.actor) as work:
        suggestion = suggestion_for(work.session, asker, suggestion_id)
        plan.accept(work, asker.viewer, suggestion)
        return _advice(suggestion)


@router.post("/plan/{suggestion_id}/dismiss")
def dismiss(hub: HubDep, asker: Planner, suggestion_id: int, sent: Refusal) -> Advice:
    """不采纳 with the reason."""
    with hub.works.write(asker.actor) as work:
        suggestion = suggestion_for(work.session, asker, suggestion_id)
        plan.dismiss(work, asker.viewer, suggestion, sent.reason)
        return _advice(suggestion)


def _piece(one: PieceReach) -> PieceFigures:
    return {
        "id": one.piece_id,
        "title": one.title,
        "published_at": moment(one.published_at),
        "channels": [_channel(channel) for channel in one.channels],
    }


def _channel(one: ChannelReach) -> ChannelFigures:
    return {
        "channel": one.channel,
        "account": one.account,
        "state": one.state,
        "url": one.url,
        "live_at": told(one.live_at),
        "reads": one.reads,
        "led_here": one.led_here,
        "figures": one.figures,
        "told_at": moment(one.told_at),
    }


def _advice(row: Suggestion) -> Advice:
    return {
        "id": row.id,
        "unit": row.unit_id,
        "kind": row.kind,
        "title": row.title,
        "reason": row.reason,
        "facts": row.facts,
        "column": row.column_id,
        "state": row.state,
        "made_at": told(row.made_at),
        "decided_at": moment(row.decided_at),
        "remark": row.remark,
        "piece": row.piece_id,
    }
