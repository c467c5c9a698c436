"""The API of 系列: one piece that goes out again and again, booked and ended by programs as by people."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from sqlalchemy import select
from typing_extensions import TypedDict

from channels.accounts.models import Account
from hub.editorial import piece_for
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import At, told
from hub.web.api_slots import Days
from hub.web.deliveries import delivery_for
from hub.web.sent import Body, Day
from kernel.errors import NotFound
from kernel.people import Permission, scoped
from kernel.work import Work
from scheduler.recurring import series as all_series
from scheduler.recurring.models import Series
from scheduler.recurring.pattern import pattern
from scheduler.recurring.series import SeriesOrder

router = APIRouter(prefix="/api/v1/series")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.DELIVERY_READ))]
Booker = Annotated[Asker, Depends(api_may(P.BOOKING_WRITE))]
MOST_SHOWN = 200


class NewSeries(Days):
    """One piece on one account, from `first` on, `count` times or until a day; both are days of the office."""

    piece: int
    account: int
    action: Literal["publish", "mass_send", "push"] = "publish"
    first: Day
    count: int | None = None
    until: Day | None = None


class Occurrence(Body):
    """The delivery that is one occurrence."""

    delivery: int


class SeriesBrief(TypedDict):
    """A series in a list."""

    id: int
    unit: int
    piece: int
    account: int
    action: str
    days: str
    numbers: list[int]
    hour: str
    free_days: str
    count: int
    ended: bool


class SeriesList(TypedDict):
    """The newest series."""

    series: list[SeriesBrief]


class OccurrenceTold(TypedDict):
    """One occurrence, which is a delivery."""

    number: int
    delivery: int
    state: str
    at: At


class SeriesWhole(SeriesBrief):
    """A series with its occurrences."""

    occurrences: list[OccurrenceTold]


@router.get("")
def list_series(hub: HubDep, asker: Reader, piece: int | None = None) -> SeriesList:
    """The series in reach, the newest first, at most 200."""
    query = scoped(select(Series), Series.unit_id, asker.viewer, P.DELIVERY_READ).order_by(Series.id.desc())
    if piece is not None:
        query = query.where(Series.piece_id == piece)
    with hub.works.read() as work:
        return {"series": [_brief(one) for one in work.session.scalars(query.limit(MOST_SHOWN))]}


@router.post("", status_code=201)
def book_series(hub: HubDep, asker: Booker, sent: NewSeries) -> SeriesWhole:
    """Books a series; 422 when what was signed does not cover all of it, 409 when the same waits already."""
    days = pattern(sent.days, sent.numbers, sent.hour, sent.free_days)
    order = SeriesOrder(sent.piece, sent.account, sent.action, days, sent.first, sent.count, sent.until)
    with hub.works.write(asker.actor) as work:
        piece_for(work.session, asker.viewer, sent.piece, P.BOOKING_WRITE)
        if work.session.get(Account, sent.account) is None:
            raise NotFound(field="account")
        made = all_series.book(work, asker.viewer, order, hub.settings.address, hub.settings.office_zone)
        return _whole(work, made)


@router.get("/{series_id}")
def get_series(hub: HubDep, asker: Reader, series_id: int) -> SeriesWhole:
    """One series with its occurrences."""
    with hub.works.read() as work:
        return _whole(work, all_series.series_for(work.session, asker.viewer, series_id, P.DELIVERY_READ))


@router.post("/{series_id}/skip")
def skip(hub: HubDep, asker: Booker, series_id: int, sent: Occurrence) -> SeriesWhole:
    """Leaves one occurrence out; 409 once it was handed to the platform."""
    with hub.works.write(asker.actor) as work:
        series = all_series.series_for(work.session, asker.viewer, series_id, P.BOOKING_WRITE)
        delivery = delivery_for(work.session, asker, sent.delivery, P.BOOKING_WRITE)
        all_series.skip(work, asker.viewer, series, delivery)
        return _whole(work, series)


@router.post("/{series_id}/end")
def end(hub: HubDep, asker: Booker, series_id: int) -> SeriesWhole:
    """Ends it: what waits is cancelled."""
    with hub.works.write(asker.actor) as work:
        series = all_series.series_for(work.session, asker.viewer, series_id, P.BOOKING_WRITE)
        all_series.end(work, asker.viewer, series)
        return _whole(work, series)


def _brief(one: Series) -> SeriesBrief:
    return {
        "id": one.id,
        "unit": one.unit_id,
        "piece": one.piece_id,
        "account": one.account_id,
        "action": one.action,
        "days": one.days,
        "numbers": one.numbers,
        "hour": one.hour,
        "free_days": one.free_days,
        "count": one.count,
        "ended": one.ended_at is not None,
    }


def _whole(work: Work, one: Series) -> SeriesWhole:
    rows = all_series.occurrences(work.session, one)
    numbers = all_series.places(work.session, rows)
    return {
        **_brief(one),
        "occurrences": [
            {
                "number": numbers[row.id][0],
                "delivery": row.id,
                "state": row.state,
                "at": told(row.scheduled_at),
            }
            for row in rows
        ],
    }
