"""Reach: one piece over all its channels, whose reads stand side by side and are never added up as people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from analytics.collect import DIRECT
from analytics.models import ChannelReading, PageRead
from channels.accounts.models import Account
from content.models import Piece
from kernel.people import Permission, Viewer
from scheduler.models import Placement
from scheduler.placements import EARLIER


@dataclass(frozen=True)
class ChannelReach:
    """One channel's figures for a piece; `reads` None where the platform has told nothing yet."""

    account: str
    channel: str
    state: str
    url: str
    live_at: datetime
    reads: int | None
    figures: dict[str, Any]
    led_here: int
    told_at: datetime | None
    republished: int = 0


@dataclass(frozen=True)
class PieceReach:
    """A piece with what each channel says of it."""

    piece_id: int
    title: str
    published_at: datetime | None
    channels: Sequence[ChannelReach]


@dataclass(frozen=True)
class Wanted:
    """Which figures are asked for: since when, of which unit (None: every unit in reach) and of which column."""

    since: datetime
    unit_id: int | None = None
    column_id: int | None = None

    def units(self, who: Viewer) -> frozenset[int]:
        """The units in which this person reads reports, narrowed to the one asked for."""
        units = who.units(Permission.REPORT_READ)
        return units if self.unit_id is None else units & {self.unit_id}


def of_piece(session: Session, piece_id: int) -> PieceReach:
    """Every channel's figures for one piece."""
    return of_pieces(session, [session.get_one(Piece, piece_id)])[0]


def of_pieces(session: Session, pieces: Sequence[Piece]) -> list[PieceReach]:
    """Every channel's figures for these pieces, in their order."""
    ids = [piece.id for piece in pieces]
    query = select(Placement, Account).join(Account, Account.id == Placement.account_id)
    rows = session.execute(query.where(Placement.piece_id.in_(ids)).order_by(Placement.id)).all()
    led = _led_here(session, ids)
    newest = _newest(session, [placement.id for placement, _account in rows])
    shown: dict[int, list[ChannelReach]] = {piece_id: [] for piece_id in ids}
    for placement, account in rows:
        one = _channel(placement, account, newest.get(placement.id, []), led.get(placement.piece_id, {}))
        shown[placement.piece_id].append(one)
    return [PieceReach(piece.id, piece.title, piece.first_published_at, shown[piece.id]) for piece in pieces]


def recent(who: Viewer, wanted: Wanted) -> Select[Piece]:
    """The pieces first published since the moment asked for that this person may see figures of."""
    query = select(Piece).where(Piece.unit_id.in_(wanted.units(who)), Piece.first_published_at >= wanted.since)
    return query if wanted.column_id is None else query.where(Piece.column_id == wanted.column_id)


def of_recent(
    session: Session, who: Viewer, wanted: Wanted, limit: int = 50, offset: int = 0
) -> tuple[list[PieceReach], int]:
    """Those pieces with their figures, newest first, and how many there are."""
    query = recent(who, wanted)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    newest = query.order_by(Piece.first_published_at.desc(), Piece.id.desc())
    return of_pieces(session, session.scalars(newest.limit(limit).offset(offset)).all()), total


def by_hour(session: Session, who: Viewer, wanted: Wanted, zone: tzinfo = UTC) -> dict[str, dict[int, int]]:
    """Openings of portal pages per channel that led there and hour of the day in the zone."""
    query = select(PageRead.channel, PageRead.hour, func.sum(PageRead.reads)).where(*counted(who, wanted))
    found: dict[str, dict[int, int]] = {}
    for channel, hour, reads in session.execute(query.group_by(PageRead.channel, PageRead.hour)):
        hours = found.setdefault(channel, {})
        local = hour.astimezone(zone).hour
        hours[local] = hours.get(local, 0) + int(reads)
    return found


def days_read(session: Session, who: Viewer, wanted: Wanted, zone: tzinfo = UTC) -> list[tuple[date, int]]:
    """Openings of portal pages per day in the zone, oldest first, without gaps."""
    query = select(PageRead.hour, func.sum(PageRead.reads)).where(*counted(who, wanted))
    found: dict[date, int] = {}
    for hour, reads in session.execute(query.group_by(PageRead.hour)):
        day = hour.astimezone(zone).date()
        found[day] = found.get(day, 0) + int(reads)
    if not found:
        return []
    first, last = min(found), max(found)
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    return [(day, found.get(day, 0)) for day in days]


