"""When nothing leaves: 免打扰时段, hours in which no phone may ring, and 一键停发, a stop that a person ordered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session, aliased

from channels.abilities.going_on import GoesOn
from channels.base import Problem
from channels.registry import channels
from kernel.office_rules import Rule, clock_time, declare, hour_of, value_of
from kernel.people import ancestors
from scheduler.errors import Frozen
from scheduler.models import Delivery, DeliveryItem, Freeze
from scheduler.states import DeliveryState

S = DeliveryState
STARTS = declare(Rule("push.quiet_from", "22:00", "免打扰时段开始（应急发布除外，不推送）", clock_time))
ENDS = declare(Rule("push.quiet_until", "07:00", "免打扰时段结束（与开始时间相同为不设）", clock_time))

QUIET, FREEZE = "quiet", "freeze"

# What a stop keeps back; what is taken back or put right must not wait.
STOPPED = ("publish", "mass_send", "push")
_IN_FORCE = select(Freeze).where(Freeze.ended_at.is_(None)).order_by(Freeze.id)


@dataclass(frozen=True)
class QuietHours:
    """From `starts` up to `ends` by the clocks of `zone`, over midnight when `ends` is the earlier one."""

    starts: time
    ends: time
    zone: ZoneInfo

    def until(self, at: datetime) -> datetime | None:
        """When pushing may go on for a moment inside the quiet hours; None for one outside."""
        if self.starts == self.ends:
            return None
        today = at.astimezone(self.zone).date()
        for first in (today - timedelta(days=1), today):
            last = first if self.starts < self.ends else first + timedelta(days=1)
            begins, ends = (_moment(day, hour, self.zone) for day, hour in ((first, self.starts), (last, self.ends)))
            if begins <= at < ends:
                return ends
        return None

    def words(self) -> str:
        """The hours as people write them."""
        return f"{self.starts:%H:%M}–{self.ends:%H:%M}"


def rings(channel: str, action: str) -> bool:
    """Whether this act makes phones ring: a push, or a correction where a channel does nothing but push.

    A withdrawal rings nowhere: what is pushed for it takes the wrong notice's place in silence, at any hour.
    """
    adapter = channels().get(channel)
    pushes = adapter is not None and adapter.limits.default_action == "push"
    return action == "push" or (action == "correct" and pushes)


def quiet_hours(session: Session, unit_id: int, now: datetime, zone: ZoneInfo) -> QuietHours:
    """The quiet hours in force for a unit."""
    starts, ends = (value_of(session, rule, unit_id, now) for rule in (STARTS, ENDS))
    return QuietHours(hour_of(starts), hour_of(ends), zone)


def foretold(
    session: Session, channel: str, action: str, unit_id: int, at: datetime, *, emergency: bool, zone: ZoneInfo
) -> list[Problem]:
    """What is told before booking this act for a moment in the quiet hours; it may be booked all the same."""
    if not rings(channel, action):
        return []
    problem = _told(quiet_hours(session, unit_id, at, zone), at, emergency=emergency)
    return [problem] if problem else []


def in_force(session: Session) -> Sequence[Freeze]:
    """Every stop that is in force; mostly none."""
    return session.scalars(_IN_FORCE).all()


def stopping(session: Session, delivery: Delivery, freezes: Sequence[Freeze]) -> Freeze | None:
    """The stop that keeps this delivery back, if any does."""
    return None if delivery.through else covering(session, delivery, freezes)


def covering(session: Session, delivery: Delivery, freezes: Sequence[Freeze]) -> Freeze | None:
    """The stop that this delivery falls under, whether it was let through or not."""
    if not freezes or delivery.action not in STOPPED:
        return None
    units = set(ancestors(session, delivery.unit_id))
    for one in freezes:
        if one.account_id == delivery.account_id or (one.account_id is None and one.unit_id in units):
            return one
    return None


def stopped(session: Session, key: str, now: datetime) -> bool:
    """Whether a stop, or a withdrawal that is due, keeps back what is left of the delivery with this key."""
    if session.scalar(_asked_back(), {"key": key, "now": now}) is not None:
        return True
    freezes = in_force(session)
    delivery = session.scalars(select(Delivery).where(Delivery.key == key)).one_or_none() if freezes else None
    return delivery is not None and stopping(session, delivery, freezes) is not None


@cache
def _asked_back() -> Select[int]:
    """The withdrawals that are due where the delivery with this `key` goes, asked for since it was.

    Built once: a fan-out asks this before each few browsers, and to build it takes longer than to ask.
    """
    going, its, other = aliased(Delivery), aliased(DeliveryItem), aliased(DeliveryItem)
    return (
        select(Delivery.id)
        .join(other, other.delivery_id == Delivery.id)
        .join(its, its.piece_id == other.piece_id)
        .join(going, going.id == its.delivery_id)
        .where(going.key == bindparam("key"), going.action != "withdraw", going.account_id == Delivery.account_id)
        .where(Delivery.action == "withdraw", Delivery.state.in_((S.BOOKED, S.SENDING, S.ACCEPTED, S.UNKNOWN)))
        .where(Delivery.scheduled_at <= bindparam("now"), Delivery.created_at >= going.created_at)
        .limit(1)
    )


def goes_on(channel: str) -> bool:
    """Whether polling or asking this channel goes on with sending, so that a stop has something to hold back."""
    adapter = channels().get(channel)
    return adapter is not None and issubclass(adapter, GoesOn)


def must_be_free(session: Session, delivery: Delivery) -> None:
    """Raises Frozen while a stop keeps this delivery back."""
    freeze = stopping(session, delivery, in_force(session))
    if freeze is not None:
        raise Frozen(reason=freeze.reason)


def _told(quiet: QuietHours, at: datetime, *, emergency: bool) -> Problem | None:
    until = quiet.until(at)
    if until is None:
        return None
    if emergency:
        return Problem("at", f"发布时间在免打扰时段（{quiet.words()}）内；应急发布照常推送。", blocking=False)
    hour = until.astimezone(quiet.zone)
    words = f"发布时间在免打扰时段（{quiet.words()}）内，到点不推送，将于 {hour:%m-%d %H:%M} 自动发出。"
    return Problem("at", words, blocking=False)


def _moment(day: date, hour: time, zone: ZoneInfo) -> datetime:
    # In UTC, because two times of one zone are compared by their wall clocks, which a summer time makes wrong.
    return datetime.combine(day, hour, zone).astimezone(UTC)
