"""The portal's chat and forms: the token is the proof, lines come once and in order, streams wake within a moment."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bot import desk, expecting, phone_codes, tickets
from bot.citizen_files.models import CitizenFile
from bot.models import Conversation, PhoneCode, Rating, Ticket
from bot.phone_codes import Codes
from bot.states import CodeState, ConversationState
from hub.hotline import intake
from hub.hotline.intake import Case
from hub.live import conversation_topic
from hub.notices import Notice
from hub.web import chat as chat_api
from hub.web import chat_page
from kernel.clock import StillClock
from kernel.people import Role, viewer
from kernel.work import Actor
from tests.bot.citizens import ToldEngine
from tests.factories import picture_bytes
from tests.hub.office import Browser, Office
from tests.hub.web.test_callbacks import wait_for


@dataclass
class Visitor:
    """Somebody on the portal with a chat."""

    office: Office
    browser: Browser
    engine: ToldEngine
    id: int = 0
    token: str = ""
    after: int = 0
    serial: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """The proof."""
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}

    def begins(self) -> dict[str, Any]:
        """Opens the chat."""
        seen: dict[str, Any] = self.browser.post("/chat/start", headers={"Accept": "application/json"}).json()
        self.id, self.token = seen["id"], seen["token"]
        self.after = seen["lines"][-1]["number"]
        return seen

    def says(self, text: str, key: str = "") -> Any:
        """Writes a sentence."""
        self.serial += 1
        body = {"key": key or f"k{self.serial}", "text": text, "after": self.after}
        return self.browser.post(f"/chat/{self.id}/messages", json=body, headers=self.headers)

    def conversation(self) -> Conversation:
        """The row."""
        with self.office.hub.works.read() as work:
            return work.session.get_one(Conversation, self.id)

    def agent_does(self, act: Any, *more: Any) -> None:
        """Something the agent does at his desk."""
        person = self.office.person("agent")
        hub = self.office.hub
        with hub.works.write(Actor(person.name, person.id, person.unit_id)) as work:
            who = viewer(work.session, person, work.now)
            act(work, who, work.session.get_one(Conversation, self.id), *more, hub.incoming.words)


@pytest.fixture(params=[False, True], ids=["stored first", "at once"])
def visitor(office: Office, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    """A visitor of an office without a portal account; the root unit's agent answers."""
    # A machine that is busy with something else may be slow, but the answer must come.
    monkeypatch.setattr(chat_api, "ANSWER_SECONDS", 30.0)
    engine = ToldEngine(quick=request.param)
    office.hub.incoming.engine = office.hub.incoming.answering.engine = engine
    office.hire("agent", "root", Role.AGENT)
    yield Visitor(office, office.browser(), engine)
    if engine.held is not None:
        engine.held.set()


def sides(seen: dict[str, Any]) -> list[str]:
    return [line["side"] for line in seen["lines"]]


def test_the_bot_says_that_it_is_one_and_how_to_reach_a_person(visitor: Visitor) -> None:
    seen = visitor.begins()
    assert sides(seen) == ["bot"]
    assert "机器人" in seen["lines"][0]["text"]
    assert "人工" in seen["lines"][0]["text"]
    assert visitor.conversation().token_hash not in (None, visitor.token)


def test_a_question_is_answered_at_once_and_a_repeat_changes_nothing(visitor: Visitor) -> None:
    visitor.begins()
    seen = visitor.says("养犬证怎么办", "same").json()
    assert sides(seen) == ["citizen", "bot"]
    assert sides(visitor.says("养犬证怎么办", "same").json()) == ["citizen", "bot"]
    assert visitor.engine.asked == ["养犬证怎么办"]


def test_a_slow_bot_does_not_hold_the_page(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_api, "ANSWER_SECONDS", 0.1)
    visitor.engine.held = threading.Event()
    visitor.begins()
    assert sides(visitor.says("养犬证").json()) == ["citizen"]
    visitor.engine.held.set()
    wait_for(lambda: len(lines(visitor)) == 3)


def lines(visitor: Visitor) -> list[Any]:
    answer = visitor.browser.get(f"/chat/{visitor.id}/lines", headers=visitor.headers)
    found: list[Any] = answer.json()["lines"]
    return found


