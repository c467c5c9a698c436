"""Nobody is left alone by an agent who forgot him, went, or works here no more."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from bot.events import PersonWanted
from bot.models import Conversation, Ticket
from bot.states import ConversationState
from bot.team import presence
from bot.team.left_alone import GRACE
from bot.team.rounds import TeamWatch
from bot.waiting import Watch
from kernel.people import Person
from tests.bot.conftest import ZONE, Desk
from tests.bot.test_desk import does, waits

S = ConversationState


@pytest.fixture
def taken(desk: Desk) -> Desk:
    """A citizen whom an agent at the desk has taken and answered, and who has asked on."""
    waits(desk)
    arrives(desk, "officer")
    does(desk, "officer", "answer", "您好。")
    desk.clock.step(seconds=5)
    desk.says("要带什么材料？")
    return desk


def arrives(desk: Desk, name: str, state: str = presence.ON) -> None:
    with desk.office.working(name) as (work, who):
        presence.change(work, who, state, "休息" if state == presence.BREAK else "")


def looks(desk: Desk, minutes: float) -> Conversation:
    """So many minutes later both recurring duties have looked."""
    desk.clock.step(seconds=minutes * 60)
    TeamWatch(desk.works, desk.answering.words, ZONE).round()
    Watch(desk.works, desk.answering.words, ZONE).round()
    return desk.conversation()


def reminded(desk: Desk) -> list[PersonWanted]:
    heard: list[PersonWanted] = []
    desk.works.listeners.in_work(PersonWanted, lambda _work, fact: heard.append(fact))
    return heard


def test_whoever_forgets_a_citizen_is_reminded_once_for_what_he_wrote(taken: Desk) -> None:
    heard = reminded(taken)
    assert looks(taken, 1).state == S.OPEN
    assert heard == []
    for minutes in (1.5, 5, 60):
        assert looks(taken, minutes).agent_id == taken.office.person("officer").id
    assert [(fact.reason, fact.words) for fact in heard] == [("已等 2 分钟", "要带什么材料？")]
    taken.says("还在吗？")
    looks(taken, 2.5)
    assert len(heard) == 2
    does(taken, "officer", "answer", "带身份证。")
    looks(taken, 30)
    assert len(heard) == 2


def test_whoever_is_answered_is_nobodys_to_remind_of(desk: Desk) -> None:
    waits(desk)
    does(desk, "officer", "answer", "您好。")
    desk.clock.step(seconds=5)
    desk.says("要带什么材料？")
    does(desk, "officer", "answer", "带身份证。")
    heard = reminded(desk)
    assert looks(desk, 60).state == S.OPEN
    assert heard == []


@pytest.mark.parametrize("state", [presence.ON, presence.BREAK])
def test_who_is_there_or_rests_keeps_what_he_has(taken: Desk, state: str) -> None:
    arrives(taken, "officer", state)
    assert looks(taken, 10).state == S.OPEN


def test_who_left_the_desk_is_waited_for_no_longer(taken: Desk) -> None:
    arrives(taken, "officer", presence.AWAY)
    found = looks(taken, 2.5)
    assert (found.state, found.agent_id, found.waiting_reason) == (S.WAITING, None, "shift")
    assert any("已不在岗" in row.text for row in taken.replies("note"))
    does(taken, "author", "answer", "带身份证。")
    assert taken.conversation().state == S.OPEN


def test_who_comes_back_in_time_keeps_it(taken: Desk) -> None:
    arrives(taken, "officer", presence.AWAY)
    arrives(taken, "officer")
    assert looks(taken, 10).state == S.OPEN


def test_who_never_said_where_he_is_keeps_it_until_the_desk_closes(desk: Desk) -> None:
    waits(desk)
    does(desk, "officer", "answer", "您好。")
    desk.says("要带什么材料？")
    assert looks(desk, 60).state == S.OPEN
    desk.clock.step(hours=9)
    desk.says("还在吗？")
    assert looks(desk, 5).state == S.OPEN  # He may still be writing.
    found = looks(desk, GRACE.total_seconds() / 60)
    assert found.state == S.CLOSED
    with desk.works.read() as work:
        ticket = work.session.scalars(select(Ticket)).one()
    assert "要带什么材料" in ticket.text
    assert ticket.number in desk.replies("bot")[-1].text


def test_a_colleague_who_works_here_no_more_holds_nobody(taken: Desk) -> None:
    does(taken, "officer", "answer", "稍等。")
    does(taken, "officer", "snooze", 60, words=False)
    with taken.works.write() as work:
        work.session.get_one(Person, taken.office.person("officer").id).active = False
    found = looks(taken, 0)
    assert (found.state, found.agent_id) == (S.WAITING, None)


def test_what_is_merged_stands_with_its_own(taken: Desk) -> None:
    moment: datetime = taken.clock.now()
    with taken.works.write() as work:
        row = work.session.get_one(Conversation, taken.conversation().id)
        row.merged_into_id, row.heard_at = row.id, moment
    arrives(taken, "officer", presence.AWAY)
    assert looks(taken, 30).state == S.OPEN
