"""Working days: the State Council's holidays and make-up days, years nobody knows yet, limits and hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from kernel.work import Works
from kernel.workdays import CalendarDay, Workdays, declared_days

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = Workdays(SHANGHAI)


def at(text: str) -> datetime:
    """A moment given in office time."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


DAYS = [
    ("2026-01-01", False),  # New Year
    ("2026-01-04", True),  # Sunday made up for it
    ("2026-02-14", True),  # Saturday made up for the Spring Festival
    ("2026-02-17", False),  # Spring Festival
    ("2026-02-28", True),  # Saturday made up for the Spring Festival
    ("2026-03-02", True),  # Monday
    ("2026-03-07", False),  # Saturday
    ("2026-09-20", True),  # Sunday made up for the National Day
    ("2026-10-01", False),  # National Day
    ("2026-10-07", False),  # still the National Day
    ("2026-10-08", True),  # Thursday
    ("2026-10-10", True),  # Saturday made up for the National Day
    ("2026-10-11", False),  # Sunday
]


@pytest.mark.parametrize(("day", "works"), DAYS)
def test_the_calendar_of_2026(day: str, works: bool) -> None:
    assert OFFICE.is_workday(date.fromisoformat(day)) is works
    assert not OFFICE.provisional(2026)


@pytest.mark.parametrize(
    ("day", "works"), [("2031-10-01", True), ("2031-10-04", False), ("2031-10-05", False), ("2031-10-06", True)]
)
def test_a_year_nobody_knows_counts_monday_to_friday(day: str, works: bool) -> None:
    assert OFFICE.is_workday(date.fromisoformat(day)) is works
    assert OFFICE.provisional(2031)


def test_a_declared_day_wins_and_settles_its_year() -> None:
    office = Workdays(SHANGHAI, {date(2031, 10, 1): False, date(2031, 9, 28): True, date(2026, 3, 2): False})
    assert not office.is_workday(date(2031, 10, 1))
    assert office.is_workday(date(2031, 9, 28))
    assert not office.is_workday(date(2026, 3, 2))
    assert not office.provisional(2031)
    assert office.provisional(2032)


def test_declared_days_are_read_from_their_table(works: Works) -> None:
    with works.write() as work:
        work.session.add(CalendarDay(day=date(2031, 10, 1), working=False, name="国庆节"))
    with works.read() as work:
        assert declared_days(work.session) == {date(2031, 10, 1): False}


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-03-02", 0, "2026-03-02"),
        ("2026-03-02", 1, "2026-03-03"),
        ("2026-03-06", 1, "2026-03-09"),
        ("2026-03-07", 1, "2026-03-09"),
        ("2026-09-30", 1, "2026-10-08"),
        ("2026-09-30", 3, "2026-10-10"),
        ("2026-09-30", 4, "2026-10-12"),
        ("2026-12-31", 1, "2027-01-01"),  # 2027 is not announced yet, so 1 January counts as a Friday.
    ],
)
def test_limits_in_working_days(start: str, days: int, due: str) -> None:
    assert OFFICE.due_day(date.fromisoformat(start), days) == date.fromisoformat(due)


def test_a_deadline_is_the_close_of_its_last_day() -> None:
    deadline = OFFICE.deadline(at("2026-09-30T16:00"), 5)
    assert deadline == at("2026-10-13T17:30")
    assert deadline.tzinfo is UTC


def test_a_deadline_counts_from_the_offices_day_and_not_from_utcs() -> None:
    late_evening = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # Already Tuesday in Shanghai.
    assert OFFICE.deadline(late_evening, 1) == at("2026-03-04T17:30")


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-03-02T08:59", False),
        ("2026-03-02T09:00", True),
        ("2026-03-02T17:29", True),
        ("2026-03-02T17:30", False),
        ("2026-03-07T10:00", False),
        ("2026-10-10T10:00", True),
    ],
)
def test_opening_hours(moment: str, opens: bool) -> None:
    assert OFFICE.open_at(at(moment)) is opens


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2026-03-02T10:00", "2026-03-02T10:00"),
        ("2026-03-02T06:00", "2026-03-02T09:00"),
        ("2026-03-02T17:30", "2026-03-03T09:00"),
        ("2026-03-06T20:00", "2026-03-09T09:00"),
        ("2026-03-07T06:00", "2026-03-09T09:00"),
        ("2026-09-30T18:00", "2026-10-08T09:00"),
    ],
)
def test_the_next_opening(moment: str, opening: str) -> None:
    assert OFFICE.next_opening(at(moment)) == at(opening)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-03-02T09:00", "2026-03-02T10:30", 1.5),
        ("2026-03-02T08:00", "2026-03-02T18:00", 8.5),
        ("2026-03-02T17:00", "2026-03-03T09:30", 1.0),
        ("2026-03-06T17:00", "2026-03-09T09:30", 1.0),
        ("2026-03-07T00:00", "2026-03-08T23:59", 0.0),
        ("2026-09-30T17:00", "2026-10-08T09:30", 1.0),
        ("2026-03-02T10:00", "2026-03-02T10:00", 0.0),
    ],
)
def test_time_that_fell_into_opening_hours(start: str, end: str, hours: float) -> None:
    assert OFFICE.working_time(at(start), at(end)) == timedelta(hours=hours)


def test_other_hours() -> None:
    office = Workdays(SHANGHAI, opens=time(8, 30), closes=time(12, 0))
    assert office.open_at(at("2026-03-02T08:30"))
    assert not office.open_at(at("2026-03-02T12:00"))


def test_hours_over_midnight_and_around_the_clock() -> None:
    night = Workdays(SHANGHAI, opens=time(18, 0), closes=time(2, 0))
    assert night.open_at(at("2026-03-03T01:59"))  # Tuesday, on Monday's shift.
    assert not night.open_at(at("2026-03-02T01:59"))  # Sunday does not work.
    assert night.working_time(at("2026-03-03T01:00"), at("2026-03-03T19:00")) == timedelta(hours=2)
    always = Workdays(SHANGHAI, opens=time(0, 0), closes=time(0, 0), every_day=True)
    assert always.working_time(at("2026-03-06T22:00"), at("2026-03-08T03:00")) == timedelta(hours=29)
