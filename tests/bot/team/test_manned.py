"""Working time follows the shifts of a day that has any, as the desk's doors do, and the office's hours else."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from analytics.open_hours import OpenHours, moments
from bot import rules
from bot.rules import Hours
from bot.team import shifts
from bot.team.manned import Manned, turns_since
from bot.team.models import Turn
from bot.team.shifts import Plan
from kernel.workdays import Workdays
from tests.bot.conftest import Desk

ZONE = ZoneInfo("Asia/Shanghai")
# The 2nd of March 2026 is a Monday with two shifts that overlap; then a night on Wednesday, and a manned Saturday.
TURNS = [
    ("02", "08:00", "02", "11:00"),
    ("02", "10:00", "02", "12:00"),
    ("04", "20:00", "05", "02:00"),
    ("07", "09:00", "07", "12:00"),
]


def at(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{day}T{clock}").replace(tzinfo=ZONE)


PLANNED = [(date(2026, 3, int(day)), at(day, begins), at(until, ends)) for day, begins, until, ends in TURNS]
OFFICE = Workdays(ZONE)
MANNED = Manned(OFFICE, PLANNED)


@pytest.mark.parametrize(
    ("starts", "ends", "minutes"),
    [
        (at("02", "07:30"), at("02", "23:00"), 240),  # 8 to 12, once where shifts overlap; no afternoon.
        (at("02", "11:50"), at("02", "15:00"), 10),
        (at("03", "09:00"), at("03", "10:00"), 60),  # Nothing planned: the office's hours.
        (at("04", "09:00"), at("04", "17:30"), 0),  # Planned, but not for the day.
        (at("04", "21:00"), at("05", "10:00"), 360),  # Five hours of the night, and Thursday's first.
        (at("07", "09:10"), at("07", "09:40"), 30),  # A Saturday that is manned.
        (at("08", "09:00"), at("08", "12:00"), 0),
    ],
)
def test_what_is_counted(starts: datetime, ends: datetime, minutes: int) -> None:
    assert MANNED.working_time(starts, ends) == timedelta(minutes=minutes)
    curve = OpenHours(MANNED, at("01", "00:00"), at("09", "00:00"))
    assert list(curve.between(moments([starts]), moments([ends]))) == [minutes * 60]


@pytest.mark.parametrize(
    ("opens", "closes", "every_day"),
    [("09:00", "17:30", False), ("20:00", "04:00", True), ("00:00", "00:00", True)],
)
def test_it_is_the_time_in_which_a_citizen_reaches_a_person(opens: str, closes: str, every_day: bool) -> None:
    hours = Hours(OFFICE, time.fromisoformat(opens), time.fromisoformat(closes), every_day, PLANNED)
    manned, quarter = Manned(hours.usual, PLANNED), timedelta(minutes=15)
    for step in range(7 * 96):
        moment = at("02", "00:00") + step * quarter
        counted = manned.working_time(moment, moment + quarter)
        assert (counted == quarter) is hours.open_at(moment), moment


def test_the_plan_of_a_desk_is_its_own_and_a_shift_of_many_is_one(desk: Desk) -> None:
    office, today = desk.office, desk.clock.now().astimezone(ZONE).date()
    with office.working("manager") as (work, _who):
        shift = shifts.add(work, office.bureau.id, "早班", "07:00", "12:00")
        people = [office.people["officer"].id, office.people["author"].id]
        shifts.plan(work, office.bureau.id, Plan(shift.id, people, today, today, workdays_only=False), ZONE)
    with desk.works.read() as work:
        assert len(work.session.scalars(select(Turn)).all()) == 2
        found = turns_since(work.session, office.bureau.id, work.now)
        assert [(day, (ends - starts).total_seconds()) for day, starts, ends in found] == [(today, 5 * 3600)]
        assert turns_since(work.session, office.city.id, work.now) == []
        assert turns_since(work.session, office.bureau.id, work.now + timedelta(days=3)) == []
        usual = rules.hours_of(work.session, office.bureau.id, ZONE, work.now).usual
    assert Manned(usual, found).open_at(datetime.combine(today, time(7, 30), ZONE))
