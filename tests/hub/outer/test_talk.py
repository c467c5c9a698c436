"""Citizens are answered outside, conversations stand inside, agents' words come back; nothing twice or readable."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.models import PageRead
from bot import desk, store, tickets, waiting
from bot.citizen_files import store as citizen_files
from bot.hearing import FLOOD
from bot.knowledge import answer_of, rebuttal_to
from bot.models import Conversation, InboundMessage, NoticeConsent, OutboundReply, Rating, Ticket
from bot.nlu.ranking import Decision
from bot.personal import forgetting
from bot.project import REPORT
from bot.states import ConversationState, ReplyState, Route, TicketState
from channels.accounts.models import Account, PushSubscription
from channels.accounts.store import add, info
from channels.adapters.web_push import new_key
from channels.rehearsal.wechat import crypto
from content import public
from content.models import Column, Piece, PublicFile, PublicPiece, Release, Revision
from content.rebuttals import Rebuttal
from content.search_misses import SearchMiss
from hub.outer import pictures, sessions
from hub.outer.models import OuterLine, OuterPacket, OuterProblem, OuterSession
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.office_rules import set_rule
from kernel.people import Person, Role, Unit, viewer
from kernel.work import Actor
from tests.bot.citizens import TOKEN, Outbox, ToldEngine
from tests.factories import picture_bytes
from tests.hub.outer.faces import Faces, open_faces
from tests.hub.web.test_callbacks import Phone, wait_for
from tests.hub.web.test_chat import Visitor, sends_picture, sides

S = ConversationState
QUESTION, ANSWER = "养犬证怎么办理", "请携带免疫证明到政务中心办理，当场领取。"


@pytest.fixture
def faces(sqlite_template: Path, tmp_path: Path, clock: StillClock) -> Iterator[Faces]:
    """Both sides with a published question, an agent, and an engine outside that answers it."""
    with open_faces(sqlite_template, tmp_path, clock) as faces:
        faces.office.hire("agent", "root", Role.AGENT)
        piece = publish(faces)
        engine = ToldEngine(quick=True)
        engine.answers(piece)
        for hub in (faces.outer, faces.inner):
            hub.incoming.engine.close()
        faces.outer.incoming.engine = faces.outer.incoming.answering.engine = engine
        silent = ToldEngine(failure=AssertionError("the bot inside answers nothing a second time"))
        faces.inner.incoming.engine = faces.inner.incoming.answering.engine = silent
        faces.exchange()
        yield faces


def publish(
    faces: Faces,
    kind: str = "faq",
    title: str = QUESTION,
    fields: Mapping[str, Any] = MappingProxyType({"wordings": []}),
) -> int:
    """Something public, a question unless told otherwise, as rows."""
    with faces.inner.works.write() as work:
        unit = work.session.scalars(select(Unit).where(Unit.code == "root")).one()
        person = work.session.scalars(select(Person)).first()
        assert person is not None
        column = Column(unit_id=unit.id, slug="wenda" if kind == "faq" else kind, name=title, kind=kind)
        work.session.add(column)
        work.session.flush()
        about = {"unit_id": unit.id, "kind": kind}
        piece = Piece(
            **about, column_id=column.id, state="live", author_id=person.id, created_at=work.now, updated_at=work.now
        )
        work.session.add(piece)
        work.session.flush()
        text = {"title": title, "body": f"<p>{ANSWER}</p>", "fields": dict(fields)}
        revision = Revision(piece_id=piece.id, number=1, created_by=person.id, created_at=work.now, **text)
        work.session.add(revision)
        work.session.flush()
        path = f"/{column.slug}/{piece.id}.html"
        content = {**text, "kind": kind, "piece": piece.id, "revision_number": 1, "path": path, "editor": "王编辑"}
        release = Release(
            unit_id=unit.id,
            piece_id=piece.id,
            revision_id=revision.id,
            number=1,
            state="signed",
            levels=3,
            proofs=3,
            content=content,
            hash="0" * 64,
            submitted_by=person.id,
            submitted_at=work.now,
        )
        work.session.add(release)
        work.session.flush()
        piece.first_published_at = work.now
        work.session.add(
            PublicPiece(
                **about,
                piece_id=piece.id,
                column_id=column.id,
                place=1,
                release_id=release.id,
                revision_id=revision.id,
                path=path,
                title=title,
                from_at=work.now,
                first_at=work.now,
            )
        )
        work.audit("piece.live", piece)
        return piece.id


@pytest.fixture
def visitor(faces: Faces) -> Visitor:
    """A citizen with the chat open on the outer host."""
    return Visitor(faces.office, faces.door, ToldEngine())


@pytest.fixture
def phone(faces: Faces, clock: StillClock) -> Phone:
    """The platform calls the outer host; what the inside sends is kept."""
    outbox = Outbox()
    faces.inner.incoming.replier.make = outbox
    return Phone(faces.office, faces.door, ToldEngine(), outbox, clock, code="wx", sealed=True)


def conversations(faces: Faces) -> list[Conversation]:
    with faces.inner.works.read() as work:
        return list(work.session.scalars(select(Conversation).order_by(Conversation.id)))


def said_in(faces: Faces, conversation: Conversation) -> list[tuple[str, str]]:
    with faces.inner.works.read() as work:
        return [(line.side, line.text) for line in store.lines_of(work.session, conversation.id)]


def agent_does(faces: Faces, act: Any, conversation: Conversation, *more: Any) -> None:
    person = faces.office.person("agent")
    with faces.inner.works.write(Actor(person.name, person.id, person.unit_id)) as work:
        who = viewer(work.session, person, work.now)
        act(work, who, work.session.get_one(Conversation, conversation.id), *more, faces.inner.incoming.words)


def lines(visitor: Visitor) -> dict[str, Any]:
    seen: dict[str, Any] = visitor.browser.get(f"/chat/{visitor.id}/lines", headers=visitor.headers).json()
    return seen


def no_problems(faces: Faces) -> bool:
    with faces.inner.works.read() as work:
        return work.session.scalars(select(OuterProblem)).all() == []


# --- our own page -----------------------------------------------------------------------------------


def test_a_question_is_answered_outside_and_recorded_inside_once(faces: Faces, visitor: Visitor) -> None:
    assert "宣州市政府网" in visitor.begins()["lines"][0]["text"]
    seen = visitor.says("养犬证", "same").json()
    assert sides(seen) == ["citizen", "bot"]
    assert seen["lines"][1]["text"] == ANSWER
    assert seen["lines"][1]["sources"][0]["title"] == QUESTION
    assert sides(visitor.says("养犬证", "same").json()) == ["citizen", "bot"]
    for _turn in range(3):
        faces.exchange()
    (conversation,) = conversations(faces)
    assert [side for side, _text in said_in(faces, conversation)] == ["bot", "citizen", "bot"]
    assert said_in(faces, conversation)[2] == ("bot", ANSWER)
    with faces.inner.works.read() as work:
        heard = work.session.scalars(select(InboundMessage)).one()
        assert (heard.text, heard.outcome) == ("养犬证", "answer")
        answered = work.session.scalars(select(OutboundReply).order_by(OutboundReply.id.desc())).first()
        assert answered is not None
        assert answered.sources[0]["piece"] == 1
    assert sides(lines(visitor)) == ["bot", "citizen", "bot"]
    assert no_problems(faces)


def test_a_person_answers_from_inside_and_the_citizen_reads_it_once(faces: Faces, visitor: Visitor) -> None:
    visitor.begins()
    seen = visitor.says("人工").json()
    assert seen["state"] == S.WAITING
    assert "正在为您转接人工客服" in seen["lines"][-1]["text"]
    faces.exchange()
    (conversation,) = conversations(faces)
    assert conversation.state == S.WAITING
    assert sides(lines(visitor)) == ["bot", "citizen", "bot"]  # What was said outside is not said again.
    agent_does(faces, desk.take, conversation)
    agent_does(faces, _answer, conversation, "您好，当场可取。")
    for _turn in range(3):
        faces.exchange()
    seen = lines(visitor)
    assert seen["state"] == S.OPEN
    assert [line["text"] for line in seen["lines"]].count("您好，当场可取。") == 1
    assert seen["lines"][-1]["side"] == "agent"
    # The bot is silent while a person has the conversation.
    assert sides(visitor.says("养犬证").json())[-1] == "citizen"
    faces.exchange()
    assert said_in(faces, conversation)[-1] == ("citizen", "养犬证")
    agent_does(faces, _close, conversation)
    faces.exchange()
    assert lines(visitor)["state"] == S.CLOSED
    visitor.browser.post(f"/chat/{visitor.id}/rating", json={"score": 1}, headers=visitor.headers)
    faces.exchange()
    with faces.inner.works.read() as work:
        assert work.session.scalars(select(Rating.score)).all() == [1]
    assert visitor.says("再问").status_code == 409
    assert no_problems(faces)


def _answer(work: Any, who: Any, conversation: Conversation, text: str, words: Any) -> None:
    desk.answer(work, who, conversation, text, words)


def _close(work: Any, who: Any, conversation: Conversation, words: Any) -> None:
    desk.close(work, who, conversation, "已答复", words)


@pytest.mark.parametrize("knows", [True, False], ids=["the inside hears each word", "all at the end"])
def test_a_report_is_taken_outside_and_becomes_one_ticket_inside(faces: Faces, visitor: Visitor, knows: bool) -> None:
    engine = faces.outer.incoming.engine
    assert isinstance(engine, ToldEngine)
    engine.decision = Decision("answer", (REPORT,))
    visitor.begins()
    for text in ("我要投诉", "路灯坏了三天没人修", "海州区", "幸福路12号", "昨晚", "13812345678"):
        said = visitor.says(text).json()["lines"][-1]["text"]
        for _turn in range(2 if knows else 0):
            faces.exchange()
    assert "请核对您的投诉" in said
    assert "正在登记" in visitor.says("提交", "same").json()["lines"][-1]["text"]
    visitor.says("提交", "same")
    assert "已经提交过了" in visitor.says("提交").json()["lines"][-1]["text"]
    for _turn in range(3):
        faces.exchange()
    with faces.inner.works.read() as work:
        ticket = work.session.scalars(select(Ticket)).one()
    assert (ticket.kind, ticket.contact) == ("投诉", "13812345678")
    assert [line["text"] for line in lines(visitor)["lines"] if ticket.number in line["text"]]
    assert no_problems(faces)


def test_outside_the_page_of_his_own_matters_says_where_they_are(faces: Faces, visitor: Visitor) -> None:
    assert "暂时不能用短信验证码" in visitor.browser.get("/mine").text
    assert visitor.browser.post("/mine/code", data={}).status_code == 404
    visitor.begins()
    assert "/feedback/progress" in visitor.says("查一下 20260302-ABC234").json()["lines"][-1]["text"]


def test_two_failures_and_danger_reach_people(faces: Faces, visitor: Visitor) -> None:
    engine = faces.outer.incoming.engine
    assert isinstance(engine, ToldEngine)
    engine.decision = ToldEngine().decision
    visitor.begins()
    assert visitor.says("天书一").json()["state"] == S.BOT
    assert visitor.says("天书二").json()["state"] == S.WAITING
    other = Visitor(faces.office, faces.door, ToldEngine())
    other.begins()
    seen = other.says("我不想活了").json()
    assert seen["state"] == S.WAITING
    assert "12356" in seen["lines"][-1]["text"] or "110" in seen["lines"][-1]["text"]
    faces.exchange()
    failed, danger = conversations(faces)
    assert (failed.state, failed.waiting_reason) == (S.WAITING, "failures")
    assert (danger.state, danger.waiting_reason) == (S.WAITING, "danger")
    assert danger.urgent_told == 1
    # The second of the two waits behind nobody in his own eyes until the inside tells him.
    assert no_problems(faces)


def test_the_offices_sensitive_topics_are_left_to_people_outside_too(faces: Faces, visitor: Visitor) -> None:
    with faces.inner.works.write() as work:
        set_rule(work, "bot.sensitive_words", faces.office.unit("root").id, ["养犬证"])
    faces.exchange()
    visitor.begins()
    assert visitor.says(QUESTION).json()["state"] == S.WAITING
    faces.exchange()
    assert [one.waiting_reason for one in conversations(faces)] == ["sensitive"]
    assert no_problems(faces)


def test_out_of_hours_a_ticket_is_made_inside_and_its_number_comes_back(
    faces: Faces, visitor: Visitor, clock: StillClock
) -> None:
    clock.step(hours=12)
    visitor.begins()
    assert "现在不是人工服务时间" in visitor.says("人工").json()["lines"][-1]["text"]
    faces.exchange()
    with faces.inner.works.read() as work:
        assert work.session.scalars(select(Ticket)).all() == []
    assert "正在转给工作人员" in visitor.says("我家门口路灯坏了，电话 13800001111").json()["lines"][-1]["text"]
    faces.exchange()
    with faces.inner.works.read() as work:
        ticket = work.session.scalars(select(Ticket)).one()
        assert "路灯" in ticket.text
    assert ticket.number in lines(visitor)["lines"][-1]["text"]
    assert no_problems(faces)


@pytest.mark.parametrize(("sure", "made"), [(False, 1), (True, 0)])
def test_whoever_ends_outside_while_he_waits_keeps_his_question_inside(
    faces: Faces, visitor: Visitor, sure: bool, made: int
) -> None:
    visitor.begins()
    visitor.says("我家门口路灯坏了")
    visitor.says("人工")
    faces.exchange()
    ended = visitor.browser.post(f"/chat/{visitor.id}/end", json={"sure": sure}, headers=visitor.headers)
    assert ended.json()["state"] == S.CLOSED
    faces.exchange()
    with faces.inner.works.read() as work:
        numbers = work.session.scalars(select(Ticket.number)).all()
    assert len(numbers) == made
    told = "".join(line["text"] for line in lines(visitor)["lines"])
    assert all(number in told for number in numbers)
    rated = visitor.browser.post(f"/chat/{visitor.id}/rating", json={"score": 2}, headers=visitor.headers)
    assert rated.status_code == 200
    faces.exchange()
    with faces.inner.works.read() as work:
        assert work.session.scalars(select(Rating.score)).all() == [2]
    assert no_problems(faces)


def test_while_the_engine_learns_the_bot_inside_answers(faces: Faces, visitor: Visitor) -> None:
    engine = faces.outer.incoming.engine
    assert isinstance(engine, ToldEngine)
    engine.quick = False
    inner = ToldEngine(quick=True)
    inner.answers(1)
    faces.inner.incoming.engine = faces.inner.incoming.answering.engine = inner
    visitor.begins()
    assert "正在转给工作人员" in visitor.says("养犬证").json()["lines"][-1]["text"]
    faces.exchange()
    faces.inner.incoming.run_left_over()
    faces.inner.incoming.queues.close()
    faces.exchange()
    assert lines(visitor)["lines"][-1]["text"] == ANSWER
    assert inner.asked == ["养犬证"]


def test_nothing_of_it_can_be_read_on_the_outer_disk(
    faces: Faces, visitor: Visitor, phone: Phone, tmp_path: Path
) -> None:
    visitor.begins()
    visitor.says("我叫王二小，身份证丢了")
    phone.says("我住在临江路九号")
    faces.door.post(
        "/feedback", data={"kind": "建议", "text": "多种些桂花树", "contact": "13800001111", "name": "李大海"}
    )
    faces.outer.engine.dispose()
    kept = b"".join(path.read_bytes() for path in (tmp_path / "outer").rglob("*") if path.is_file())
    for words in ("王二小", "身份证丢了", "临江路", "桂花树", "13800001111", "李大海", "oCitizen_1", visitor.token):
        assert words.encode() not in kept, words
        assert json.dumps(words)[1:-1].encode() not in kept, words
    with faces.outer.works.read() as work:
        assert len(work.session.scalars(select(OuterLine)).all()) == 3


def test_without_the_token_there_is_no_session(faces: Faces, visitor: Visitor) -> None:
    visitor.begins()
    other = Visitor(faces.office, faces.door, ToldEngine())
    other.begins()
    for token in ("", "guess", other.token):
        headers = {"Authorization": f"Bearer {token}"}
        for method, act in (("GET", "lines"), ("GET", "events"), ("POST", "end"), ("POST", "stay")):
            assert faces.door.request(method, f"/chat/{visitor.id}/{act}", headers=headers).status_code == 404


def test_whoever_was_warned_goes_on_from_outside(faces: Faces, visitor: Visitor, clock: StillClock) -> None:
    visitor.begins()
    faces.exchange()
    clock.step(minutes=25)
    faces.inner.incoming.watch.round()
    faces.exchange()
    assert lines(visitor)["lines"][-1]["ask"] == "stay"
    assert faces.door.post(f"/chat/{visitor.id}/stay", headers=visitor.headers).status_code == 200
    faces.exchange()
    faces.exchange()
    assert [line["text"] for line in lines(visitor)["lines"]][-1] == "会话继续，请讲。"
    clock.step(minutes=10)
    faces.inner.incoming.watch.round()
    (talk,) = conversations(faces)
    assert talk.state == S.BOT
    assert no_problems(faces)


def test_what_ended_inside_before_it_was_known_begins_anew(faces: Faces, visitor: Visitor) -> None:
    visitor.begins()
    faces.exchange()
    (first,) = conversations(faces)
    with faces.inner.works.write() as work:
        waiting.close(work, work.session.get_one(Conversation, first.id), words="结束")
    visitor.says("养犬证")  # Before the outer side heard of it.
    faces.exchange()
    _first, second = conversations(faces)
    assert second.state == S.BOT
    assert said_in(faces, second) == [("citizen", "养犬证"), ("bot", ANSWER)]
    faces.exchange()
    assert lines(visitor)["state"] == S.BOT


def test_sessions_nobody_came_back_to_are_forgotten(faces: Faces, visitor: Visitor, clock: StillClock) -> None:
    visitor.begins()
    clock.step(days=4)
    with faces.outer.works.write() as work:
        assert sessions.forget(work) == 1
    assert faces.door.get(f"/chat/{visitor.id}/lines", headers=visitor.headers).status_code == 404
    faces.exchange()
    agent_does(faces, desk.take, conversations(faces)[0])
    faces.exchange()
    assert no_problems(faces)


# --- WeChat -----------------------------------------------------------------------------------------


def test_a_push_is_answered_outside_within_the_push_and_a_repeat_gets_the_same_bytes(
    faces: Faces, phone: Phone
) -> None:
    first = phone.says("养犬证", 11)
    assert ANSWER in phone.read(first)["Content"]
    again = phone.says("养犬证", 11)
    assert again.content == first.content
    for _turn in range(2):
        faces.exchange()
    (conversation,) = conversations(faces)
    assert conversation.channel == "wechat"
    with faces.inner.works.read() as work:
        heard = work.session.scalars(select(InboundMessage)).one()
        assert heard.answer == first.content
        said = work.session.scalars(select(OutboundReply)).one()
        assert (said.state, said.route) == (ReplyState.DONE, Route.PASSIVE)
        assert ANSWER in said.text
    faces.inner.incoming.replier.send_due()
    assert phone.outbox.sent == []
    assert no_problems(faces)


def test_how_many_messages_a_minute_are_answered_is_the_offices_rule_outside_too(
    faces: Faces, phone: Phone, clock: StillClock
) -> None:
    with faces.inner.works.write() as work:
        set_rule(work, "bot.most_per_minute", faces.office.unit("root").id, 5)
    faces.exchange()
    said = []
    for number in range(100, 108):
        said.append(phone.says("养犬证", number))
        faces.exchange()  # What the inside knows of him by then counts on.
    assert all(ANSWER in phone.read(one)["Content"] for one in said[:5])
    assert "来不及一一答复" in phone.read(said[5])["Content"]
    assert [one.content for one in said[6:]] == [b"success"] * 2
    clock.step(minutes=1)
    assert ANSWER in phone.read(phone.says("养犬证", 108))["Content"]
    for number in range(109, 114):  # Told so a minute ago, he is not told again.
        last = phone.says("养犬证", number)
    assert last.content == b"success"
    assert "正在为您转接" in phone.read(phone.says("人工", 114))["Content"]
    faces.exchange()
    with faces.inner.works.read() as work:
        outcomes = list(work.session.scalars(select(InboundMessage.outcome).order_by(InboundMessage.id)))
    assert (len(outcomes), outcomes.count(FLOOD)) == (15, 4)
    assert no_problems(faces)


def test_what_was_said_a_moment_before_his_session_ended_counts_in_the_next(faces: Faces, phone: Phone) -> None:
    with faces.inner.works.write() as work:
        set_rule(work, "bot.most_per_minute", faces.office.unit("root").id, 5)
    faces.exchange()
    for number in range(130, 134):
        phone.says("养犬证", number)
    with faces.outer.works.write() as work:
        work.session.scalars(select(OuterSession)).one().state = S.CLOSED
    assert ANSWER in phone.read(phone.says("养犬证", 134))["Content"]
    assert "来不及一一答复" in phone.read(phone.says("养犬证", 135))["Content"]


@pytest.mark.parametrize("knows", [True, False], ids=["after the inside has heard", "before"])
def test_a_bare_question_goes_on_about_the_guide_just_told_outside_too(faces: Faces, phone: Phone, knows: bool) -> None:
    guide = publish(faces, "guide", "居民身份证补领", {"charged": False})
    faces.exchange()
    engine = ToldEngine(quick=True)
    engine.answers(guide)
    faces.outer.incoming.engine = faces.outer.incoming.answering.engine = engine
    assert "居民身份证补领" in phone.read(phone.says("身份证丢了怎么办", 140))["Content"]
    if knows:
        faces.exchange()
        faces.exchange()
    engine.decision = Decision("refuse", ())
    assert "收费：不收费" in phone.read(phone.says("那多少钱呢", 141))["Content"]
    assert engine.asked == ["身份证丢了怎么办"]
    faces.exchange()
    assert no_problems(faces)


def test_on_wechat_an_agent_answers_by_our_own_call_and_the_bot_stays_silent(
    faces: Faces, phone: Phone, clock: StillClock
) -> None:
    assert "正在为您转接" in phone.read(phone.says("人工", 21))["Content"]
    faces.exchange()
    (conversation,) = conversations(faces)
    agent_does(faces, desk.take, conversation)
    agent_does(faces, _answer, conversation, "您好，请讲。")
    clock.step(seconds=6)
    # First that somebody is there, then what he says; a thread sends beside this one.
    wait_for(lambda: faces.inner.incoming.replier.send_due() >= 0 and len(phone.outbox.sent) == 2)
    assert [text for _to, text in phone.outbox.sent] == ["人工客服 001 为您服务，请讲。", "您好，请讲。"]
    faces.exchange()
    assert phone.says("养犬证", 22).content == b"success"
    faces.exchange()
    assert said_in(faces, conversation)[-1] == ("citizen", "养犬证")
    agent_does(faces, _close, conversation)
    faces.exchange()
    assert "谢谢您的评价" in phone.read(phone.says("1", 23))["Content"]
    faces.exchange()
    with faces.inner.works.read() as work:
        assert work.session.scalars(select(Rating.score)).all() == [1]
    assert ANSWER in phone.read(phone.says("养犬证", 24))["Content"]
    faces.exchange()
    assert [one.state for one in conversations(faces)] == [S.CLOSED, S.BOT]
    assert no_problems(faces)


def test_a_rating_that_comes_before_the_outer_side_knows_of_the_end_is_taken_inside(
    faces: Faces, phone: Phone, clock: StillClock
) -> None:
    phone.says("人工", 31)
    faces.exchange()
    (conversation,) = conversations(faces)
    agent_does(faces, desk.take, conversation)
    agent_does(faces, _close, conversation)
    assert phone.says("1", 32).content == b"success"
    faces.exchange()
    faces.inner.incoming.queues.close()
    with faces.inner.works.read() as work:
        assert work.session.scalars(select(Rating.score)).all() == [1]
    clock.step(seconds=6)
    faces.inner.incoming.replier.send_due()
    assert "谢谢您的评价" in phone.outbox.sent[-1][1]


def test_what_a_follower_agrees_to_outside_is_kept_inside(faces: Faces, phone: Phone) -> None:
    listed = {"List": [{"TemplateId": f"t-{n}", "SubscribeStatusString": "accept", "PopupScene": 2} for n in (1, 2)]}
    assert phone.happens("subscribe_msg_popup_event", SubscribeMsgPopupEvent=listed).content == b"success"
    faces.exchange()
    with faces.inner.works.read() as work:
        rows = work.session.scalars(select(NoticeConsent).order_by(NoticeConsent.template_id))
        assert [(row.template_id, row.left) for row in rows] == [("t-1", 1), ("t-2", 1)]
    assert conversations(faces) == []
    assert no_problems(faces)


def test_forged_and_old_pushes_are_refused_outside(faces: Faces, phone: Phone, clock: StillClock) -> None:
    assert phone.push({"MsgType": "text", "Content": "x", "MsgId": 1}, msg_signature="0" * 40).status_code == 403
    body, query = phone.signed({"MsgType": "text", "Content": "x", "MsgId": 2})
    clock.step(minutes=30)
    assert phone.send(body, query).status_code == 403
    faces.exchange()
    assert conversations(faces) == []


def test_the_platforms_check_of_the_address_is_answered_outside(faces: Faces) -> None:
    query = {"timestamp": "1", "nonce": "2", "signature": crypto.signature(TOKEN, "1", "2"), "echostr": "39<8&1"}
    assert faces.door.get("/callbacks/wechat/wx", params=query).content == b"39<8&1"
    assert faces.door.get("/callbacks/wechat/wx", params={**query, "nonce": "3"}).status_code == 403


# --- forms and readings -----------------------------------------------------------------------------


def test_a_form_becomes_a_ticket_inside_and_its_progress_is_told_outside(faces: Faces) -> None:
    form = {"kind": "投诉", "text": "夜间施工扰民", "contact": "13800001111", "name": "王女士"}
    sent = faces.door.post("/feedback", data=form, follow_redirects=False)
    number = sent.headers["location"].split("number=")[1].split("&")[0]
    assert "待办理" in faces.door.get(f"/feedback/progress?number={number}").text
    faces.exchange()
    with faces.inner.works.write() as work:
        ticket = work.session.scalars(select(Ticket)).one()
        assert (ticket.number, ticket.text, ticket.contact) == (number, "夜间施工扰民", "13800001111")
        tickets.answer(work, ticket, "已责令整改。")
        assert ticket.state == TicketState.ANSWERED
    faces.exchange()
    page = faces.door.get(f"/feedback/progress?number={number}").text
    assert "已责令整改。" in page
    assert "夜间施工" not in page
    assert faces.door.get("/feedback/progress?number=20260302-AAAAAA").status_code == 404
    assert faces.door.post("/feedback", data={**form, "text": "短"}).status_code == 422


def test_readings_are_counted_inside_and_the_search_finds_what_is_public(faces: Faces) -> None:
    faces.door.post("/beacon", json={"path": "/wenda/1.html", "from": "wechat"})
    faces.door.post("/beacon", json={"path": "/wenda/1.html", "from": "wechat"})
    faces.outer.reads.flush()
    faces.exchange()
    with faces.inner.works.read() as work:
        read = work.session.scalars(select(PageRead)).one()
        assert (read.piece_id, read.channel, read.reads) == (1, "wechat", 2)
    assert QUESTION in faces.door.get("/search?q=养犬证").text
    assert faces.door.get("/search?q=没有这回事").status_code == 200
    with faces.outer.works.read() as work:
        assert work.session.scalars(select(SearchMiss)).all() == []
    faces.exchange()
    with faces.inner.works.read() as work:
        assert work.session.scalars(select(SearchMiss.query)).all() == ["没有这回事"]


def test_a_document_of_a_public_piece_is_found_outside_until_the_piece_is_withdrawn(faces: Faces) -> None:
    with faces.inner.works.write() as work:
        row = work.session.scalars(select(PublicPiece)).one()
        named = {"piece_id": row.piece_id, "release_id": row.release_id, "size": 9, "number": 0}
        file = PublicFile(**named, name="犬种目录.pdf", href="/files/a/犬种目录.pdf", text="禁养犬种为下列")
        work.session.add(file)
        work.session.flush()
        work.audit("piece.shown", work.session.get_one(Piece, row.piece_id))
    faces.exchange()
    assert "犬种目录.pdf" in faces.door.get("/search?q=禁养犬种").text
    with faces.inner.works.write() as work:
        public.withdrawn(work, work.session.scalars(select(PublicPiece)).one().piece_id, work.now, "内容有误")
        work.audit("piece.withdrawn", work.session.scalars(select(Piece)).first())
    faces.exchange()
    assert "犬种目录.pdf" not in faces.door.get("/search?q=禁养犬种").text
    with faces.outer.works.read() as work:
        assert work.session.scalars(select(PublicFile)).all() == []


def test_what_is_no_longer_public_is_no_answer(faces: Faces, visitor: Visitor) -> None:
    with faces.inner.works.write() as work:
        row = work.session.scalars(select(PublicPiece)).one()
        row.until_at = row.withdrawn_at = work.now
        work.audit("piece.withdrawn", work.session.get_one(Piece, row.piece_id))
    faces.exchange()
    visitor.begins()
    assert ANSWER not in visitor.says("养犬证").json()["lines"][-1]["text"]
    with faces.outer.works.read() as work:
        assert work.session.scalars(select(Release)).all() == []
        assert work.session.scalars(select(OuterSession)).one().state == S.BOT


def test_a_rebuttal_is_given_outside_while_it_holds(faces: Faces) -> None:
    with faces.inner.works.write() as work:
        shown = work.session.scalars(select(PublicPiece)).one()
        shown.kind = "notice"
        rebuttal = Rebuttal(unit_id=shown.unit_id, piece_id=shown.piece_id, claim="养犬要收三千元", made_at=work.now)
        work.session.add(rebuttal)
        work.session.flush()
        work.audit("rebuttal.set", rebuttal)
    faces.exchange()
    with faces.outer.works.read() as work:
        assert rebuttal_to(work.session, "听说养犬要收三千元，是真的吗", work.now) == rebuttal.piece_id
        assert answer_of(work.session, rebuttal.piece_id, work.now) is not None, "its words are outside too"
        assert rebuttal_to(work.session, QUESTION, work.now) is None
    with faces.inner.works.write() as work:
        work.session.get_one(Rebuttal, rebuttal.id).ended_at = work.now
        work.audit("rebuttal.ended", rebuttal)
    faces.exchange()
    with faces.outer.works.read() as work:
        assert rebuttal_to(work.session, "听说养犬要收三千元，是真的吗", work.now) is None


def test_a_browser_asks_outside_and_is_told_from_inside(faces: Faces) -> None:
    with faces.inner.works.write() as work:
        root = work.session.scalars(select(Unit.id).where(Unit.code == "root")).one()
        private = {"vapid_private_key": "c" * 43}
        add(work, faces.inner.seal, unit_id=root, channel="web_push", name="网站", code="push", credentials=private)
    faces.exchange()
    offered = faces.door.get("/push/key").json()
    endpoint = "https://push.example/secret-address"
    wish = {"endpoint": endpoint, "keys": {"p256dh": "B" * 87, "auth": "a" * 22}, "consent": offered["consent"]}
    wish["topics"] = {"column": ["wenda"], "district": []}
    assert faces.door.post("/push/subscriptions", json=wish).status_code == 201
    assert faces.door.post("/push/subscriptions", json={**wish, "endpoint": "http://x"}).status_code == 422
    assert faces.door.post("/push/known", json={"endpoint": endpoint}).json()["column"] == ["wenda"]
    faces.exchange()
    with faces.inner.works.read() as work:
        assert work.session.scalars(select(PushSubscription)).one().endpoint == endpoint
    renewed = {"former": endpoint, "endpoint": f"{endpoint}-new", "keys": wish["keys"]}
    assert (
        faces.door.post("/push/replacements", json={**renewed, "former": "https://push.example/x"}).status_code == 404
    )
    assert faces.door.post("/push/replacements", json=renewed).status_code == 204
    assert faces.door.post("/push/known", json={"endpoint": endpoint}).status_code == 404
    endpoint = f"{endpoint}-new"
    assert faces.door.post("/push/known", json={"endpoint": endpoint}).json()["column"] == ["wenda"]
    faces.exchange()
    with faces.inner.works.read() as work:
        assert work.session.scalars(select(PushSubscription)).one().endpoint == endpoint
    assert faces.door.post("/push/farewells", json={"endpoint": endpoint}).status_code == 204
    assert faces.door.post("/push/known", json={"endpoint": endpoint}).status_code == 404
    faces.exchange()
    with faces.inner.works.read() as work:
        assert work.session.scalars(select(PushSubscription)).one().gone_at is not None


# --- what is forgotten --------------------------------------------------------------------------------


def test_what_is_forgotten_inside_is_forgotten_outside(faces: Faces, visitor: Visitor) -> None:
    """The citizen's session with its lines, and how his ticket stands; another's stay."""
    visitor.begins()
    visitor.says("养犬证")
    other = Visitor(faces.office, faces.door, ToldEngine())
    other.begins()
    other.says("养犬证")
    faces.exchange()
    mine, his = conversations(faces)
    with faces.inner.works.write() as work:
        about = {"unit_id": mine.unit_id, "zone": faces.inner.settings.office_zone, "kind": "投诉"}
        numbers = [
            tickets.make(work, text=f"路灯坏了 {one.id}", conversation_id=one.id, **about).number for one in (mine, his)
        ]
    faces.exchange()
    with faces.inner.works.write() as work:
        for ticket in work.session.scalars(select(Ticket)):
            ticket.state, ticket.closed_at = TicketState.CLOSED, work.now
        forgetting.tickets(work, [work.session.scalars(select(Ticket.id).where(Ticket.number == numbers[0])).one()])
        forgetting.conversations(work, [mine.id])
    for _turn in range(2):
        faces.exchange()
    with faces.outer.works.read() as work:
        assert work.session.scalars(select(OuterSession.id)).all() == [2]
        assert set(work.session.scalars(select(OuterLine.session_id))) == {2}
    shown = [faces.door.get(f"/feedback/progress?number={number}").status_code for number in numbers]
    assert shown == [404, 200]
    assert no_problems(faces)


def test_a_picture_goes_inside_closed_and_is_drawn_anew_there_once(faces: Faces, visitor: Visitor) -> None:
    assert visitor.begins()["pictures"] == {"megabytes": 5.0}
    assert sends_picture(visitor, picture_bytes(), agreed="false").json()["field"] == "agreed"
    assert sends_picture(visitor, b"\xff\xd8\xff no picture").status_code == 422
    seen = sends_picture(visitor, picture_bytes()).json()
    assert [(line["text"], line["picture"]) for line in seen["lines"] if line["side"] == "citizen"] == [
        ("[图片]", True)
    ]
    again = sends_picture(visitor, picture_bytes()).json()  # The page lost the answer and sends it again.
    assert len(again["lines"]) == len(seen["lines"])
    with faces.outer.works.read() as work:
        sealed = [one.sealed for one in work.session.scalars(select(OuterPacket).filter_by(kind="picture"))]
    assert len(sealed) == 1
    assert b"JFIF" not in sealed[0]
    faces.exchange()
    faces.exchange()
    (conversation,) = conversations(faces)
    with faces.inner.works.read() as work:
        (file,) = citizen_files.of_conversation(work.session, conversation.id)
        assert (file.state, file.media_type) == ("kept", "image/jpeg")
        assert audit_acts(work.session).count("citizen_file.saved") == 1
    assert b"JFIF" in faces.inner.blobs.get(file.sha256)


def test_what_the_outer_host_hands_in_as_a_picture_is_kept_only_if_it_is_one(faces: Faces, visitor: Visitor) -> None:
    visitor.begins()
    with faces.outer.works.write() as work:
        values = {"session": visitor.id, "key": "k", "text": "", "at": work.now.isoformat(), "state": "bot"}
        faces.outer.outer.put(work, "picture", {**values, "verdict": None, "said": None}, b"<script>")
    faces.exchange()
    (conversation,) = conversations(faces)
    with faces.inner.works.read() as work:
        (file,) = citizen_files.of_conversation(work.session, conversation.id)
        assert (file.state, file.sha256, "JPG" in file.reason) == ("refused", "", True)


def test_pictures_wait_outside_only_as_far_as_there_is_room(
    faces: Faces, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.begins()
    assert sends_picture(visitor, picture_bytes(), key="p1").status_code == 200
    monkeypatch.setattr(pictures, "MOST_WAITING", 1)
    full = sends_picture(visitor, picture_bytes(), key="p2")
    assert (full.status_code, "稍后" in full.json()["message"]) == (503, True)
    faces.exchange()
    faces.exchange()  # The other side says that it has it.
    assert sends_picture(visitor, picture_bytes(), key="p2").status_code == 200


def audit_acts(session: Session) -> list[str]:
    """Every act written down, in order."""
    return list(session.scalars(select(AuditLine.act)))


def test_a_key_that_is_none_keeps_no_other_accounts_keys_inside(faces: Faces) -> None:
    with faces.inner.works.write() as work:
        root = work.session.scalars(select(Unit.id).where(Unit.code == "root")).one()
        for code, key in (("bad", "A" * 43), ("good", new_key()[0])):
            add(work, faces.inner.seal, unit_id=root, channel="web_push", name=code, code=code, action="push",
                credentials={"vapid_private_key": key})  # fmt: skip
    faces.exchange()
    with faces.outer.works.read() as work:
        query = select(Account).where(Account.channel == "web_push").order_by(Account.code)
        kept = {one.code: info(work.session, faces.outer.seal, one).credentials for one in work.session.scalars(query)}
    assert kept["bad"] == {}
    assert list(kept["good"]) == ["vapid_public_key"]
