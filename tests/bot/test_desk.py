"""Two people cannot answer over each other, and every act of the desk leaves a trace."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from bot import desk as acts
from bot.errors import NobodyThere, NotReachable, TakenAlready, WasClosed
from bot.events import PersonWanted
from bot.models import Conversation
from bot.states import ConversationState
from kernel.audit import AuditLine
from kernel.errors import Invalid, NotFound, WrongState, XuandaError
from kernel.people import Role
from tests.bot.conftest import Desk

S = ConversationState


def waits(desk: Desk) -> int:
    desk.says("人工")
    return desk.conversation().id


def does(desk: Desk, name: str, act: str, *more: object, words: bool = True) -> None:
    """One person's act, in a work of its own."""
    with desk.office.working(name) as (work, who):
        conversation = work.session.get_one(Conversation, desk.conversation().id)
        getattr(acts, act)(work, who, conversation, *more, *([desk.answering.words] if words else []))


def test_of_two_agents_at_once_one_takes_it(desk_both: Desk) -> None:
    desk = desk_both
    waits(desk)

    def take(name: str) -> str:
        try:
            does(desk, name, "take")
        except TakenAlready:
            return "refused"
        return name

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(take, ["officer", "author"]))
    winner = next(name for name in results if name != "refused")
    assert sorted(results) == sorted(["refused", winner])
    assert desk.conversation().agent_id == desk.office.person(winner).id


def test_only_who_has_it_answers_transfers_puts_off_or_closes(desk: Desk) -> None:
    waits(desk)
    does(desk, "officer", "take")
    with pytest.raises(TakenAlready, match="陈信"):
        does(desk, "author", "answer", "我也答")
    with pytest.raises(TakenAlready):
        does(desk, "author", "close", "已答复")
    with pytest.raises(TakenAlready):
        does(desk, "author", "transfer", None, "")
    with pytest.raises(TakenAlready):
        does(desk, "author", "snooze", 30, words=False)
    does(desk, "author", "note", "我认识他", words=False)
    assert desk.replies("agent") == []


def test_after_a_transfer_the_other_answers(desk: Desk) -> None:
    waits(desk)
    does(desk, "officer", "take")
    does(desk, "officer", "transfer", desk.office.person("author").id, "他熟悉")
    with pytest.raises(TakenAlready, match="王文"):
        does(desk, "officer", "answer", "等等")
    does(desk, "author", "answer", "您好")
    assert [row.text for row in desk.replies("agent")] == ["您好"]
    assert desk.of(PersonWanted)[-1].reason == "同事转来"  # type: ignore[attr-defined]


def test_a_person_without_the_permission_is_no_colleague(desk: Desk) -> None:
    waits(desk)
    does(desk, "officer", "take")
    with pytest.raises(NobodyThere, match="赵签"):
        does(desk, "officer", "transfer", desk.office.person("signer").id, "")
    with pytest.raises(NotFound):
        does(desk, "signer", "take")
    with pytest.raises(NotFound):
        does(desk, "stranger", "answer", "您好")


def test_a_closed_conversation_stays_closed(desk: Desk) -> None:
    waits(desk)
    with pytest.raises(Invalid):
        does(desk, "officer", "close", "")
    does(desk, "officer", "close", "已答复")
    for act, more, words in (
        ("take", (), True),
        ("answer", ("x",), True),
        ("close", ("再关",), True),
        ("transfer", (None, ""), True),
    ):
        with pytest.raises(WasClosed):
            does(desk, "officer", act, *more, words=words)


def test_closing_unanswered_still_names_who_did(desk: Desk) -> None:
    waits(desk)
    does(desk, "officer", "close", "误触")
    assert desk.conversation().agent_id == desk.office.person("officer").id


def test_the_first_answer_is_timed_once(desk: Desk) -> None:
    waits(desk)
    desk.clock.step(seconds=30)
    does(desk, "officer", "answer", "您好")
    first = desk.clock.now()
    desk.clock.step(minutes=3)
    does(desk, "officer", "answer", "还在吗")
    conversation = desk.conversation()
    assert conversation.first_reply_at == first
    assert conversation.handed_off_at is not None
    assert (first - conversation.handed_off_at).total_seconds() == 30


