"""The API of what comes back: reach, response times and advice, for programs with a person's token."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import func, select

from analytics import plan, reach
from analytics.models import Suggestion
from analytics.reach import ChannelReach, PieceReach, Wanted
from hub.editorial import piece_for
from hub.web.access import Asker, HubDep, api_may
from hub.web.charts import USUAL, period_of
from hub.web.planning import suggestion_for
from hub.web.response import measured, minutes
from hub.web.sent import Body
from kernel.people import Permission, scoped

router = APIRouter(prefix="/api/v1")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.REPORT_READ))]
Planner = Annotated[Asker, Depends(api_may(P.PLAN_ACT))]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]
PAGE_SIZE = 50


class Refusal(Body):
    """Why advice is not taken."""

    reason: str


@router.get("/reach")
def recent_reach(
    hub: HubDep,
    asker: Reader,
    days: int = USUAL,
    unit: int | None = None,
    column: int | None = None,
    page: PageNumber = 1,
) -> dict[str, Any]:
    """Pieces published in the last 7, 30 or 90 days, newest first, every channel's figures beside one another."""
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        period = period_of(str(days), work, zone)
        wanted = Wanted(period.since, unit, column)
        found, total = reach.of_recent(work.session, asker.viewer, wanted, PAGE_SIZE, (page - 1) * PAGE_SIZE)
        return {
            "days": period.days,
            "since": period.since.isoformat(),
            "total": total,
            "page": page,
            "pieces": [_piece(one) for one in found],
            "portal_by_day": {
                day.isoformat(): reads for day, reads in reach.days_read(work.session, asker.viewer, wanted, zone)
            },
            "portal_by_hour": reach.by_hour(work.session, asker.viewer, wanted, zone),
        }


@router.get("/reach/{piece_id}")
def reach_of_piece(hub: HubDep, asker: Reader, piece_id: int) -> dict[str, Any]:
    """One piece over all its channels, with the openings of its page by hour (UTC) and the channel that led there."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.REPORT_READ)
        curve = reach.hours_of_piece(work.session, piece.id, work.now)
        hours = {channel: {hour.isoformat(): reads for hour, reads in told} for channel, told in curve.items()}
        return {**_piece(reach.of_piece(work.session, piece.id)), "portal_hours": hours}


@router.get("/response")
def response_times(hub: HubDep, asker: Reader, days: int = USUAL) -> dict[str, Any]:
    """Response times of the last 7, 30 or 90 days in working minutes; null where nothing was measured."""
    with hub.works.read() as work:
        period = period_of(str(days), work, hub.settings.office_zone)
        found, each, hours = measured(hub, work, asker, period)
    return {
        "days": period.days,
        "since": period.since.isoformat(),
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
) -> dict[str, Any]:
    """Advice in reach by its state, the oldest first, 50 to a page."""
    query = scoped(select(Suggestion), Suggestion.unit_id, asker.viewer, P.REPORT_READ)
    query = query.where(Suggestion.state == state)
    with hub.works.read() as work:
        total = work.session.scalar(select(func.count()).select_from(query.subquery())) or 0
        rows = work.session.scalars(query.order_by(Suggestion.id).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))
        return {"total": total, "page": page, "advice": [_advice(row) for row in rows]}


@router.post("/plan/{suggestion_id}/accept")
def accept(hub: HubDep, asker: Planner, suggestion_id: int) -> dict[str, Any]:
    """采纳; `piece` is the draft that it opened, null where there is nothing to write."""
    with hub.works.write(asker.actor) as work:
        suggestion = suggestion_for(work.session, asker, suggestion_id)
        plan.accept(work, asker.viewer, suggestion)
        return _advice(suggestion)


@router.post("/plan/{suggestion_id}/dismiss")
def dismiss(hub: HubDep, asker: Planner, suggestion_id: int, sent: Refusal) -> dict[str, Any]:
    """不采纳 with the reason."""
    with hub.works.write(asker.actor) as work:
        suggestion = suggestion_for(work.session, asker, suggestion_id)
        plan.dismiss(work, asker.viewer, suggestion, sent.reason)
        return _advice(suggestion)


def _piece(one: PieceReach) -> dict[str, Any]:
    return {
        "id": one.piece_id,
        "title": one.title,
        "published_at": _moment(one.published_at),
        "channels": [_channel(channel) for channel in one.channels],
    }


def _channel(one: ChannelReach) -> dict[str, Any]:
    return {
        "channel": one.channel,
        "account": one.account,
        "state": one.state,
        "url": one.url,
        "live_at": _moment(one.live_at),
        "reads": one.reads,
        "led_here": one.led_here,
        "figures": one.figures,
        "told_at": _moment(one.told_at),
    }


def _advice(row: Suggestion) -> dict[str, Any]:
    return {
        "id": row.id,
        "unit": row.unit_id,
        "kind": row.kind,
        "title": row.title,
        "reason": row.reason,
        "facts": row.facts,
        "column": row.column_id,
        "state": row.state,
        "made_at": _moment(row.made_at),
        "decided_at": _moment(row.decided_at),
        "remark": row.remark,
        "piece": row.piece_id,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
