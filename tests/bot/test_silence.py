"""A session ends by silence only after a warning that the citizen could answer."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot import desk as acts
from bot import gateway, silence
from bot.errors import WasClosed
from bot.gateway import Arrival
from bot.models import Conversation, Ticket
from bot.nlu.ranking import Decision
from bot.silence import STAY
from bot.states import ConversationState
from bot.turns import GREET
from bot.waiting import Watch
from tests.bot.conftest import ZONE, Desk

S = ConversationState


@pytest.fixture
def watch(desk: Desk) -> Watch:
    return Watch(desk.works, desk.answering.words, ZONE)


@pytest.fixture
def opened(desk: Desk) -> int:
    """A session on our own page."""
    with desk.works.write() as work:
        begun = gateway.begin(
            work, unit_id=desk.office.bureau.id, account_id=None, channel="portal", sender="page", token_hash="t"
        )
    return begun.id


def at(desk: Desk, number: int) -> Conversation:
    with desk.works.read() as work:
        return work.session.get_one(Conversation, number)


def writes(desk: Desk, number: int, text: str) -> None:
    desk.serial += 1
    with desk.works.write() as work:
        arrival = Arrival(gateway.CHAT, f"c{desk.serial}", "page", "text", text, work.now)
        received = gateway.store(work, work.session.get_one(Conversation, number), arrival)
    desk.answering.handle(received.inbound_id)


def stays(desk: Desk, number: int) -> None:
    with desk.works.write() as work:
        silence.stay(work, work.session.get_one(Conversation, number), desk.answering.words)


def does(desk: Desk, number: int, act: str, *more: object) -> None:
    with desk.office.working("officer") as (work, who):
        conversation = work.session.get_one(Conversation, number)
        getattr(acts, act)(work, who, conversation, *more, desk.answering.words)


def passes(desk: Desk, watch: Watch, minutes: float) -> None:
    desk.clock.step(minutes=minutes)
    watch.round()


def warnings(desk: Desk) -> int:
    return len([row for row in desk.replies("event") if row.ask == STAY])


def test_a_silent_session_is_warned_once_and_then_ends(desk: Desk, watch: Watch, opened: int) -> None:
    passes(desk, watch, 24)
    assert warnings(desk) == 0
    passes(desk, watch, 1)
    watch.round()
    assert warnings(desk) == 1
    assert "5 分钟后结束" in desk.replies("event")[-1].text
    passes(desk, watch, 4)
    assert at(desk, opened).state == S.BOT
    passes(desk, watch, 1)
    assert at(desk, opened).state == S.CLOSED
    assert "长时间没有回复" in desk.replies("event")[-1].text
    with pytest.raises(WasClosed):
        stays(desk, opened)


@pytest.mark.parametrize("by", ["button", "word"])
def test_whoever_goes_on_has_the_whole_time_again_as_often_as_he_likes(
    desk: Desk, watch: Watch, opened: int, by: str
) -> None:
    desk.engine.decision = Decision("answer", (GREET,))
    passes(desk, watch, 24)
    for times in range(1, 4):
        passes(desk, watch, 1)
        assert warnings(desk) == times
        desk.clock.step(minutes=4)
        if by == "button":
            stays(desk, opened)
            stays(desk, opened)  # Twice says it once.
        else:
            writes(desk, opened, "你好")
        passes(desk, watch, 24)
        assert (at(desk, opened).state, warnings(desk)) == (S.BOT, times)
    said = [row.text for row in desk.replies("event") if "会话继续" in row.text]
    assert len(said) == (3 if by == "button" else 0)


def test_after_an_outage_the_warning_comes_first(desk: Desk, watch: Watch, opened: int) -> None:
    passes(desk, watch, 300)
    assert (at(desk, opened).state, warnings(desk)) == (S.BOT, 1)
    passes(desk, watch, 5)
    assert at(desk, opened).state == S.CLOSED


def test_an_agents_session_is_warned_after_his_answer_only(desk: Desk, watch: Watch, opened: int) -> None:
    writes(desk, opened, "人工")
    does(desk, opened, "take")
    passes(desk, watch, 60)
    assert warnings(desk) == 0  # It is the agent who is silent.
    does(desk, opened, "answer", "您好。")
    passes(desk, watch, 25)
    assert warnings(desk) == 1
    does(desk, opened, "answer", "还在吗？")
    passes(desk, watch, 10)
    assert at(desk, opened).state == S.OPEN
    passes(desk, watch, 15)
    assert warnings(desk) == 2
    passes(desk, watch, 5)
    assert at(desk, opened).state == S.CLOSED


def test_a_warning_before_the_queue_ends_nothing_after_it(desk: Desk, watch: Watch, opened: int) -> None:
    writes(desk, opened, "人工")
    does(desk, opened, "answer", "您好。")
    passes(desk, watch, 25)
    assert warnings(desk) == 1
    does(desk, opened, "transfer", None, "")
    passes(desk, watch, 10)
    does(desk, opened, "take")
    watch.round()
    assert at(desk, opened).state == S.OPEN


def test_the_bots_session_on_a_platform_ends_without_a_word(desk: Desk, watch: Watch) -> None:
    desk.says("你好")
    before = len(desk.replies())
    passes(desk, watch, 30)
    assert desk.conversation().state == S.CLOSED
    assert len(desk.replies()) == before


def test_a_platforms_clock_is_told_once_to_whoever_was_answered(desk: Desk, watch: Watch) -> None:
    desk.says("人工")
    number = desk.conversation().id
    does(desk, number, "answer", "已办好。")
    desk.send()
    desk.outbox.sent.clear()
    passes(desk, watch, 46 * 60 - 1)
    desk.send()
    assert desk.outbox.sent == []
    passes(desk, watch, 2)
    watch.round()
    desk.send()
    assert len(desk.outbox.sent) == 1
    assert "回复任意内容" in desk.outbox.sent[0][1]
    desk.says("还没好")
    passes(desk, watch, 3 * 60)
    assert at(desk, number).state == S.OPEN


@pytest.mark.parametrize(
    ("phone", "returns", "called"),
    [("，电话 13800001111", False, ["回访"]), ("", False, []), ("，电话 13800001111", True, [])],
)
def test_whoever_waited_and_was_never_heard_again_is_called_where_he_left_a_number(
    desk: Desk, watch: Watch, opened: int, phone: str, returns: bool, called: list[str]
) -> None:
    writes(desk, opened, f"小区门口路灯坏了{phone}")
    writes(desk, opened, "人工")
    desk.clock.step(minutes=3)
    with desk.office.working("officer") as (work, who):
        found = work.session.get_one(Conversation, opened)
        acts.answer(work, who, found, "已报修，今晚修好。", desk.answering.words)
    if returns:
        desk.clock.step(minutes=1)
        writes(desk, opened, "谢谢")
        with desk.office.working("officer") as (work, who):
            found = work.session.get_one(Conversation, opened)
            acts.answer(work, who, found, "不客气。", desk.answering.words)
    for _ in range(14):
        desk.clock.step(minutes=5)
        watch.round()
    with desk.works.read() as work:
        found = work.session.get_one(Conversation, opened)
        made = work.session.scalars(select(Ticket)).all()
    assert found.state == S.CLOSED
    assert [ticket.kind for ticket in made] == called
    assert all("路灯坏了" in ticket.text and ticket.contact == "13800001111" for ticket in made)
    assert ("没有再说话" in found.summary) is not returns


def test_whoever_closed_the_page_while_waiting_has_a_ticket_when_the_desk_closes(
    desk: Desk, watch: Watch, opened: int
) -> None:
    writes(desk, opened, "小区门口路灯坏了")
    writes(desk, opened, "人工")
    for _ in range(10):
        desk.clock.step(hours=1)
        watch.round()
    with desk.works.read() as work:
        assert "路灯坏了" in work.session.scalars(select(Ticket.text)).one()