def test_whoever_leads_the_desk_moves_what_a_colleague_has(desk: Desk) -> None:
    waits(desk)
    does(desk, "officer", "take")
    desk.office.grant("manager", Role.AGENT)
    with pytest.raises(TakenAlready):
        does(desk, "author", "transfer", None, "他不在")
    does(desk, "manager", "transfer", None, "他不在")
    assert desk.conversation().state == S.WAITING
    does(desk, "officer", "take")
    does(desk, "manager", "transfer", desk.office.person("author").id, "他熟悉")
    assert desk.conversation().agent_id == desk.office.person("author").id
    with pytest.raises(TakenAlready):
        does(desk, "manager", "answer", "我来答")


def test_an_answer_sent_again_is_said_once(desk: Desk) -> None:
    waits(desk)
    words = desk.answering.words
    for _ in range(2):
        does(desk, "officer", "answer", "您好", words, "key-1", words=False)
    assert [row.text for row in desk.replies("agent")] == ["您好"]
    does(desk, "officer", "answer", "您好", words, "key-2", words=False)
    does(desk, "officer", "answer", "您好", words, words=False)
    does(desk, "officer", "answer", "您好", words, words=False)
    assert len(desk.replies("agent")) == 4
    does(desk, "officer", "close", "已答复")
    does(desk, "officer", "answer", "您好", words, "key-1", words=False)  # Its sender only now hears of it.
    assert len(desk.replies("agent")) == 4


def test_other_words_under_the_same_key_are_another_answer(desk: Desk) -> None:
    waits(desk)
    words = desk.answering.words
    does(desk, "officer", "answer", "请讲。", words, "key-1", words=False)
    # He was told that it had not arrived, though it had, and wrote something else into the same field.
    for _ in range(2):
        does(desk, "officer", "answer", "在哪条路？", words, "key-1", words=False)
    assert [row.text for row in desk.replies("agent")] == ["请讲。", "在哪条路？"]


def test_a_colleagues_key_is_no_repeat_and_none_is_endless(desk: Desk) -> None:
    waits(desk)
    words = desk.answering.words
    does(desk, "officer", "answer", "您好", words, "key-1", words=False)
    does(desk, "officer", "transfer", desk.office.person("author").id, "他熟悉")
    does(desk, "author", "answer", "我来答", words, "key-1", words=False)
    assert [row.text for row in desk.replies("agent")] == ["您好", "我来答"]
    with pytest.raises(Invalid) as refused:
        does(desk, "author", "answer", "您好", words, "k" * 61, words=False)
    assert refused.value.field == "key"


@pytest.mark.parametrize(("act", "more"), [("answer", ("",)), ("answer", ("字" * 2001,)), ("close", (" ",))])
def test_what_is_empty_or_endless_is_refused(desk: Desk, act: str, more: tuple[object, ...]) -> None:
    waits(desk)
    with pytest.raises(Invalid):
        does(desk, "officer", act, *more)


def test_what_nobody_has_cannot_be_put_off(desk: Desk) -> None:
    waits(desk)
    with pytest.raises(WrongState):
        does(desk, "officer", "snooze", 30, words=False)
    does(desk, "officer", "take")
    with pytest.raises(Invalid):
        does(desk, "officer", "snooze", 0, words=False)


def test_beyond_the_window_an_answer_is_refused_before_it_is_written(desk: Desk) -> None:
    waits(desk)
    does(desk, "officer", "take")
    desk.clock.step(hours=48)
    with pytest.raises(NotReachable):
        does(desk, "officer", "answer", "您好")
    assert desk.replies("agent") == []


