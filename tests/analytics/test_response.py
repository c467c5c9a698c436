"""Response times count people's working time from the handoff; the bot's time stands apart."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from analytics import response
from analytics.open_hours import OpenHours, moments
from bot.models import Conversation, Rating
from kernel.clock import StillClock
from kernel.people import Permission
from kernel.work import Works
from kernel.workdays import Workdays
from tests.analytics.conftest import Published

ZONE = ZoneInfo("Asia/Shanghai")
WORKDAYS = Workdays(ZONE)


def at(day: int, clock: str) -> datetime:
    """A moment of March 2026 in the office's zone; the 2nd is a Monday."""
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 3, day, hour, minute, tzinfo=ZONE)


def talk(works: Works, unit_id: int, opened: datetime, **times: datetime) -> int:
    """A conversation that went this way."""
    with works.write() as work:
        names = {"channel": "portal", "sender": secrets.token_hex(4), "engine_session": secrets.token_hex(4)}
        state = "closed" if "closed_at" in times else "waiting" if "handed_off_at" in times else "bot"
        row = Conversation(unit_id=unit_id, state=state, opened_at=opened, heard_at=opened, **names, **times)
        work.session.add(row)
        work.session.flush()
        return row.id


def rate(works: Works, unit_id: int, conversation: int, score: int, when: datetime) -> None:
    with works.write() as work:
        work.session.add(Rating(unit_id=unit_id, conversation_id=conversation, score=score, at=when))


@pytest.fixture
def spoken(published: Published, clock: StillClock) -> Published:
    """Two handed over (one on Friday evening), one answered by the bot, one still waiting, one of another unit."""
    works, unit = published.works, published.office.bureau.id
    first = talk(
        works,
        unit,
        at(2, "09:50"),
        handed_off_at=at(2, "10:00"),
        first_reply_at=at(2, "10:04"),
        closed_at=at(2, "10:30"),
    )
    second = talk(
        works,
        unit,
        at(6, "17:00"),
        handed_off_at=at(6, "17:20"),
        first_reply_at=at(9, "09:10"),
        closed_at=at(9, "09:40"),
    )
    talk(works, unit, at(3, "11:00"), closed_at=at(3, "11:01"))
    talk(works, unit, at(9, "15:00"), handed_off_at=at(9, "15:01"))
    talk(works, published.office.other.id, at(9, "15:00"), handed_off_at=at(9, "15:01"))
    rate(works, unit, first, 1, at(2, "10:31"))
    rate(works, unit, second, 5, at(9, "09:41"))
    clock.step(days=8)
    return published


def test_only_working_time_of_people_counts(spoken: Published) -> None:
    with spoken.works.read() as work:
        who = spoken.office.who("manager")
        people = response.handed(work.session, who, lambda _unit: WORKDAYS, at(1, "00:00"), at(11, "00:00"))
        found = response.response_times(work.session, who, people, at(1, "00:00"), at(11, "00:00"))
    assert (found.conversations, found.handed_off, found.answered, found.waiting) == (4, 3, 2, 1)
    # 4 minutes on Monday; 10 minutes before Friday's close and 10 after Monday's opening.
    assert found.first_response == timedelta(minutes=12)
    assert found.first_response_p90 == timedelta(minutes=20)
    assert found.resolution == timedelta(minutes=40)
    assert found.bot_share == pytest.approx(1 / 3)
    assert (found.ratings, found.satisfaction) == (2, 0.5)


def test_each_desk_is_counted_by_its_own_hours_whoever_looks(spoken: Published) -> None:
    bureau, other = spoken.office.bureau.id, spoken.office.other.id
    saturday = {"handed_off_at": at(7, "10:00"), "first_reply_at": at(7, "10:30")}
    for unit in (bureau, other):
        talk(spoken.works, unit, at(7, "10:00"), **saturday)
    always = Workdays(ZONE, {}, time(0), time(0), every_day=True)
    reach = {Permission.REPORT_READ: frozenset({bureau, other})}
    with spoken.works.read() as work:
        who = replace(spoken.office.who("manager"), reach=reach)
        hours = {bureau: WORKDAYS, other: always}
        people = response.handed(work.session, who, hours.__getitem__, at(7, "00:00"), at(8, "00:00"))
    assert sorted(people.first.tolist()) == [0.0, 30 * 60.0]


