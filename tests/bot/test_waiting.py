"""Nobody is forgotten: reminders, alarms that repeat, the office closing, windows that end, silence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot import desk as acts
from bot import waiting
from bot.events import DangerHeard, PersonWanted, WaitOver
from bot.models import Conversation, Rating, Ticket
from bot.states import ConversationState
from bot.waiting import Watch
from kernel.office_rules import set_rule
from tests.bot.conftest import ZONE, Desk

S = ConversationState


@pytest.fixture
def watch(desk: Desk) -> Watch:
    return Watch(desk.works, desk.answering.words, ZONE)


def take(desk: Desk) -> None:
    with desk.office.working("officer") as (work, who):
        acts.take(work, who, work.session.get_one(Conversation, desk.conversation().id), desk.answering.words)


def close(desk: Desk) -> None:
    with desk.office.working("officer") as (work, who):
        conversation = work.session.get_one(Conversation, desk.conversation().id)
        acts.close(work, who, conversation, "已答复", desk.answering.words)


def tickets(desk: Desk) -> list[Ticket]:
    with desk.works.read() as work:
        return list(work.session.scalars(select(Ticket)))


def test_who_waits_is_told_of_again_until_somebody_comes(desk: Desk, watch: Watch) -> None:
    desk.says("人工")
    for _ in range(3):
        desk.clock.step(minutes=2)
        watch.round()
        watch.round()
    assert [fact.round for fact in desk.of(PersonWanted)] == [1, 2, 3, 4]  # type: ignore[attr-defined]
    take(desk)
    desk.clock.step(minutes=10)
    watch.round()
    assert len(desk.of(PersonWanted)) == 4


def test_danger_is_told_again_until_it_is_seen_to(desk: Desk, watch: Watch) -> None:
    desk.says("楼下着火了")
    for _ in range(2):
        desk.clock.step(minutes=2)
        watch.round()
        watch.round()
    assert [fact.round for fact in desk.of(DangerHeard)] == [1, 2, 3]  # type: ignore[attr-defined]
    take(desk)
    desk.clock.step(minutes=2)
    watch.round()
    assert len(desk.of(DangerHeard)) == 3


def test_when_the_office_closes_who_waits_gets_a_ticket(desk: Desk, watch: Watch) -> None:
    desk.clock.step(hours=8, minutes=20)
    desk.says("路灯坏了")
    desk.says("人工")
    watch.round()
    assert tickets(desk) == []
    desk.clock.step(minutes=15)
    watch.round()
    assert desk.conversation().state == S.CLOSED
    made = tickets(desk)[0]
    assert made.number in desk.replies("bot")[-1].text
    assert "不是人工服务时间" in desk.replies("bot")[-1].text


def test_whoever_is_to_be_called_back_is_told_so_and_no_number(desk: Desk, watch: Watch) -> None:
    desk.clock.step(hours=8, minutes=20)
    desk.says("人工")
    with desk.works.write() as work:
        work.session.get_one(Conversation, desk.conversation().id).waiting_reason = "low_rating"
    desk.clock.step(minutes=15)
    watch.round()
    (made,) = tickets(desk)
    assert made.kind == "回访"
    assert "尽快联系您" in desk.replies("bot")[-1].text
    assert made.number not in desk.replies("bot")[-1].text


def test_danger_waits_on_after_the_office_has_closed(desk: Desk, watch: Watch) -> None:
    desk.clock.step(hours=8, minutes=20)
    desk.says("我不想活了")
    desk.clock.step(hours=2)
    watch.round()
    assert desk.conversation().state == S.WAITING


def test_danger_in_an_ordinary_wait_is_not_sent_home(desk: Desk, watch: Watch) -> None:
    desk.clock.step(hours=8, minutes=20)
    desk.says("人工")
    desk.says("我不想活了")
    assert desk.conversation().waiting_reason == "danger"
    desk.clock.step(minutes=15)
    watch.round()
    assert desk.conversation().state == S.WAITING
    assert tickets(desk) == []


def test_who_waited_for_another_reason_when_danger_was_heard_is_kept_too(desk: Desk, watch: Watch) -> None:
    desk.clock.step(hours=8, minutes=20)
    desk.says("我不想活了")
    with desk.office.works.write() as work:  # As an earlier version left it.
        work.session.get_one(Conversation, desk.conversation().id).waiting_reason = "asked"
    desk.clock.step(minutes=15)
    watch.round()
    assert desk.conversation().state == S.WAITING


def test_danger_that_is_given_back_to_the_queue_is_still_danger(desk: Desk, watch: Watch) -> None:
    desk.says("我不想活了")
    take(desk)
    with desk.office.working("officer") as (work, who):
        acts.transfer(
            work, who, work.session.get_one(Conversation, desk.conversation().id), None, "下班", desk.answering.words
        )
    assert desk.conversation().waiting_reason == "danger"
    desk.clock.step(hours=9)
    watch.round()
    assert desk.conversation().state == S.WAITING


def test_what_was_put_off_comes_back(desk: Desk, watch: Watch) -> None:
    desk.says("人工")
    take(desk)
    with desk.office.working("officer") as (work, who):
        acts.snooze(work, who, work.session.get_one(Conversation, desk.conversation().id), 30)
    watch.round()
    assert desk.conversation().state == S.SNOOZED
    desk.clock.step(minutes=30)
    watch.round()
    assert desk.conversation().state == S.OPEN


def test_an_unanswered_conversation_whose_window_ends_becomes_a_ticket(desk: Desk, watch: Watch) -> None:
    desk.says("路灯坏了")
    desk.says("人工")
    take(desk)
    desk.clock.step(hours=48, minutes=1)
    watch.round()
    conversation = desk.conversation()
    assert (conversation.state, len(tickets(desk))) == (S.CLOSED, 1)
    assert "48 小时" in conversation.summary


def test_an_answered_one_just_ends(desk: Desk, watch: Watch) -> None:
    desk.says("人工")
    with desk.office.working("officer") as (work, who):
        conversation = work.session.get_one(Conversation, desk.conversation().id)
        acts.answer(work, who, conversation, "已修复。", desk.answering.words)
    desk.clock.step(hours=48, minutes=1)
    watch.round()
    assert (desk.conversation().state, tickets(desk)) == (S.CLOSED, [])


def test_a_silent_session_with_the_bot_ends(desk: Desk, watch: Watch) -> None:
    desk.says("你好")
    desk.clock.step(minutes=29)
    watch.round()
    assert desk.conversation().state == S.BOT
    desk.clock.step(minutes=2)
    watch.round()
    assert desk.conversation().state == S.CLOSED


def test_a_persons_session_on_wechat_does_not_end_by_silence(desk: Desk, watch: Watch) -> None:
    desk.says("人工")
    take(desk)
    desk.clock.step(hours=2)
    watch.round()
    assert desk.conversation().state == S.OPEN


def test_a_rating_by_figure_is_kept_once_and_only_for_a_day(desk: Desk) -> None:
    desk.says("人工")
    with desk.office.working("officer") as (work, who):
        acts.close(
            work, who, work.session.get_one(Conversation, desk.conversation().id), "已答复", desk.answering.words
        )
    assert "谢谢您的评价" in desk.says("2")
    with desk.works.read() as work:
        assert work.session.scalars(select(Rating.score)).all() == [2]
    desk.says("2")  # Now a question like any other.
    assert desk.conversation().state == S.BOT
    assert desk.engine.asked == ["2"]


def test_a_day_later_a_figure_is_a_question(desk: Desk) -> None:
    desk.says("人工")
    with desk.office.working("officer") as (work, who):
        acts.close(
            work, who, work.session.get_one(Conversation, desk.conversation().id), "已答复", desk.answering.words
        )
    desk.clock.step(seconds=timedelta(hours=25).total_seconds())
    desk.says("2")
    with desk.works.read() as work:
        assert work.session.scalars(select(Rating)).all() == []


def test_a_low_rating_calls_somebody_back(desk: Desk) -> None:
    desk.says("人工")
    with desk.office.working("officer") as (work, who):
        acts.close(
            work, who, work.session.get_one(Conversation, desk.conversation().id), "已答复", desk.answering.words
        )
    assert "尽快联系您" in desk.says("5")
    assert [ticket.kind for ticket in tickets(desk)] == ["回访"]
    assert "非常不满意" in tickets(desk)[0].text


def told_again(desk: Desk) -> list[str]:
    return [row.text for row in desk.replies("bot") if "久等" in row.text]


def write(desk: Desk, **columns: object) -> None:
    with desk.works.write() as work:
        for name, value in columns.items():
            setattr(work.session.get_one(Conversation, desk.conversation().id), name, value)


def test_who_waits_long_on_a_platform_is_told_once_where_he_stands(desk: Desk, watch: Watch) -> None:
    desk.says("人工", sender="before")
    desk.clock.step(seconds=1)
    desk.says("人工")
    for seconds, told in ((298, 0), (1, 1), (1, 2), (300, 2), (300, 2)):
        desk.clock.step(seconds=seconds)
        watch.round()
        assert len(told_again(desk)) == told
    first, second = told_again(desk)
    assert "您排在最前" in first
    assert "前面还有 1 位" in second
    assert "12345" in second


def test_a_wait_that_begins_anew_is_told_of_anew(desk: Desk, watch: Watch) -> None:
    desk.says("人工")
    desk.clock.step(minutes=5)
    watch.round()
    take(desk)
    desk.clock.step(minutes=1)
    with desk.office.working("officer") as (work, who):
        acts.transfer(
            work, who, work.session.get_one(Conversation, desk.conversation().id), None, "", desk.answering.words
        )
    desk.clock.step(minutes=5)
    watch.round()
    assert len(told_again(desk)) == 2


@pytest.mark.parametrize(("left", "tells"), [(3, 1), (2, 0), (None, 1)])
def test_two_of_the_platforms_messages_are_left_for_the_agent(
    desk: Desk, watch: Watch, left: int | None, tells: int
) -> None:
    desk.says("人工")
    write(desk, messages_left=left)
    desk.clock.step(minutes=5)
    watch.round()
    assert len(told_again(desk)) == tells
    assert (desk.conversation().wait_told_at is not None) == bool(tells)


def test_who_has_written_since_is_told_when_the_platform_lets_more_through(desk: Desk, watch: Watch) -> None:
    desk.says("人工")
    write(desk, messages_left=2)
    desk.clock.step(minutes=5)
    watch.round()
    write(desk, messages_left=5)
    watch.round()
    assert len(told_again(desk)) == 1


def test_who_was_told_just_now_because_he_asked_is_left_in_peace(desk: Desk, watch: Watch) -> None:
    desk.says("人工")
    desk.clock.step(minutes=4)
    assert desk.says("人工")
    desk.clock.step(minutes=4)
    watch.round()
    assert told_again(desk) == []
    desk.clock.step(minutes=1)
    watch.round()
    assert len(told_again(desk)) == 1


def test_danger_our_own_page_and_an_office_that_does_not_want_it_are_not_told(desk: Desk, watch: Watch) -> None:
    desk.says("我不想活了", sender="danger")
    desk.says("人工")
    write(desk, channel="portal")
    desk.clock.step(minutes=6)
    watch.round()
    write(desk, channel="wechat")
    with desk.works.write() as work:
        set_rule(work, "desk.wait_told_minutes", desk.office.bureau.id, 0)
    watch.round()
    assert told_again(desk) == []


@pytest.mark.parametrize("words", ["留言", "不等了"])
def test_whoever_waits_no_more_leaves_his_question(desk: Desk, words: str) -> None:
    desk.says("孩子上学要什么材料")
    assert "请回复“留言”" in desk.says("人工")
    told = desk.says(words)
    (ticket,) = tickets(desk)
    assert ticket.number in told
    assert (ticket.text, desk.conversation().state) == ("孩子上学要什么材料", S.CLOSED)
    desk.says("谢谢")
    assert len(tickets(desk)) == 1


def test_the_word_is_a_word_like_any_other_where_nobody_waits(desk: Desk) -> None:
    desk.says("孩子上学要什么材料")
    desk.says("留言")
    assert tickets(desk) == []


def test_danger_leaves_no_word(desk: Desk) -> None:
    desk.says("我不想活了")
    desk.says("人工")
    desk.says("不等了")
    assert (tickets(desk), desk.conversation().state) == ([], S.WAITING)


def test_whoever_is_closed_while_he_waits_is_not_to_be_fetched(desk: Desk) -> None:
    desk.says("人工")
    for times in (1, 1):  # Closed once more, he waited for nobody.
        with desk.works.write() as work:
            waiting.close(work, work.session.get_one(Conversation, desk.conversation().id))
        assert len(desk.of(WaitOver)) == times
