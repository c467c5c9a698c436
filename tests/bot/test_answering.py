"""What a citizen is told: answers with their source, choices, search, a person, a ticket, danger, and never silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot import desk as acts
from bot.events import DangerHeard, PersonWanted, TicketMade
from bot.models import Conversation, InboundMessage, Ticket
from bot.nlu.ranking import Decision
from bot.project import REPORT
from bot.states import ConversationState
from content.models import PublicPiece
from kernel.clock import StillClock
from kernel.office_rules import set_rule
from tests.bot.citizens import GUIDE, published, show
from tests.bot.conftest import Desk

S = ConversationState
NIGHT = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)  # 22:00 in Shanghai.


@pytest.fixture
def known(desk: Desk) -> int:
    """A published question with its guide; the engine answers everything with it."""
    guide = published(desk.office, "guide", "居民身份证补领", **GUIDE)
    faq = published(
        desk.office, "faq", "身份证丢了怎么补办", "本人到派出所补领，工本费40元。", wordings=["身份证掉了"], guide=guide
    )
    desk.engine.answers(faq)
    return faq


def test_an_answer_carries_its_source_and_revision(desk: Desk, known: int) -> None:
    said = desk.says("身份证掉了")
    assert "工本费40元" in said
    assert "依据：《居民身份证补领》https://www.yunzhou.example/guide/" in said
    reply = desk.replies("bot")[0]
    assert [source["title"] for source in reply.sources] == ["居民身份证补领", "身份证丢了怎么补办"]
    assert reply.sources[0]["revision"] == 1


def test_the_bot_says_once_that_it_is_one(desk: Desk, known: int) -> None:
    assert "智能问答机器人" in desk.says("身份证掉了")
    assert "智能问答机器人" not in desk.says("身份证掉了")


def test_a_corrected_text_is_in_the_next_answer_without_training(desk: Desk, known: int) -> None:
    desk.says("身份证掉了")
    desk.office.save(known, title="身份证丢了怎么补办", body="<p>工本费50元。</p>", fields={"wordings": ["身份证掉了"]})
    show(desk.office, desk.office.sign_off(desk.office.submit(known).id).id)
    assert "工本费50元" in desk.says("身份证掉了")
    assert desk.replies("bot")[-1].sources[0]["revision"] == 2
    assert desk.engine.refreshed == 0


def test_what_has_expired_is_not_answered(desk: Desk, known: int) -> None:
    with desk.works.write() as work:
        work.session.get_one(PublicPiece, known).until_at = work.now + timedelta(hours=1)
    assert "工本费" in desk.says("身份证掉了")
    desk.clock.step(hours=2)
    assert "工本费" not in desk.says("身份证掉了")


def test_an_expired_guide_is_no_longer_cited(desk: Desk, known: int) -> None:
    with desk.works.write() as work:
        guide = work.session.scalars(select(PublicPiece).where(PublicPiece.kind == "guide")).one()
        guide.until_at = work.now
    desk.clock.step(seconds=1)
    said = desk.says("身份证掉了")
    assert "工本费40元" in said
    assert "《居民身份证补领》" not in said


def test_choices_are_answered_by_their_number(desk: Desk, known: int) -> None:
    other = published(desk.office, "faq", "居住证怎么办", "到社区办理。", wordings=["居住证"])
    desk.engine.suggests(other, known)
    said = desk.says("证件怎么办")
    assert "1. 居住证怎么办\n2. 身份证丢了怎么补办" in said
    assert "工本费40元" in desk.says("２")
    assert "工本费" not in desk.says("2")  # The choice is over; a figure is a question like any other.


def test_a_second_suggestion_without_a_choice_counts_as_not_knowing(desk: Desk, known: int) -> None:
    desk.engine.suggests(known)
    desk.says("证件怎么办")
    desk.says("还是证件")
    assert desk.conversation().state == S.BOT
    assert "转接人工客服" in desk.says("就是证件")
    assert desk.conversation().waiting_reason == "failures"


def test_what_it_does_not_know_it_looks_for_and_the_second_time_calls_a_person(desk: Desk, known: int) -> None:
    desk.engine.decision = Decision("refuse", ())
    said = desk.says("身份证补领在哪里")
    assert "以下公开信息可能有用" in said
    heading, passage, href = said.splitlines()[1:4]
    assert heading == "1. 居民身份证补领"
    assert "设定依据：《居民身份证法》" in passage
    assert href.startswith("https://www.yunzhou.example/")
    assert "转接人工客服" in desk.says("到底在哪里")
    assert desk.conversation().state == S.WAITING
    assert [fact.reason for fact in desk.of(PersonWanted)] == ["机器人答不上"]  # type: ignore[attr-defined]


def test_an_answer_in_between_begins_to_count_anew(desk: Desk, known: int) -> None:
    answer = desk.engine.decision
    for decision in (Decision("refuse", ()), answer, Decision("refuse", ())):
        desk.engine.decision = decision
        desk.says("问")
    assert desk.conversation().state == S.BOT


@pytest.mark.parametrize("words", ["人工", "找真人", "0"])
def test_a_person_is_always_reached(desk: Desk, words: str) -> None:
    assert "转接人工客服" in desk.says(words)
    conversation = desk.conversation()
    assert (conversation.state, conversation.waiting_reason) == (S.WAITING, "asked")
    assert desk.engine.asked == []


def test_who_waits_is_told_how_many_are_before_him(desk: Desk) -> None:
    desk.says("人工", sender="first")
    desk.clock.step(seconds=5)
    assert "前面还有 1 位" in desk.says("人工")
    desk.clock.step(seconds=5)
    assert desk.says("还要多久") == ""
    assert "前面还有 1 位" in desk.says("人工")


def test_a_dead_bot_gives_the_conversation_to_people(desk: Desk) -> None:
    desk.engine.failure = ValueError("broken")
    assert "智能问答暂时不可用" in desk.says("身份证掉了")
    assert desk.conversation().waiting_reason == "bot_down"


def test_the_engine_is_not_asked_while_a_person_has_the_conversation(desk: Desk, known: int) -> None:
    desk.says("人工")
    with desk.office.working("officer") as (work, who):
        acts.take(work, who, work.session.get_one(Conversation, desk.conversation().id), desk.answering.words)
    assert desk.says("身份证掉了") == ""
    assert desk.engine.asked == []


def test_an_agent_who_comes_while_the_bot_thinks_is_not_talked_over(desk: Desk, known: int) -> None:
    received = desk.receive("身份证掉了")
    with desk.works.read() as work:
        heard = desk.answering._look(work, received.inbound_id)
    assert heard is not None
    verdict = desk.answering.decide(heard)
    with desk.office.working("officer") as (work, who):
        acts.take(work, who, work.session.get_one(Conversation, received.conversation_id), desk.answering.words)
    with desk.works.write() as work:
        desk.answering.record(work, heard, verdict)
    (here,) = desk.replies("bot")
    assert "为您服务" in here.text
    assert desk.inbound(received.inbound_id).outcome == "person"


# --- out of hours -----------------------------------------------------------------------------------


def test_out_of_hours_a_question_becomes_a_ticket_with_a_deadline(desk: Desk) -> None:
    desk.clock.step(hours=13)
    desk.says("路灯坏了三天，电话13800001234")
    said = desk.says("人工")
    with desk.works.read() as work:
        ticket = work.session.scalars(select(Ticket)).one()
    assert ticket.number in said
    assert "工作日 09:00—17:30" in said
    assert "答复期限：2026-03-05" in said
    assert "路灯坏了三天" in ticket.text
    assert ticket.contact == "13800001234"
    conversation = desk.conversation()
    assert (conversation.state, conversation.handed_off_at) == (S.BOT, None)
    assert conversation.handoff_reason == "out_of_hours"
    assert len(desk.of(TicketMade)) == 1


def test_out_of_hours_who_has_not_asked_yet_is_asked_to(desk: Desk) -> None:
    desk.clock.step(hours=13)
    asked = desk.says("人工")
    assert "请留下您的问题和联系方式" in asked
    assert "只用于办理和答复，只提供给承办单位" in asked  # A notice comes before the first personal question.
    said = desk.says("孩子上学要什么材料，微信联系")
    assert "您的咨询已登记，编号" in said
    with desk.works.read() as work:
        assert "孩子上学" in work.session.scalars(select(Ticket.text)).one()


def test_out_of_hours_one_matter_is_one_ticket_however_often_a_person_is_wanted(desk: Desk) -> None:
    desk.clock.step(hours=13)
    desk.says("路灯坏了")
    told = [desk.says(text) for text in ("人工", "有人吗，转人工", "我要人工")]
    desk.says("就在幸福路口，电话138 0000 1234")
    told.append(desk.says("转人工"))
    with desk.works.read() as work:
        ticket = work.session.scalars(select(Ticket)).one()
    assert [ticket.number in one for one in told] == [True] * 4
    assert ticket.text == "路灯坏了\n就在幸福路口，电话138 0000 1234"
    assert ticket.contact == "13800001234"


def test_out_of_hours_a_matter_in_the_same_breath_is_taken_at_once(desk: Desk) -> None:
    desk.clock.step(hours=13)
    assert "已登记" in desk.says("路灯坏了三天了，转人工")


def test_who_leaves_nothing_after_all_gets_no_ticket(desk: Desk) -> None:
    desk.clock.step(hours=13)
    desk.says("人工")
    assert "没有为您登记" in desk.says("算了")
    with desk.works.read() as work:
        assert work.session.scalars(select(Ticket)).all() == []
    assert "请留下您的问题" in desk.says("人工")


def test_after_a_report_a_wish_for_a_person_names_its_ticket(desk: Desk) -> None:
    desk.clock.step(hours=13)
    desk.engine.decision = Decision("answer", (REPORT,))
    for text in ("我要投诉", "路灯坏了三天没人修", "海州区", "幸福路12号", "昨晚", "13812345678", "1"):
        desk.says(text)
    desk.clock.step(minutes=1)
    told = desk.says("转人工")
    with desk.works.read() as work:
        assert work.session.scalars(select(Ticket.number)).one() in told


def test_hours_may_be_around_the_clock(desk: Desk) -> None:
    with desk.works.write() as work:
        for name, value in (("desk.opens", "00:00"), ("desk.closes", "00:00"), ("desk.every_day", True)):
            set_rule(work, name, desk.office.city.id, value)
    desk.clock.step(days=5, hours=13)  # Saturday night.
    assert "转接人工客服" in desk.says("人工")


def test_a_dispute_brings_a_person_in_an_office_that_has_set_nothing(desk: Desk) -> None:
    assert "转接人工客服" in desk.says("我家房子昨晚被强拆了")
    assert desk.conversation().waiting_reason == "sensitive"
    assert desk.engine.asked == []


def test_an_office_that_names_no_topic_has_none(desk: Desk, known: int) -> None:
    with desk.works.write() as work:
        set_rule(work, "bot.sensitive_words", desk.office.city.id, [])
    assert "工本费" in desk.says("我家房子被强拆了")


def test_a_sensitive_topic_of_the_office_brings_a_person_and_no_answer(desk: Desk, known: int) -> None:
    assert "工本费" in desk.says("征地标准是多少")
    with desk.works.write() as work:
        set_rule(work, "bot.sensitive_words", desk.office.city.id, ["征地标准"])
    assert "转接人工客服" in desk.says("征地 標準是多少")
    conversation = desk.conversation()
    assert (conversation.state, conversation.waiting_reason) == (S.WAITING, "sensitive")
    assert [fact.reason for fact in desk.of(PersonWanted)] == ["敏感话题"]
    assert len(desk.engine.asked) == 1


def test_a_sensitive_topic_out_of_hours_is_written_down_at_once(desk: Desk) -> None:
    with desk.works.write() as work:
        set_rule(work, "bot.sensitive_words", desk.office.city.id, ["征地标准"])
    desk.clock.step(hours=13)
    assert "已登记" in desk.says("征地标准是多少")


# --- danger -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [0, 13])
def test_danger_reaches_a_person_at_any_hour(desk: Desk, hours: int) -> None:
    desk.clock.step(hours=hours)
    said = desk.says("我不想活了")
    for number in ("110", "119", "120", "12356"):
        assert number in said
    conversation = desk.conversation()
    assert (conversation.state, conversation.waiting_reason) == (S.WAITING, "danger")
    assert [fact.word for fact in desk.of(DangerHeard)] == ["不想活"]  # type: ignore[attr-defined]


def test_danger_is_heard_also_while_a_person_has_the_conversation(desk: Desk) -> None:
    desk.says("人工")
    with desk.office.working("officer") as (work, who):
        acts.take(work, who, work.session.get_one(Conversation, desk.conversation().id), desk.answering.words)
    assert "12356" in desk.says("我想自杀")
    assert desk.conversation().state == S.OPEN
    assert desk.says("真的想自杀") == ""  # The same sentence again helps nobody; the alarm goes on.
    assert len(desk.of(DangerHeard)) == 1


# --- other kinds ------------------------------------------------------------------------------------


def test_a_follower_is_greeted(desk: Desk) -> None:
    said = desk.says("", kind="follow")
    assert "云州政务服务的智能问答机器人" in said
    assert "人工" in said


def test_voice_is_text_and_is_echoed(desk: Desk, known: int) -> None:
    assert desk.says("身份证掉了", kind="voice").startswith("您说的是：身份证掉了\n")


@pytest.mark.parametrize(
    ("said", "told"), [("转人工", "正在为您转接"), ("你好", "智能问答"), ("没有人知道的事情", "抱歉")]
)
def test_whatever_is_said_to_a_voice_message_echoes_it_once(desk: Desk, said: str, told: str) -> None:
    answer = desk.says(said, kind="voice")
    assert answer.startswith(f"您说的是：{said}\n")
    assert answer.count("您说的是") == 1
    assert told in answer


def test_numbers_that_save_a_life_come_before_any_echo(desk: Desk) -> None:
    assert "您说的是" not in desk.says("我不想活了", kind="voice")


@pytest.mark.parametrize("kind", ["image", "video", "location", "voice"])
def test_what_it_cannot_read_it_says(desk: Desk, kind: str) -> None:
    assert "请用文字说明" in desk.says("", kind=kind)
    assert desk.conversation().failures == 0


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        ("greet", "智能问答机器人"),
        ("thanks", "不客气"),
        ("goodbye", "再见"),
        ("human_handoff", "转接人工"),
        ("bot_identity", "机器人"),
    ],
)
def test_what_is_said_around_a_question(desk: Desk, turn: str, words: str) -> None:
    desk.engine.decision = Decision("answer", (turn,))
    assert words in desk.says("……好")


def test_dissatisfied_twice_brings_a_person(desk: Desk) -> None:
    desk.engine.decision = Decision("answer", ("dissatisfied",))
    assert "抱歉" in desk.says("答非所问")
    assert "转接人工" in desk.says("还是不对")


def test_every_message_has_its_outcome(desk: Desk, known: int) -> None:
    for text in ("身份证掉了", "人工", "在吗"):
        desk.says(text)
    with desk.works.read() as work:
        outcomes = list(work.session.scalars(select(InboundMessage.outcome).order_by(InboundMessage.id)))
    assert outcomes == ["answer", "handoff", "person"]


def test_each_answer_says_what_it_rests_on(desk: Desk) -> None:
    piece = published(desk.office, "faq", "居住证怎么办理", "到社区。")
    desk.engine.decision = Decision("answer", (f"faq/{piece}",), 0.8312, 7)
    desk.says("居住证")
    (row,) = desk.replies("bot")
    assert row.basis == {"model": 7, "confidence": 0.831}
    assert [(one["piece"], one["revision"]) for one in row.sources] == [(piece, 1)]
    desk.says("转人工")
    assert desk.replies()[-1].basis == {}


def test_whoever_floods_is_told_once_and_delays_nobody(desk: Desk, known: int) -> None:
    with desk.works.write() as work:
        set_rule(work, "bot.most_per_minute", desk.office.bureau.id, 5)
    said = [desk.says(f"身份证掉了{number}") for number in range(12)]
    assert all("工本费40元" in one for one in said[:5])
    assert "来不及一一答复" in said[5]
    assert "12345" in said[5]
    assert said[6:] == [""] * 6
    assert len(desk.engine.asked) == 5
    assert "工本费40元" in desk.says("身份证掉了", sender="another")
    with desk.works.read() as work:  # Nothing that he wrote is lost.
        kept = work.session.scalars(select(InboundMessage.text).where(InboundMessage.text.like("身份证掉了_%"))).all()
    assert len(kept) == 12
    desk.says("转人工")
    assert desk.conversation().state == S.WAITING


def test_after_a_flood_the_bot_answers_again(desk: Desk, known: int, clock: StillClock) -> None:
    with desk.works.write() as work:
        set_rule(work, "bot.most_per_minute", desk.office.bureau.id, 5)
    said = [desk.says("身份证掉了") for _ in range(7)]
    clock.step(minutes=1)
    assert "工本费40元" in desk.says("身份证掉了")
    assert sum("来不及" in one for one in said) == 1
