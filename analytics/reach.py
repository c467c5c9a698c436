"""Reach: one piece over all its channels, whose reads stand side by side and are never added up as people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analytics.collect import DIRECT
from analytics.models import ChannelReading, PageRead
from channels.accounts.models import Account
from content.models import Piece
from kernel.people import Permission, Viewer
from scheduler.models import Placement


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


@dataclass(frozen=True)
class PieceReach:
    """A piece with what each channel says of it."""

    piece_id: int
    title: str
    published_at: datetime | None
    channels: Sequence[ChannelReach]


def of_piece(session: Session, piece_id: int) -> PieceReach:
    """Every channel's figures for one piece."""
    piece = session.get_one(Piece, piece_id)
    rows = session.execute(
        select(Placement, Account)
        .join(Account, Account.id == Placement.account_id)
        .where(Placement.piece_id == piece_id)
        .order_by(Placement.id)
    ).all()
    led = _led_here(session, [piece_id]).get(piece_id, {})
    newest = _newest(session, [placement.id for placement, _ in rows])
    return PieceReach(
        piece.id,
        piece.title,
        piece.first_published_at,
        [_channel(placement, account, newest.get(placement.id), led) for placement, account in rows],
    )


def of_recent(
    session: Session, who: Viewer, since: datetime, limit: int = 50, offset: int = 0
) -> tuple[list[PieceReach], int]:
    """The pieces published since a moment that this person may see figures of, newest first, and how many there are."""
    wanted = (
        Piece.unit_id.in_(who.units(Permission.REPORT_READ)),
        Piece.first_published_at.is_not(None),
        Piece.first_published_at >= since,
    )
    total = session.scalar(select(func.count(Piece.id)).where(*wanted)) or 0
    query = select(Piece.id).where(*wanted).order_by(Piece.first_published_at.desc(), Piece.id.desc())
    return [of_piece(session, piece) for piece in session.scalars(query.limit(limit).offset(offset))], total


def by_hour(session: Session, who: Viewer, since: datetime) -> dict[str, dict[int, int]]:
    """Openings of portal pages per channel that led there and hour of the day (UTC)."""
    query = (
        select(PageRead.channel, PageRead.hour, func.sum(PageRead.reads))
        .where(PageRead.unit_id.in_(who.units(Permission.REPORT_READ)), PageRead.hour >= since)
        .group_by(PageRead.channel, PageRead.hour)
    )
    found: dict[str, dict[int, int]] = {}
    for channel, hour, reads in session.execute(query):
        hours = found.setdefault(channel, {})
        hours[hour.hour] = hours.get(hour.hour, 0) + int(reads)
    return found


def days_read(session: Session, who: Viewer, since: datetime) -> list[tuple[str, int]]:
    """Openings of portal pages per day (UTC), oldest first, without gaps."""
    query = select(PageRead.hour, func.sum(PageRead.reads)).where(
        PageRead.unit_id.in_(who.units(Permission.REPORT_READ)), PageRead.hour >= since
    )
    counted: dict[str, int] = {}
    for hour, reads in session.execute(query.group_by(PageRead.hour)):
        day = hour.date().isoformat()
        counted[day] = counted.get(day, 0) + int(reads)
    if not counted:
        return []
    first, last = date.fromisoformat(min(counted)), date.fromisoformat(max(counted))
    days = [(first + timedelta(days=ahead)).isoformat() for ahead in range((last - first).days + 1)]
    return [(name, counted.get(name, 0)) for name in days]


def _channel(
    placement: Placement, account: Account, reading: ChannelReading | None, led: dict[str, int]
) -> ChannelReach:
    if account.channel == DIRECT:
        reads: int | None = sum(led.values())
        figures: dict[str, Any] = {}
    else:
        figures = reading.figures if reading else {}
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
        told_at=reading.read_at if reading else None,
    )


def _newest(session: Session, placements: Sequence[int]) -> dict[int, ChannelReading]:
    newest = (
        select(ChannelReading.placement_id, func.max(ChannelReading.day).label("day"))
        .where(ChannelReading.placement_id.in_(placements))
        .group_by(ChannelReading.placement_id)
        .subquery()
    )
    query = select(ChannelReading).join(
        newest, (ChannelReading.placement_id == newest.c.placement_id) & (ChannelReading.day == newest.c.day)
    )
    return {row.placement_id: row for row in session.scalars(query)}


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
