"""The Chinese working calendar: holidays, make-up days, and limits counted in working days or hours.

Years come from the `chinesecalendar` package and from a table that an administrator loads when the
State Council announces a year the package does not know yet. A year with neither counts Monday to
Friday and is marked provisional.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import chinese_calendar
from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel.model import Base


class CalendarDay(Base):
    """A day that an administrator declared working or free."""

    __tablename__ = "calendar_day"

    day: Mapped[date] = mapped_column(primary_key=True)
    working: Mapped[bool]
    name: Mapped[str] = mapped_column(String(40), default="")


class Workdays:
    """Answers for one office: which days are worked, and between which hours (office time).

    Hours that end when or before they begin go on into the next day; `every_day`: weekends and holidays are worked too.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        declared: dict[date, bool] | None = None,
        opens: time = time(9, 0),
        closes: time = time(17, 30),
        *,
        every_day: bool = False,
    ) -> None:
        self.zone = zone
        self.declared = declared or {}
        self.opens = opens
        self.closes = closes
        self.every_day = every_day

    def is_workday(self, day: date) -> bool:
        """Whether the office works on that day."""
        if self.every_day:
            return True
        if day in self.declared:
            return self.declared[day]
        known = _known(day)
        return day.weekday() < 5 if known is None else known

    def provisional(self, year: int) -> bool:
        """Whether the year's holidays are not known and Monday to Friday is assumed."""
        return _known(date(year, 1, 1)) is None and not any(day.year == year for day in self.declared)

    def due_day(self, start: date, workdays: int) -> date:
        """The day on which a limit of so many working days ends; the day after `start` is the first counted."""
        day, left = start, workdays
        while left > 0:
            day += timedelta(days=1)
            if self.is_workday(day):
                left -= 1
        return day

    def deadline(self, start: datetime, workdays: int) -> datetime:
        """The moment (UTC) at which such a limit ends: the close of its last working day."""
        last = self.due_day(start.astimezone(self.zone).date(), workdays)
        return self._span(last)[1].astimezone(start.tzinfo)

    def open_at(self, moment: datetime) -> bool:
        """Whether the office is open at that moment."""
        return any(opens <= moment < closes for opens, closes in self.spans(moment, moment))

    def next_opening(self, moment: datetime) -> datetime:
        """The moment itself when the office is open, else the next opening (UTC)."""
        if self.open_at(moment):
            return moment
        local = moment.astimezone(self.zone)
        day = local.date()
        if not (self.is_workday(day) and local.time() < self.opens):
            day = self.due_day(day, 1)
        return datetime.combine(day, self.opens, self.zone).astimezone(moment.tzinfo)

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """How much of the time between two moments fell into opening hours."""
        first, last = start.astimezone(self.zone), end.astimezone(self.zone)
        return sum(
            (max(min(last, closes) - max(first, opens), timedelta()) for opens, closes in self.spans(first, last)),
            timedelta(),
        )

    def spans(self, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The opening hours (office time) that reach into the days from one moment to another."""
        day, end = first.astimezone(self.zone).date() - self._over_midnight, last.astimezone(self.zone).date()
        while day <= end:
            if self.is_workday(day):
                yield self._span(day)
            day += timedelta(days=1)

    @property
    def _over_midnight(self) -> timedelta:
        return timedelta(days=1 if self.closes <= self.opens else 0)

    def _span(self, day: date) -> tuple[datetime, datetime]:
        closes = datetime.combine(day + self._over_midnight, self.closes, self.zone)
        return datetime.combine(day, self.opens, self.zone), closes


def declared_days(session: Session) -> dict[date, bool]:
    """The days an administrator has loaded."""
    return {row.day: row.working for row in session.scalars(select(CalendarDay))}


@lru_cache(maxsize=4096)
def _known(day: date) -> bool | None:
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:  # The package's word for a year it has no data for.
        return None
