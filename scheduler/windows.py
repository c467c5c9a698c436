"""Hours in which nobody's phone may ring: 免打扰时段, a rule of the office, with one exception for emergencies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from channels.base import Problem
from channels.registry import channels
from kernel.office_rules import Rule, clock_time, declare, value_of

STARTS = declare(Rule("push.quiet_from", "22:00", "免打扰时段开始（应急发布除外，不推送）", clock_time))
ENDS = declare(Rule("push.quiet_until", "07:00", "免打扰时段结束（与开始时间相同为不设）", clock_time))

QUIET = "quiet"


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
    """Whether this act makes phones ring: a push, or a correction where a channel does nothing but push."""
    adapter = channels().get(channel)
    pushes = adapter is not None and adapter.limits.default_action == "push"
    return action == "push" or (action == "correct" and pushes)


def quiet_hours(session: Session, unit_id: int, now: datetime, zone: ZoneInfo) -> QuietHours:
    """The quiet hours in force for a unit."""
    starts, ends = (value_of(session, rule, unit_id, now) for rule in (STARTS, ENDS))
    return QuietHours(time.fromisoformat(starts), time.fromisoformat(ends), zone)


def foretold(
    session: Session, channel: str, action: str, unit_id: int, at: datetime, *, emergency: bool, zone: ZoneInfo
) -> list[Problem]:
    """What is told before booking this act for a moment in the quiet hours; it may be booked all the same."""
    if not rings(channel, action):
        return []
    problem = _told(quiet_hours(session, unit_id, at, zone), at, emergency=emergency)
    return [problem] if problem else []


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