def test_every_act_leaves_a_trace(desk: Desk) -> None:
    number = waits(desk)
    does(desk, "officer", "take")
    does(desk, "officer", "answer", "您好")
    does(desk, "officer", "note", "备注", words=False)
    does(desk, "officer", "snooze", 5, words=False)
    does(desk, "officer", "transfer", None, "")
    does(desk, "author", "close", "已答复")
    with desk.works.read() as work:
        query = select(AuditLine.act, AuditLine.actor_name).where(
            AuditLine.object_kind == "conversation", AuditLine.object_id == number
        )
        lines = [tuple(line) for line in work.session.execute(query.order_by(AuditLine.seq))]
    assert [act for act, _ in lines] == [
        "conversation.waiting", "conversation.taken", "conversation.answered", "conversation.noted",
        "conversation.snoozed", "conversation.waiting", "conversation.transferred", "conversation.closed",
    ]  # fmt: skip
    assert lines[1][1] == "陈信"
    assert lines[-1][1] == "王文"


def test_danger_is_seen_to_by_taking_it(desk: Desk) -> None:
    desk.says("我不想活了")
    does(desk, "officer", "take")
    assert desk.conversation().acknowledged_by == desk.office.person("officer").id


def test_every_error_of_the_desk_has_words_in_both_languages() -> None:
    for error in (TakenAlready(name="甲"), NotReachable(why="x"), WasClosed(), NobodyThere(name="乙")):
        assert isinstance(error, XuandaError)
        assert error.message("zh") != error.message("en")
        assert "{" not in error.message("zh") + error.message("en")


def told(desk: Desk) -> list[str]:
    """What reached the citizen since it was last asked."""
    desk.send()
    texts = [text for _to, text in desk.outbox.sent]
    desk.outbox.sent.clear()
    return texts


def test_whoever_waited_is_told_that_somebody_is_there_and_that_he_waits_again(desk: Desk) -> None:
    waits(desk)
    told(desk)
    does(desk, "officer", "take")
    (here,) = told(desk)
    assert f"人工客服 {acts.agent_number(desk.office.person('officer').id)} 为您服务" in here
    does(desk, "officer", "transfer", None, "不是我的事")
    (again,) = told(desk)
    assert "转给下一位同事" in again
    assert "不是我的事" not in again
    does(desk, "author", "take")
    assert told(desk) == []  # Two are kept for the answer.
    does(desk, "author", "answer", "您好。")
    assert told(desk) == ["您好。"]


def test_an_answer_says_by_itself_that_somebody_is_there(desk: Desk) -> None:
    waits(desk)
    told(desk)
    does(desk, "officer", "answer", "您好。")
    assert told(desk) == ["您好。"]


def test_whom_an_agent_takes_from_the_bot_is_told_and_the_bot_is_silent(desk: Desk) -> None:
    desk.says("你好")
    told(desk)
    does(desk, "officer", "take")
    (here,) = told(desk)
    assert f"人工客服 {acts.agent_number(desk.office.person('officer').id)} 为您服务" in here
    asked = list(desk.engine.asked)
    assert desk.says("居住证怎么办") == ""
    assert desk.engine.asked == asked
    assert (desk.conversation().state, desk.conversation().handoff_reason) == (S.OPEN, "taken")


def test_two_cannot_take_the_same_from_the_bot(desk: Desk) -> None:
    desk.says("你好")
    does(desk, "officer", "take")
    with pytest.raises(TakenAlready):
        does(desk, "author", "take")
    assert desk.conversation().agent_id == desk.office.person("officer").id


def test_the_last_message_of_a_platform_is_kept_for_the_answer(desk: Desk) -> None:
    waits(desk)
    told(desk)
    does(desk, "officer", "take")
    for text in ("一", "二"):
        does(desk, "officer", "answer", text)
    assert len(told(desk)) == 3
    assert desk.conversation().messages_left == 1
    does(desk, "officer", "transfer", None, "")
    assert told(desk) == []
    assert desk.conversation().state == S.WAITING


def test_danger_that_is_given_back_is_told_of_no_place(desk: Desk) -> None:
    desk.says("人工", sender="before")
    desk.clock.step(seconds=1)
    desk.says("我不想活了")
    told(desk)
    does(desk, "officer", "take")
    does(desk, "officer", "transfer", None, "")
    assert "前面" not in told(desk)[-1]