@pytest.mark.parametrize("act", ["messages", "lines", "events", "end", "rating"])
def test_without_the_token_there_is_no_conversation(visitor: Visitor, act: str) -> None:
    visitor.begins()
    method = "GET" if act in ("lines", "events") else "POST"
    body = {"key": "k", "text": "x"} if act == "messages" else {"score": 1}
    for headers in ({}, {"Authorization": "Bearer guess"}, {"Authorization": f"Basic {visitor.token}"}):
        more = {} if method == "GET" else {"json": body}
        answer = visitor.browser.request(method, f"/chat/{visitor.id}/{act}", headers=headers, **more)
        assert answer.status_code == 404, headers
    other = Visitor(visitor.office, visitor.browser, visitor.engine)
    other.begins()
    answer = visitor.browser.get(f"/chat/{visitor.id}/lines", headers=other.headers)
    assert answer.status_code == 404


def test_another_site_cannot_begin_a_chat(visitor: Visitor) -> None:
    assert visitor.browser.post("/chat/start", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert visitor.browser.post("/chat/start", headers={"Origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize(
    "body", [{"key": "k", "text": ""}, {"key": "k", "text": "字" * 501}, {"key": "", "text": "x"}, {"text": "x"}, {}]
)
def test_what_is_no_message_is_refused(visitor: Visitor, body: dict[str, Any]) -> None:
    visitor.begins()
    answer = visitor.browser.post(f"/chat/{visitor.id}/messages", json=body, headers=visitor.headers)
    assert answer.status_code == 422
    assert visitor.engine.asked == []


def test_a_flood_is_stopped(visitor: Visitor) -> None:
    visitor.begins()
    codes = [visitor.says("x").status_code for _ in range(chat_api.MESSAGES[0] + 1)]
    assert codes[-2:] == [200, 429]
    begun = [visitor.browser.post("/chat/start").status_code for _ in range(chat_api.STARTS[0])]
    assert begun[-1] == 429
    assert begun[0] == 200


def test_a_person_answers_and_the_end_asks_for_a_rating_once(visitor: Visitor) -> None:
    visitor.begins()
    seen = visitor.says("人工").json()
    assert seen["state"] == "waiting"
    assert seen["ahead"] == 0
    visitor.agent_does(desk.answer, "请带身份证到窗口。")
    visitor.agent_does(desk.close, "已告知材料")
    found = lines(visitor)
    assert [line["side"] for line in found[-4:]] == ["bot", "event", "agent", "bot"]
    assert found[-2]["agent"] == desk.agent_number(visitor.office.person("agent").id)
    assert found[-1]["ask"] == "rating"
    for expected in (True, True):
        answer = visitor.browser.post(f"/chat/{visitor.id}/rating", json={"score": 2}, headers=visitor.headers)
        assert answer.json()["rated"] is expected
    with visitor.office.hub.works.read() as work:
        rating = work.session.scalars(select(Rating)).one()
    assert (rating.score, rating.agent_id) == (2, visitor.office.person("agent").id)


def test_who_waits_sees_about_how_long(visitor: Visitor, clock: StillClock) -> None:
    for _ in range(expecting.FEWEST):
        visitor.begins()
        seen = visitor.says("人工").json()
        assert seen["expected"] == 0
        clock.step(minutes=4)
        visitor.agent_does(desk.answer, "您好。")
        visitor.agent_does(desk.close, "已答复")
    visitor.begins()
    seen = visitor.says("人工").json()
    assert (seen["ahead"], seen["expected"]) == (0, 5)
    assert "预计等待约 5 分钟" in seen["lines"][-1]["text"]
    visitor.after = seen["lines"][-1]["number"]  # The page has all that was said.
    assert visitor.says("还要多久").json()["expected"] == 5
    office = visitor.office
    office.hire("boss", "root", Role.SUPERVISOR)
    shown = office.desk_of("agent").get(f"/console/desk/{visitor.id}").text
    assert "排在最前" in shown
    assert "预计等待约 5 分钟" in shown
    board = office.desk_of("boss").get("/console/board").text
    assert '<td data-label="预计等待（分钟）" class="figures">10</td>' in board


def test_whoever_is_silent_is_warned_and_may_go_on(visitor: Visitor, clock: StillClock) -> None:
    visitor.begins()
    watch = visitor.office.hub.incoming.watch
    clock.step(minutes=25)
    watch.round()
    warned = lines(visitor)[-1]
    assert (warned["side"], warned["ask"]) == ("event", "stay")
    stay = f"/chat/{visitor.id}/stay"
    assert visitor.browser.post(stay, headers={"Authorization": "Bearer guess"}).status_code == 404
    for _ in range(2):
        seen = visitor.browser.post(stay, headers=visitor.headers).json()
        assert [line["text"] for line in seen["lines"]][-2:] == [warned["text"], "会话继续，请讲。"]
    clock.step(minutes=25)
    watch.round()
    clock.step(minutes=5)
    watch.round()
    assert lines(visitor)[-1]["text"].startswith("由于您长时间没有回复")
    assert visitor.browser.post(stay, headers=visitor.headers).status_code == 409


def test_notes_never_reach_the_citizen(visitor: Visitor) -> None:
    visitor.begins()
    visitor.says("人工")
    person = visitor.office.person("agent")
    with visitor.office.hub.works.write(Actor(person.name, person.id, person.unit_id)) as work:
        who = viewer(work.session, person, work.now)
        desk.note(work, who, work.session.get_one(Conversation, visitor.id), "此人昨天来过")
    assert "此人昨天来过" not in json.dumps(lines(visitor), ensure_ascii=False)


def test_a_low_rating_of_the_bot_brings_a_person(visitor: Visitor) -> None:
    visitor.begins()
    visitor.says("养犬证")
    visitor.browser.post(f"/chat/{visitor.id}/end", headers=visitor.headers)
    assert visitor.conversation().state == ConversationState.CLOSED
    answer = visitor.browser.post(f"/chat/{visitor.id}/rating", json={"score": 5}, headers=visitor.headers)
    assert answer.json()["state"] == "waiting"
    assert visitor.conversation().waiting_reason == "low_rating"


def callbacks_of(visitor: Visitor) -> list[Ticket]:
    with visitor.office.hub.works.read() as work:
        return list(work.session.scalars(select(Ticket).where(Ticket.kind == "回访")))


def rates(visitor: Visitor, score: int) -> Any:
    return visitor.browser.post(f"/chat/{visitor.id}/rating", json={"score": score}, headers=visitor.headers)


def ends(visitor: Visitor) -> None:
    assert visitor.browser.post(f"/chat/{visitor.id}/end", headers=visitor.headers).status_code == 200


def kept(visitor: Visitor) -> list[Ticket]:
    with visitor.office.hub.works.read() as work:
        return list(work.session.scalars(select(Ticket)))


def ends_with(visitor: Visitor, body: dict[str, Any] | None) -> dict[str, Any]:
    answer = visitor.browser.post(f"/chat/{visitor.id}/end", json=body, headers=visitor.headers)
    assert answer.status_code == 200
    seen: dict[str, Any] = answer.json()
    return seen


def test_whoever_ends_while_he_waits_keeps_his_question_unless_he_is_sure(visitor: Visitor) -> None:
    visitor.begins()
    visitor.says("小区门口路灯坏了，电话 13800001111")
    visitor.says("人工")
    seen = ends_with(visitor, None)
    [ticket] = kept(visitor)
    assert ticket.number in seen["lines"][-1]["text"]
    assert (ticket.contact, seen["state"]) == ("13800001111", "closed")
    assert visitor.conversation().summary == "市民不再等待，已转工单"
    assert ends_with(visitor, None)["lines"] == seen["lines"]


def test_whoever_is_sure_ends_without_and_it_can_be_seen_that_he_waited(visitor: Visitor) -> None:
    visitor.begins()
    visitor.says("小区门口路灯坏了")
    visitor.says("人工")
    seen = ends_with(visitor, {"sure": True})
    assert (seen["state"], seen["lines"][-1]["ask"]) == ("closed", "rating")
    assert (kept(visitor), visitor.conversation().summary) == ([], "等待人工时由市民结束")


def test_who_only_wanted_a_person_leaves_nothing_to_be_answered(visitor: Visitor) -> None:
    visitor.begins()
    visitor.says("人工")
    assert ends_with(visitor, {})["lines"][-1]["ask"] == "rating"
    assert kept(visitor) == []


def test_a_rating_nobody_asked_for_is_refused_and_the_one_asked_for_is_kept(
    visitor: Visitor, clock: StillClock
) -> None:
    visitor.begins()
    visitor.says("人工")
    answer = rates(visitor, 5)
    assert answer.status_code == 409
    assert "现在不能评价" in answer.text
    ends(visitor)
    with visitor.office.hub.works.read() as work:
        assert work.session.scalars(select(Rating)).all() == []
    assert rates(visitor, 5).json()["rated"]
    clock.step(hours=25)
    assert rates(visitor, 1).json()["rated"]
    with visitor.office.hub.works.read() as work:
        assert work.session.scalars(select(Rating.score)).all() == [5]


def test_a_rating_after_its_time_is_refused(visitor: Visitor, clock: StillClock) -> None:
    visitor.begins()
    ends(visitor)
    clock.step(hours=25)
    assert rates(visitor, 5).status_code == 409
    assert visitor.conversation().state == ConversationState.CLOSED


def test_whoever_ends_while_his_low_rating_waits_is_called_back_once(visitor: Visitor) -> None:
    visitor.begins()
    visitor.says("养犬证")
    ends(visitor)
    assert rates(visitor, 5).json()["state"] == "waiting"
    assert callbacks_of(visitor) == []
    ends(visitor)
    ends(visitor)
    assert visitor.conversation().state == ConversationState.CLOSED
    (ticket,) = callbacks_of(visitor)
    assert "非常不满意" in ticket.text
    assert [line["ask"] for line in lines(visitor)].count("rating") == 1


def test_a_low_rating_that_a_person_answered_needs_no_call(visitor: Visitor) -> None:
    visitor.begins()
    ends(visitor)
    rates(visitor, 5)
    visitor.agent_does(desk.answer, "抱歉，马上为您办理。")
    ends(visitor)
    assert callbacks_of(visitor) == []


def test_a_low_rating_of_a_person_makes_a_ticket(visitor: Visitor) -> None:
    visitor.begins()
    visitor.says("人工")
    visitor.agent_does(desk.close, "已答复")
    visitor.browser.post(f"/chat/{visitor.id}/rating", json={"score": 4}, headers=visitor.headers)
    with visitor.office.hub.works.read() as work:
        ticket = work.session.scalars(select(Ticket)).one()
    assert (ticket.kind, ticket.conversation_id) == ("回访", visitor.id)


def test_after_the_end_a_new_session_begins(visitor: Visitor) -> None:
    visitor.begins()
    visitor.browser.post(f"/chat/{visitor.id}/end", headers=visitor.headers)
    assert visitor.says("还在吗").status_code == 409


def test_a_stream_wakes_within_a_moment(visitor: Visitor) -> None:
    visitor.begins()
    hub = visitor.office.hub

    async def watched() -> list[dict[str, Any]]:
        stream = chat_api.stream(hub, visitor.id, visitor.after, lambda after: chat_page.look(hub, visitor.id, after))
        first = asyncio.create_task(anext(stream))  # type: ignore[arg-type]  # An async generator's step is awaitable.
        said = [json.loads((await first).split("data: ")[1])]
        second = asyncio.create_task(anext(stream))  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        assert hub.incoming.live.watchers() == 1
        await asyncio.to_thread(visitor.says, "人工")
        said.append(json.loads((await asyncio.wait_for(second, 1.0)).split("data: ")[1]))
        await stream.aclose()  # type: ignore[attr-defined]
        return said

    said = asyncio.run(watched())
    assert said[0]["state"] == "bot"
    assert "citizen" in sides(said[1])
    assert hub.incoming.live.watchers() == 0


@pytest.mark.parametrize("told", [True, False])
def test_a_stream_outlasts_a_database_that_is_away(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    visitor.begins()
    hub = visitor.office.hub
    if not told:  # As by another process: it looks by itself every few seconds.
        monkeypatch.setattr(hub.incoming.live, "tell", lambda *_topics: None)
    away = {"look": False}

    async def look(after: int) -> dict[str, Any]:
        if away["look"]:
            away["look"] = False
            raise OperationalError("SELECT 1", {}, RuntimeError("connection refused"))
        return await chat_page.look(hub, visitor.id, after)

    async def watched() -> dict[str, Any]:
        stream = cast("AsyncGenerator[str, None]", chat_api.stream(hub, visitor.id, visitor.after, look))
        await anext(stream)
        away["look"] = True
        await asyncio.to_thread(visitor.says, "人工")
        seen = await asyncio.wait_for(anext(stream), 10.0)
        await stream.aclose()
        return dict(json.loads(seen.split("data: ")[1]))

    assert "citizen" in sides(asyncio.run(watched()))
    assert not away["look"]


def test_a_topic_wakes_only_who_watches_it(office: Office) -> None:
    live = office.hub.incoming.live

    async def watched() -> list[set[str]]:
        with live.watching([conversation_topic(1)]) as watcher:
            changes = watcher.changes(0.2)
            live.tell(conversation_topic(2))
            quiet = await anext(changes)
            await asyncio.to_thread(live.tell, conversation_topic(1))
            heard = await anext(changes)
            await changes.aclose()
            return [quiet, heard]

    assert asyncio.run(watched()) == [set(), {conversation_topic(1)}]


# --- forms ------------------------------------------------------------------------------------------


FORM = {"kind": "投诉", "text": "路灯坏了三天没人修", "contact": "13800001234", "name": "王女士"}


def test_a_form_makes_a_ticket_with_number_and_deadline(office: Office) -> None:
    browser = office.browser()
    assert "投诉" in browser.get("/feedback?kind=投诉").text
    answer = browser.post("/feedback", data=FORM)
    assert "已收到" in answer.text
    with office.hub.works.read() as work:
        ticket = work.session.scalars(select(Ticket)).one()
    assert ticket.number in answer.text
    assert f"{ticket.due_at:%Y-%m-%d}" == "2026-03-09"  # Five working days after Monday.
    shown = browser.get("/feedback/progress", params={"number": ticket.number.lower()}).text
    assert "待办理" in shown
    assert "路灯" not in shown
    assert "13800001234" not in shown


def test_danger_in_a_form_alarms_the_people_on_duty_and_names_the_numbers_to_call(office: Office) -> None:
    duty = office.hire("duty", "root", Role.AGENT)
    answer = office.browser().post("/feedback", data={**FORM, "text": "我不想活了，没有人管"})
    assert "12356" in answer.text
    assert "12356" not in office.browser().post("/feedback", data=FORM).text
    with office.hub.works.read() as work:
        first = work.session.scalars(select(Ticket).order_by(Ticket.id)).first()
        told = work.session.scalars(select(Notice).where(Notice.kind == "ticket.danger")).all()
    assert first is not None
    assert {one.link for one in told} == {f"/console/tickets/{first.id}"}
    assert duty.id in {one.person_id for one in told}


def test_danger_from_the_hotline_alarms_as_well(office: Office) -> None:
    hub = office.hub
    duty = office.hire("duty", "north", Role.AGENT)
    with hub.works.write() as work:
        case = Case("12345-1", "求助", "楼下着火了")
        intake.take(work, case, office.unit("north").id, hub.settings.office_zone)
    with hub.works.read() as work:
        told = dict(work.session.execute(select(Notice.person_id, Notice.title)).all())
    assert "着火" in told[duty.id]


def test_what_the_office_makes_for_itself_is_shown_to_nobody_outside(office: Office) -> None:
    hub = office.hub
    with hub.works.write() as work:
        made = tickets.make(
            work,
            unit_id=office.unit("north").id,
            kind="回访",
            text="市民评价“不满意”，请回访。电话 13812345678",
            zone=hub.settings.office_zone,
        )
        tickets.answer(work, made, "内部情况，不对外。")
    shown = office.browser().get("/feedback/progress", params={"number": made.number})
    assert shown.status_code == 404
    assert "内部情况" not in shown.text
    with hub.works.write() as work:
        assert phone_codes.of_phone(work.session, "13812345678") == []
        codes = Codes(hub.seal)
        assert codes.ask(work, made.number, "13812345678")
        assert work.session.scalars(select(PhoneCode.state)).one() == CodeState.NONE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "别的"}, "请选择类别"),
        ({"text": "短"}, "4 到"),
        ({"contact": ""}, "以便答复"),
        ({"website": "x"}, "无法识别"),
    ],
)
def test_a_form_keeps_what_was_typed_and_says_what_is_wrong(office: Office, change: dict[str, str], words: str) -> None:
    answer = office.browser().post("/feedback", data={**FORM, **change})
    assert answer.status_code == 422
    assert words in answer.text
    assert "王女士" in answer.text
    with office.hub.works.read() as work:
        assert work.session.scalars(select(Ticket)).all() == []