def counted(who: Viewer, wanted: Wanted) -> list[ColumnElement[bool]]:
    """The conditions on PageRead for the openings that are asked for, whenever their piece was published."""
    conditions = [PageRead.unit_id.in_(wanted.units(who)), PageRead.hour >= wanted.since]
    if wanted.column_id is not None:
        conditions.append(PageRead.piece_id.in_(select(Piece.id).where(Piece.column_id == wanted.column_id)))
    return conditions


def hours_of_piece(session: Session, piece_id: int, until: datetime) -> dict[str, list[tuple[datetime, int]]]:
    """Openings of one piece's page before a moment, per channel that led there: (hour, reads), oldest first."""
    query = select(PageRead).where(PageRead.piece_id == piece_id, PageRead.hour < until)
    found: dict[str, list[tuple[datetime, int]]] = {}
    for row in session.scalars(query.order_by(PageRead.channel, PageRead.hour)):
        found.setdefault(row.channel, []).append((row.hour, row.reads))
    return found


def readings_of_piece(session: Session, piece_id: int, limit: int) -> list[tuple[ChannelReading, Account]]:
    """What the platforms told of one piece, the newest day first."""
    query = (
        select(ChannelReading, Account)
        .join(Placement, Placement.id == ChannelReading.placement_id)
        .join(Account, Account.id == Placement.account_id)
        .where(Placement.piece_id == piece_id)
        .order_by(ChannelReading.day.desc(), Account.id)
    )
    return [(row[0], row[1]) for row in session.execute(query.limit(limit))]


def _channel(
    placement: Placement, account: Account, readings: Sequence[ChannelReading], led: dict[str, int]
) -> ChannelReach:
    """Its figures: those of every article by which it came to show there added up, for each is counted anew."""
    if account.channel == DIRECT:
        reads: int | None = sum(led.values())
        figures: dict[str, Any] = {}
    else:
        figures = _added(readings)
        reads = figures.get("reads", figures.get("readers"))
    return ChannelReach(
        account=account.name,
        channel=account.channel,
        state=placement.state,
        url=placement.url,
        live_at=placement.live_at,
        reads=reads,
        figures=figures,
        led_here=0 if account.channel == DIRECT else led.get(account.channel, 0),
        told_at=max((reading.read_at for reading in readings), default=None),
        republished=len(placement.data.get(EARLIER, [])),
    )


def _added(readings: Sequence[ChannelReading]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for one in readings:
        for name, number in one.figures.items():
            figures[name] = figures.get(name, 0) + number if isinstance(number, int) else number
    return figures


def _newest(session: Session, placements: Sequence[int]) -> dict[int, list[ChannelReading]]:
    """The last reading of each article of these placements, the earliest article first."""
    newest = (
        select(ChannelReading.placement_id, ChannelReading.article, func.max(ChannelReading.day).label("day"))
        .where(ChannelReading.placement_id.in_(placements))
        .group_by(ChannelReading.placement_id, ChannelReading.article)
        .subquery()
    )
    query = select(ChannelReading).join(
        newest,
        (ChannelReading.placement_id == newest.c.placement_id)
        & (ChannelReading.article == newest.c.article)
        & (ChannelReading.day == newest.c.day),
    )
    found: dict[int, list[ChannelReading]] = {}
    for row in session.scalars(query.order_by(ChannelReading.article)):
        found.setdefault(row.placement_id, []).append(row)
    return found


def _led_here(session: Session, pieces: Sequence[int]) -> dict[int, dict[str, int]]:
    query = (
        select(PageRead.piece_id, PageRead.channel, func.sum(PageRead.reads))
        .where(PageRead.piece_id.in_(pieces))
        .group_by(PageRead.piece_id, PageRead.channel)
    )
    found: dict[int, dict[str, int]] = {}
    for piece_id, channel, reads in session.execute(query):
        found.setdefault(piece_id, {})[channel] = int(reads)
    return found
