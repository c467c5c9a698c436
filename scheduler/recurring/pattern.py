"""On which days and at what hour something comes again: pure, by the Chinese working calendar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from kernel.errors import Invalid
from kernel.workdays import Workdays

Days = Literal["workdays", "weekly", "monthly"]
FreeDays = Literal["keep", "skip", "after"]

DAYS: tuple[Days, ...] = ("workdays", "weekly", "monthly")
FREE_DAYS: tuple[FreeDays, ...] = ("keep", "skip", "after")
LAST_OF_MONTH = 31
# The longest holiday, with the days that may be put off into it, lies well inside this.
LONGEST_HOLIDAY = timedelta(days=20)


@dataclass(frozen=True)
class Pattern:
    """Every working day, some weekdays (1 to 7) or some days of the month (31: its last), at `hour` of the office.

    `free_days` says what becomes of a day on which the office does not work: kept, left out, or put off to the next
    working day. A make-up Saturday is a working day.
    """

    days: Days
    numbers: tuple[int, ...]
    hour: time
    free_days: FreeDays = "skip"

    def on(self, first: date, last: date, workdays: Workdays) -> list[date]:
        """Its days from `first` up to `last`, in order and each once."""
        found: set[date] = set()
        day = first - (LONGEST_HOLIDAY if self.free_days == "after" else timedelta())
        while day < last:
            if self._names(day, workdays):
                found.update(self._moved(day, workdays))
            day += timedelta(days=1)
        return sorted(one for one in found if first <= one < last)

    def moments(self, after: datetime, until: datetime, workdays: Workdays) -> Iterator[datetime]:
        """Its moments (UTC) later than `after` and not later than `until`."""
        zone = workdays.zone
        first, last = after.astimezone(zone).date(), until.astimezone(zone).date() + timedelta(days=1)
        for day in self.on(first, last, workdays):
            at = datetime.combine(day, self.hour, zone).astimezone(UTC)
            if after < at <= until:
                yield at

    def _names(self, day: date, workdays: Workdays) -> bool:
        if self.days == "workdays":
            return workdays.is_workday(day)
        if self.days == "weekly":
            return day.isoweekday() in self.numbers
        ends = (day + timedelta(days=1)).month != day.month
        return day.day in self.numbers or (ends and max(self.numbers) > day.day)

    def _moved(self, day: date, workdays: Workdays) -> Iterator[date]:
        if self.free_days == "keep" or workdays.is_workday(day):
            yield day
        elif self.free_days == "after":
            yield workdays.due_day(day, 1)


def pattern(days: str, numbers: Sequence[int], hour: str, free_days: str = "skip") -> Pattern:
    """A pattern out of what was typed; raises Invalid at the field that makes none."""
    if days not in DAYS:
        raise Invalid(field="days", why="请选择按工作日、按周还是按月。")
    if free_days not in FREE_DAYS:
        raise Invalid(field="free_days", why="请选择遇到休息日怎么办。")
    try:
        at = time.fromisoformat(hour.strip())
    except ValueError:
        raise Invalid(field="hour", why="时间应写作 时:分，例如 09:00。") from None
    if at.second or at.microsecond or at.tzinfo:
        raise Invalid(field="hour", why="时间应写作 时:分，例如 09:00。")
    chosen = tuple(sorted(set(numbers)))
    most = {"workdays": 0, "weekly": 7, "monthly": LAST_OF_MONTH}[days]
    if days == "workdays":
        return Pattern(days, (), at, "skip")
    if not chosen or chosen[0] < 1 or chosen[-1] > most:
        what = "请选择星期几。" if days == "weekly" else "请填写每月几日（1 至 31，31 为月末）。"
        raise Invalid(field="weekdays" if days == "weekly" else "month_days", why=what)
    return Pattern(days, chosen, at, free_days)
