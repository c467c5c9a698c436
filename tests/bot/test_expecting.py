"""How long one will wait: a pure reckoning, what it rests on, and who is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot import desk as acts
from bot import expecting
from bot.expecting import OVER, Wait
from bot.models import Conversation
from bot.team import presence
from tests.bot.conftest import Desk

MORNING = datetime(2026, 3, 2, 1, tzinfo=UTC)


def waits(*minutes: float, agents: int = 0, apart: float = 60) -> list[Wait]:
    """People who waited so long, one after the other."""
    begun = [MORNING + timedelta(minutes=apart * place) for place in range(len(minutes))]
    return [
        Wait(asked, asked + timedelta(minutes=lasted), agents) for asked, lasted in zip(begun, minutes, strict=True)
    ]


@pytest.mark.parametrize(
    ("recent", "ahead", "there", "expected"),
    [
        (waits(4, 4, 4, 4), 0, 1, None),  # too few to say anything
        (waits(4, 4, 4, 4, 4), 0, 0, 4),
        (waits(4, 4, 4, 4, 4), 2, 0, 12),
        (waits(1, 2, 4, 50, 60), 0, 0, 4),  # one slow morning is not everybody's
        (waits(4, 4, 4, 4, 4, agents=1), 0, 2, 2),
        (waits(4, 4, 4, 4, 4, agents=2), 0, 1, 8),
        (waits(4, 4, 4, 4, 4, agents=2), 3, 2, 16),
        (waits(4, 4, 4, 4, 4, agents=0), 0, 3, 4),  # who was there then is not known
        (waits(10, 10, 10, 10, 10, apart=5), 0, 0, 5),  # each had one before him
    ],
)
def test_a_turn_takes_what_it_took(recent: list[Wait], ahead: int, there: int, expected: float | None) -> None:
    turn = expecting.one_turn(recent, there)
    found = None if turn is None else turn * (ahead + 1)
    assert found == (None if expected is None else timedelta(minutes=expected))


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, 1), (60, 1), (61, 2), (200, 5), (301, 10), (1500, 30), (1801, OVER), (90000, OVER)]
)
def test_it_is_said_as_a_person_would(seconds: int, said: int) -> None:
    assert expecting.rounded(timedelta(seconds=seconds)) == said


def served(desk: Desk, times: int, minutes: float = 4) -> None:
    """So many citizens asked for a person, waited so long and were answered."""
    for number in range(times):
        desk.says("人工", sender=f"before-{number}")
        desk.clock.step(minutes=minutes)
        with desk.office.working("officer") as (work, who):
            conversation = work.session.get_one(Conversation, desk.conversation(f"before-{number}").id)
            acts.answer(work, who, conversation, "您好。", desk.answering.words)


def at_the_desk(desk: Desk, name: str) -> None:
    with desk.office.working(name) as (work, who):
        presence.come(work, who, desk.office.bureau.id)


def test_nothing_is_said_where_nothing_was_measured(desk: Desk) -> None:
    served(desk, expecting.FEWEST - 1)
    assert "预计" not in desk.says("人工")


def test_who_waits_is_told_how_long_and_again_when_he_asks(desk: Desk) -> None:
    served(desk, expecting.FEWEST)
    assert "预计等待约 5 分钟。" in desk.says("人工", sender="first")
    desk.clock.step(seconds=5)
    assert "前面还有 1 位" in (told := desk.says("人工"))
    assert "预计等待约 10 分钟。" in told
    with desk.office.working("officer") as (work, who):
        acts.take(work, who, work.session.get_one(Conversation, desk.conversation("first").id), desk.answering.words)
    assert "预计等待约 5 分钟。" in desk.says("人工")


def test_more_agents_are_faster_and_none_is_no_time_to_tell(desk_both: Desk) -> None:
    desk = desk_both
    at_the_desk(desk, "officer")
    served(desk, expecting.FEWEST)
    assert "约 5 分钟" in desk.says("人工")
    at_the_desk(desk, "author")
    assert "约 2 分钟" in desk.says("人工")
    for name in ("officer", "author"):
        with desk.office.working(name) as (work, who):
            presence.leave(work, who)
    assert "预计" not in desk.says("人工")


def test_danger_and_who_was_fetched_are_no_measure(desk: Desk) -> None:
    for number in range(expecting.FEWEST):
        desk.says("我不想活了", sender=f"danger-{number}")
        desk.says("你好", sender=f"fetched-{number}")
        desk.clock.step(minutes=1)
        for kind in ("danger", "fetched"):
            with desk.office.working("officer") as (work, who):
                conversation = work.session.get_one(Conversation, desk.conversation(f"{kind}-{number}").id)
                acts.answer(work, who, conversation, "您好。", desk.answering.words)
    assert "预计" not in desk.says("人工")


def test_what_was_long_ago_is_no_measure(desk: Desk) -> None:
    served(desk, expecting.FEWEST)
    desk.clock.step(hours=24 * 8)
    with desk.works.read() as work:
        assert expecting.minutes(work.session, desk.office.bureau.id, 0, work.now) == 0
