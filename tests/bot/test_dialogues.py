"""A dialogue on a channel: one ticket whatever is repeated, its state in the database, over by itself after a time."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.answering import Answering, Moved
from bot.models import Ticket
from bot.nlu.ranking import Decision
from bot.project import HANDOFF, REPORT
from bot.states import ConversationState
from bot.waiting import Watch
from channels.accounts.subscriptions import DISTRICTS
from kernel.office_rules import set_rule
from tests.bot.citizens import published
from tests.bot.conftest import ZONE, Desk

ANSWERS = ("路灯坏了三天没人修", "2", "幸福路12号门口", "昨晚八点", "13812345678")


@pytest.fixture
def reporting(desk_both: Desk) -> Desk:
    """A desk with districts, whose engine takes everything for a report."""
    desk_both.engine.decision = Decision("answer", (REPORT,))
    with desk_both.works.write() as work:
        set_rule(work, DISTRICTS.name, desk_both.office.city.id, ["海州区", "青山县"])
    return desk_both


def _tickets(desk: Desk) -> list[Ticket]:
    with desk.works.read() as work:
        return list(work.session.scalars(select(Ticket).order_by(Ticket.id)))


def test_a_report_becomes_one_ticket_with_number_and_deadline_told(reporting: Desk) -> None:
    assert "只用于办理和答复" in reporting.says("我要投诉")
    assert "哪个区县" in (asked := reporting.says(ANSWERS[0]))
    assert "1. 海州区\n2. 青山县" in asked
    for text in ANSWERS[1:4]:
        reporting.says(text)
    summary = reporting.says(ANSWERS[4])
    assert "地点：幸福路12号门口" in summary
    assert "1. 提交" in summary
    assert _tickets(reporting) == []
    told = reporting.says("1")
    made = _tickets(reporting)[0]
    assert made.number in told
    assert "答复期限" in told
    assert (made.kind, made.contact, made.conversation_id) == ("投诉", "13812345678", reporting.conversation().id)
    assert made.number in reporting.says("提交")
    assert len(_tickets(reporting)) == 1


def test_a_push_that_comes_again_and_two_at_once_make_no_second_ticket(reporting: Desk) -> None:
    for text in ("我要投诉", *ANSWERS):
        reporting.says(text)
    first, second = reporting.receive("提交", key="same"), reporting.receive("提交", key="same")
    assert first.inbound_id == second.inbound_id
    third = reporting.receive("提交")
    with reporting.works.read() as work:
        heard = reporting.answering._look(work, third.inbound_id)
    assert heard is not None
    decided = reporting.answering.decide(heard)  # Another process has decided upon the same state …
    reporting.answering.handle(first.inbound_id)
    with pytest.raises(Moved), reporting.works.write() as work:
        reporting.answering.record(work, heard, decided)  # … and comes too late.
    reporting.answering.handle(third.inbound_id)
    assert len(_tickets(reporting)) == 1


def test_another_process_goes_on_where_this_one_stopped(reporting: Desk) -> None:
    reporting.says("我要投诉")
    reporting.says(ANSWERS[0])
    old = reporting.answering
    reporting.answering = Answering(old.works, old.engine, old.words, old.zone)
    assert "具体在什么地方" in reporting.says("2")


def test_a_picture_is_taken_in_the_middle(reporting: Desk) -> None:
    reporting.says("我要投诉")
    reporting.says(ANSWERS[0])
    assert "图片收到了" in reporting.says("", kind="image")
    for text in (*ANSWERS[1:], "1"):
        reporting.says(text)
    assert "图片：1 张" in _tickets(reporting)[0].text


def test_what_is_not_finished_ends_with_one_line(reporting: Desk) -> None:
    reporting.says("我要投诉")
    watch = Watch(reporting.works, reporting.answering.words, ZONE)
    reporting.clock.step(seconds=14 * 60)
    watch.round()
    assert reporting.conversation().dialogue
    reporting.clock.step(seconds=2 * 60)
    watch.round()
    watch.round()
    assert [row.text for row in reporting.replies("bot")][1:] == [
        "您很久没有回复，刚才要登记的事情没有提交，已经结束。需要时请重新告诉我。"
    ]
    assert reporting.conversation().dialogue == {}


def test_text_messages_are_promised_and_agreed_to_only_where_they_can_be_sent(reporting: Desk) -> None:
    for can in (False, True):
        reporting.answering.texts, who = can, f"citizen-{can}"
        told = [reporting.says(text, sender=who) for text in ("我要投诉", *ANSWERS, "1")]
        assert any("用短信通知您" in one for one in told) is can
        assert (_tickets(reporting)[-1].sms_agreed_at is not None) is can


def test_a_question_in_the_middle_is_answered_and_the_same_is_asked_again(reporting: Desk) -> None:
    piece = published(reporting.office, "faq", "投诉要多久答复", "五个工作日内答复。", wordings=["投诉多久有结果"])
    for text in ("我要投诉", ANSWERS[0], "2"):
        reporting.says(text)
    reporting.engine.answers(piece)
    told = reporting.says("投诉多久能有结果？")
    assert told.startswith("五个工作日内答复。")
    assert "具体在什么地方" in told
    assert "哪个区县" not in told
    reporting.engine.decision = Decision("answer", (REPORT,))
    reporting.says(ANSWERS[2])
    reporting.engine.answers(piece)
    assert "是什么时候的事" in reporting.says("投诉要多久答复呢")
    for text in ANSWERS[3:]:
        reporting.says(text)
    asked = reporting.says("提交以后多久答复？")
    assert "五个工作日内答复。" in asked
    assert "地点：幸福路12号门口" in asked
    reporting.says("1")
    assert ["幸福路12号门口" in one.text and "青山县" in one.text for one in _tickets(reporting)] == [True]


def test_what_only_sounds_like_a_question_is_taken_for_the_answer(reporting: Desk) -> None:
    """The engine is not sure of any answer, so the words are what was asked for."""
    for text in ("我要投诉", "路灯坏了三天怎么没人修", "2"):
        reporting.says(text)
    reporting.engine.decision = Decision("refuse", ())
    assert "是什么时候的事" in reporting.says("什么巷来着，幸福巷口")


def test_a_person_ends_it_and_danger_comes_before_it(reporting: Desk) -> None:
    reporting.says("我要投诉")
    assert "110" in reporting.says("我不想活了")
    assert reporting.conversation().state == ConversationState.WAITING
    assert reporting.conversation().dialogue == {}


@pytest.mark.parametrize(
    "words", ["有没有人工", "我要和工作人员说话", "叫个人来", "喊个活人来呗", "机器人我不想聊", "能换个人吗"]
)
@pytest.mark.parametrize("said", [0, 1, 2, 3, 4])
def test_a_wish_for_a_person_is_heard_in_the_middle_of_a_report(reporting: Desk, words: str, said: int) -> None:
    for text in ("我要投诉", *ANSWERS[:said]):
        reporting.says(text)
    reporting.engine.decision = Decision("answer", (HANDOFF,))
    assert "转接人工客服" in reporting.says(words)
    assert reporting.conversation().state == ConversationState.WAITING
    assert reporting.conversation().dialogue == {}


@pytest.mark.parametrize("place", ["人工湖路12号", "人工河桥头哪个路口来着"])
def test_a_street_named_after_something_made_by_hand_is_a_place(reporting: Desk, place: str) -> None:
    for text in ("我要投诉", *ANSWERS[:2]):
        reporting.says(text)
    reporting.engine.decision = Decision("answer", (HANDOFF,))
    reporting.says(place)
    assert reporting.conversation().dialogue["slots"]["place"] == place


def test_breaking_off_leaves_nothing_behind(reporting: Desk) -> None:
    reporting.says("我要投诉")
    assert "没有提交" in reporting.says("算了")
    assert reporting.conversation().dialogue == {}
    assert _tickets(reporting) == []


def test_who_only_asks_how_to_report_may_choose_to_by_number(reporting: Desk) -> None:
    assert "1. 登记诉求" in reporting.says("路灯坏了三天没人修，去哪里投诉？")
    assert "哪个区县" in reporting.says("1")
    assert reporting.conversation().dialogue["slots"]["what"] == "路灯坏了三天没人修，去哪里投诉？"
