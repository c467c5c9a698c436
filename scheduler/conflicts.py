"""What stands in the way of a moment: told when booking and moving, not when it is due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from channels.base import Problem
from content.models import Piece
from kernel.workdays import Workdays, declared_days
from scheduler import offline, windows
from scheduler.models import Delivery, DeliveryItem
from scheduler.preflight import crowded
from scheduler.states import DELIVERY_LABELS, DeliveryState
from scheduler.windows import STOPPED

S = DeliveryState


@dataclass(frozen=True)
class Moment:
    """Something that shall go out: on which account (where it really goes), which act, what, and when.

    `chosen` means that a person chose the time; `besides` is the delivery itself where it is booked already.
    """

    lane: Account
    action: str
    unit_id: int
    pieces: tuple[int, ...]
    at: datetime
    chosen: bool = True
    emergency: bool = False
    besides: int = 0
    audience: Mapping[str, Any] = field(default_factory=dict)


def of_delivery(session: Session, delivery: Delivery, at: datetime) -> Moment:
    """A booked one at another time."""
    pieces = session.scalars(select(DeliveryItem.piece_id).where(DeliveryItem.delivery_id == delivery.id))
    lane = session.get_one(Account, delivery.account_id)
    kind = (lane, delivery.action, delivery.unit_id, tuple(pieces), at)
    return Moment(*kind, emergency=delivery.emergency, besides=delivery.id, audience=delivery.audience)


def foreseen(session: Session, moment: Moment, zone: ZoneInfo) -> list[Problem]:
    """What a person should know of this moment, though nothing forbids it."""
    found = list(crowded(session, moment.lane, moment.action, moment.at, moment.audience, moment.besides))
    kind = (moment.lane.channel, moment.action, moment.unit_id, moment.at)
    found += windows.foretold(session, *kind, emergency=moment.emergency, zone=zone)
    if moment.action in STOPPED:
        found += (_told(words) for words in _words(session, moment, zone))
    return found


def _words(session: Session, moment: Moment, zone: ZoneInfo) -> Iterator[str]:
    yield from _stopped(session, moment)
    if moment.chosen:
        yield from _same_minute(session, moment, zone)
        yield from _free_day(session, moment, zone)
    yield from _same_piece(session, moment, zone)
    yield from _taken_back(session, moment, zone)


def _stopped(session: Session, moment: Moment) -> Iterator[str]:
    probe = Delivery(unit_id=moment.unit_id, account_id=moment.lane.id, action=moment.action, through=False)
    freeze = windows.stopping(session, probe, windows.in_force(session))
    if freeze is not None:
        yield f"“{moment.lane.name}”正在一键停发（{freeze.reason}）；到时仍未解除的，将暂缓，等人处理。"


def _same_minute(session: Session, moment: Moment, zone: ZoneInfo) -> Iterator[str]:
    minute = moment.at.replace(second=0, microsecond=0)
    query = (
        select(Delivery.id, Piece.title)
        .join(DeliveryItem, DeliveryItem.delivery_id == Delivery.id)
        .join(Piece, Piece.id == DeliveryItem.piece_id)
        .where(
            Delivery.account_id == moment.lane.id,
            Delivery.action.in_(STOPPED),
            Delivery.state != S.CANCELLED,
            Delivery.scheduled_at >= minute,
            Delivery.scheduled_at < minute + timedelta(minutes=1),
            Delivery.id != moment.besides,
            DeliveryItem.position == 1,
        )
    )
    titles = [f"《{row[1]}》" for row in session.execute(query.order_by(Delivery.id).limit(3))]
    if titles:
        yield f"“{moment.lane.name}”在 {_shown(moment.at, zone)} 已安排{'、'.join(titles)}，同一分钟将先后发出。"


def _free_day(session: Session, moment: Moment, zone: ZoneInfo) -> Iterator[str]:
    day = moment.at.astimezone(zone).date()
    if not Workdays(zone, declared_days(session)).is_workday(day):
        yield f"{day:%m-%d} 是休息日，请确认当天有人值守。"


def _same_piece(session: Session, moment: Moment, zone: ZoneInfo) -> Iterator[str]:
    for other in offline.coming(session, moment.lane.id, moment.pieces):
        if other.id != moment.besides:
            label = DELIVERY_LABELS[DeliveryState(other.state)]
            yield f"同一稿件在“{moment.lane.name}”另有安排：{_shown(other.scheduled_at, zone)}（{label}）。"
            return  # A series would name every one of its occurrences.


def _taken_back(session: Session, moment: Moment, zone: ZoneInfo) -> Iterator[str]:
    withdrawal = offline.planned(session, moment.lane.id, moment.pieces)
    if withdrawal is not None and withdrawal.scheduled_at <= moment.at:
        at = _shown(withdrawal.scheduled_at, zone)
        yield f"该稿件已预定于 {at} 从“{moment.lane.name}”下线，早于发布时间；请先改期或取消下线。"


def _told(words: str) -> Problem:
    return Problem("at", words, blocking=False)


def _shown(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%m-%d %H:%M}"