def test_an_error_of_the_site_names_its_page(office: Office) -> None:
    page = office.browser().get("/feedback?kind=找错", headers={"Referer": "http://testserver/zhinan/3.html"}).text
    assert 'value="http://testserver/zhinan/3.html"' in page
    foreign = office.browser().get("/feedback", headers={"Referer": "https://evil.example/"}).text
    assert "evil.example" not in foreign


def test_an_unknown_number_says_so_and_guessing_is_slow(office: Office, clock: StillClock) -> None:
    browser = office.browser()
    answer = browser.get("/feedback/progress?number=20260302-AAAAAA")
    assert answer.status_code == 404
    assert "没有找到" in answer.text
    codes = [browser.get(f"/feedback/progress?number={number}").status_code for number in range(25)]
    assert codes[-1] == 429


def sends_picture(visitor: Visitor, data: bytes, *, agreed: str = "true", key: str = "p1") -> Any:
    form = {"key": key, "agreed": agreed, "after": str(visitor.after)}
    files = {"file": ("路灯.png", data, "image/png")}
    return visitor.browser.post(f"/chat/{visitor.id}/pictures", data=form, files=files, headers=visitor.headers)


def test_a_picture_is_kept_once_and_shown_at_the_desk_and_with_the_ticket(visitor: Visitor) -> None:
    assert visitor.begins()["pictures"] == {"megabytes": 5.0}
    seen = sends_picture(visitor, picture_bytes()).json()
    assert (sides(seen), seen["lines"][0]["picture"]) == (["citizen", "bot"], True)
    sends_picture(visitor, picture_bytes())  # The page lost the answer and sends it again.
    office = visitor.office
    agent = office.log_in("agent")
    with office.hub.works.write() as work:
        (file,) = work.session.scalars(select(CitizenFile)).all()
        ticket = tickets.make(
            work, unit_id=visitor.conversation().unit_id, kind="求助", text="路灯坏了",
            zone=office.hub.settings.office_zone, conversation_id=visitor.id,
        )  # fmt: skip
    assert f'src="/console/citizen-files/{file.id}"' in agent.get(f"/console/desk/{visitor.id}").text
    assert f'src="/console/tickets/{ticket.id}/files/{file.id}"' in agent.get(f"/console/tickets/{ticket.id}").text
    for address in (f"/console/citizen-files/{file.id}", f"/console/tickets/{ticket.id}/files/{file.id}"):
        shown = agent.get(address)
        assert (shown.status_code, shown.headers["content-type"]) == (200, file.media_type)
        assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert shown.headers["cross-origin-resource-policy"] == "same-origin"
    assert agent.get(f"/console/tickets/{ticket.id}/files/{file.id + 1}").status_code == 404


@pytest.mark.parametrize(
    ("data", "agreed", "field"),
    [
        (picture_bytes(), "false", "agreed"),
        (b"<script>alert(1)</script>", "true", "file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(5_100_000), "true", "file"),
    ],
)
def test_a_picture_that_may_not_come_is_refused_with_its_reason_and_nothing_is_kept(
    visitor: Visitor, data: bytes, agreed: str, field: str
) -> None:
    visitor.begins()
    answer = sends_picture(visitor, data, agreed=agreed)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert visitor.conversation().lines == 1
    visitor.token = "of somebody else"
    assert sends_picture(visitor, picture_bytes()).status_code == 404