def test_days_without_a_handoff_are_shown_and_have_no_time(spoken: Published) -> None:
    with spoken.works.read() as work:
        who = spoken.office.who("manager")
        people = response.handed(work.session, who, lambda _unit: WORKDAYS, at(1, "00:00"), at(10, "00:00"))
    days = response.by_day(people, at(1, "00:00"), at(10, "00:00"), ZONE)
    assert [(one.day.day, one.handed_off, one.answered) for one in days if one.handed_off] == [
        (2, 1, 1),
        (6, 1, 1),
        (9, 1, 0),
    ]
    assert len(days) == 10
    assert [one.first_response for one in days if one.day.day in (2, 3, 9)] == [timedelta(minutes=4), None, None]


@pytest.mark.parametrize(
    ("show", "count"),
    [("", 4), ("handed", 3), ("answered", 2), ("waiting", 1), ("resolved", 2), ("closed", 3), ("bot", 1), ("rated", 2)],
)
def test_every_figure_has_its_conversations(spoken: Published, show: str, count: int) -> None:
    with spoken.works.read() as work:
        query = response.conversations(spoken.office.who("manager"), at(1, "00:00"), at(11, "00:00"), show)
        assert len(work.session.scalars(query).all()) == count


def test_a_ticket_out_of_hours_is_no_answer_of_the_bot(spoken: Published) -> None:
    unit = spoken.office.bureau.id
    closed = talk(spoken.works, unit, at(2, "20:00"), closed_at=at(2, "21:00"))
    with spoken.works.write() as work:
        work.session.get_one(Conversation, closed).handoff_reason = "out_of_hours"
    with spoken.works.read() as work:
        who = spoken.office.who("manager")
        people = response.handed(work.session, who, lambda _unit: WORKDAYS, at(1, "00:00"), at(11, "00:00"))
        found = response.response_times(work.session, who, people, at(1, "00:00"), at(11, "00:00"))
    assert found.bot_share == pytest.approx(1 / 4)


def test_where_nothing_was_measured_there_is_no_figure(published: Published) -> None:
    with published.works.read() as work:
        who = published.office.who("manager")
        people = response.handed(work.session, who, lambda _unit: WORKDAYS, at(1, "00:00"), at(9, "00:00"))
        found = response.response_times(work.session, who, people, at(1, "00:00"), at(9, "00:00"))
    assert (found.first_response, found.resolution, found.bot_share, found.satisfaction) == (None,) * 4


@pytest.mark.parametrize(
    "workdays",
    [
        WORKDAYS,
        Workdays(WORKDAYS.zone, opens=time(20, 0), closes=time(4, 0)),
        Workdays(WORKDAYS.zone, opens=time(0, 0), closes=time(0, 0), every_day=True),
    ],
    ids=["office", "night", "always"],
)
def test_many_spans_at_once_are_counted_as_each_alone(workdays: Workdays) -> None:
    chance = Random(7)  # noqa: S311  # Any spans will do, the same each time.
    starts = [at(1, "00:00") + timedelta(seconds=chance.randrange(20 * 86400)) for _ in range(200)]
    ends = [start + timedelta(seconds=chance.randrange(4 * 86400)) for start in starts]
    hours = OpenHours(workdays, min(starts), max(ends))
    alone = [workdays.working_time(start, end).total_seconds() for start, end in zip(starts, ends, strict=True)]
    assert list(hours.between(moments(starts), moments(ends))) == pytest.approx(alone, abs=1e-5)
    assert (0.0 in alone) is not workdays.every_day
    assert max(alone) > 24 * 3600


def test_a_stretch_without_a_working_day_has_no_working_time() -> None:
    free = OpenHours(WORKDAYS, at(7, "00:00"), at(8, "23:00"))
    assert list(free.between(moments([at(7, "10:00")]), moments([at(8, "10:00")]))) == [0.0]
