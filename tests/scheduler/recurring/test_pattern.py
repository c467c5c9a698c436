"""On which days something comes again: the working calendar with its holidays and make-up Saturdays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from kernel.errors import Invalid
from kernel.workdays import Workdays
from scheduler.recurring.pattern import Pattern, pattern

SHANGHAI = ZoneInfo("Asia/Shanghai")
WORKDAYS = Workdays(SHANGHAI)
NINE = time(9)


def days(one: Pattern, first: str, last: str) -> list[str]:
    found = one.on(date.fromisoformat(first), date.fromisoformat(last), WORKDAYS)
    return [f"{day:%m-%d}" for day in found]


def test_working_days_leave_out_the_holiday_and_take_in_the_make_up_saturday() -> None:
    # The Spring Festival of 2026: free from 15 to 23 February, worked on Saturday the 14th and the 28th.
    assert days(Pattern("workdays", (), NINE), "2026-02-13", "2026-03-03") == [
        "02-13", "02-14", "02-24", "02-25", "02-26", "02-27", "02-28", "03-02",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("free_days", "found"),
    [
        ("keep", ["02-09", "02-16", "02-23", "03-02"]),
        ("skip", ["02-09", "03-02"]),
        ("after", ["02-09", "02-24", "03-02"]),
    ],
)
def test_a_monday_in_the_holiday_is_kept_left_out_or_put_off(free_days: str, found: Sequence[str]) -> None:
    assert days(pattern("weekly", [1], "09:00", free_days), "2026-02-09", "2026-03-03") == found


def test_a_day_put_off_from_before_the_span_is_found_in_it() -> None:
    assert days(pattern("monthly", [20], "09:00", "after"), "2026-02-24", "2026-03-01") == ["02-24"]


def test_the_31st_is_the_last_of_every_month() -> None:
    kept = pattern("monthly", [15, 31], "09:00", "keep")
    assert days(kept, "2026-01-01", "2026-03-01") == ["01-15", "01-31", "02-15", "02-28"]


def test_moments_are_the_offices_own_and_bounded_on_both_sides() -> None:
    after = datetime(2026, 3, 2, 9, 0, tzinfo=SHANGHAI)
    found = list(Pattern("workdays", (), NINE).moments(after, after + timedelta(days=2), WORKDAYS))
    assert [at.astimezone(SHANGHAI).isoformat() for at in found] == [
        "2026-03-03T09:00:00+08:00",
        "2026-03-04T09:00:00+08:00",
    ]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        (("daily", [], "09:00", "skip"), "days"),
        (("weekly", [], "09:00", "skip"), "weekdays"),
        (("weekly", [8], "09:00", "skip"), "weekdays"),
        (("monthly", [0], "09:00", "skip"), "month_days"),
        (("monthly", [32], "09:00", "skip"), "month_days"),
        (("workdays", [], "9点", "skip"), "hour"),
        (("workdays", [], "09:00:30", "skip"), "hour"),
        (("weekly", [1], "09:00", "never"), "free_days"),
    ],
)
def test_what_makes_no_pattern_is_refused_at_its_field(typed: tuple[str, list[int], str, str], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        pattern(*typed)
    assert refusal.value.field == field
