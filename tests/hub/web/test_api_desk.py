"""The API of the live desk and the tickets: as the console's desk, for a program with an agent's token."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bot import tickets
from bot.models import OutboundReply, Ticket
from bot.states import ConversationState, ReplyState
from hub.auth import tokens
from kernel.clock import StillClock
from kernel.people import Role
from tests.bot.citizens import ToldEngine, wechat_account
from tests.hub.office import Office
from tests.hub.web.test_desk import LiveDesk


@pytest.fixture
def live(office: Office, clock: StillClock) -> LiveDesk:
    """The north unit's desk with two agents, and somebody of the south."""
    hub, engine = office.hub, ToldEngine()
    hub.incoming.engine = hub.incoming.answering.engine = engine
    for login in ("agent", "other"):
        office.hire(login, "north", Role.AGENT)
    office.hire("officer", "north", Role.OFFICER)
    office.hire("head", "north", Role.HEAD)
    office.hire("south", "south", Role.AGENT)
    with hub.works.write() as work:
        account = wechat_account(work, hub.seal, office.unit("north").id)
    return LiveDesk(office, clock, engine, account.id)


def program(live: LiveDesk, login: str) -> Any:
    """Asks the API as that person's program."""
    with live.office.hub.works.write() as work:
        _token, text = tokens.create(work, live.office.person(login), "probe")
    browser, head = live.office.browser(), {"Authorization": f"Bearer {text}"}

    def call(method: str, path: str, **sent: Any) -> Any:
        return browser.request(method, f"/api/v1{path}", headers=head, json=sent or None)

    return call


def test_a_conversation_is_taken_answered_noted_and_closed(live: LiveDesk) -> None:
    agent, other = program(live, "agent"), program(live, "other")
    number = live.hears("人工")
    address = f"/conversations/{number}"
    assert [one["id"] for one in agent("GET", "/conversations/desk").json()["waiting"]] == [number]
    taken = agent("POST", f"{address}/take").json()
    assert (taken["state"], taken["agent"]) == ("open", live.office.person("agent").id)
    late = other("POST", f"{address}/take")
    assert (late.status_code, late.json()["error"]) == (409, "TakenAlready")
    for _ in range(2):  # A program that did not hear of its answer sends it again.
        said = agent("POST", f"{address}/answer", text="请带身份证到窗口。", key="a1").json()["said"]
    endless = agent("POST", f"{address}/answer", text="您好。", key="a" * 61)
    assert (endless.status_code, endless.json()["field"]) == (422, "key")
    assert [line["text"] for line in said if line["side"] == "agent"] == ["请带身份证到窗口。"]
    agent("POST", f"{address}/note", text="已核实")
    newest = agent("GET", f"{address}?after={said[-1]['number']}").json()["said"]
    assert [(line["side"], line["text"]) for line in newest] == [("note", "已核实")]
    desk = other("GET", "/conversations/desk").json()
    assert ([one["id"] for one in desk["team"]], desk["mine"]) == ([number], [])
    short = agent("POST", f"{address}/close", summary=" ")
    assert (short.status_code, short.json()["field"]) == (422, "summary")
    assert agent("POST", f"{address}/close", summary="已告知材料").json()["state"] == "closed"
    assert agent("POST", f"{address}/answer", text="还有").status_code == 409
    assert agent("GET", "/conversations?state=closed").json()["total"] == 1


def test_a_conversation_is_put_off_and_given_on(live: LiveDesk) -> None:
    agent = program(live, "agent")
    number = live.hears("人工")
    address = f"/conversations/{number}"
    off = agent("POST", f"{address}/snooze", minutes=45).json()
    assert (off["state"], off["agent"]) == ("snoozed", live.office.person("agent").id)
    for to in (live.office.person("officer").id, 999_999):
        refused = agent("POST", f"{address}/transfer", to=to)
        assert refused.json()["field"] == "to", refused.text
        assert refused.status_code in (409, 422)
    nobody = agent("POST", f"{address}/transfer", reason="忙")
    assert (nobody.status_code, nobody.json()["field"]) == (422, "to")
    given = agent("POST", f"{address}/transfer", to=live.office.person("other").id, reason="他熟悉").json()
    assert given["agent"] == live.office.person("other").id
    back = program(live, "other")("POST", f"{address}/transfer", to=None, reason="下班").json()
    assert (back["state"], back["agent"]) == ("waiting", None)


def test_a_transfer_to_nobody_known_is_refused_in_the_console_too(live: LiveDesk) -> None:
    number = live.hears("人工")
    live.agent.send_form(f"/console/desk/{number}/take")
    refused = live.agent.send_form(f"/console/desk/{number}/transfer", to="小王", reason="请他答")
    assert refused.status_code == 422
    assert live.conversation(number).state == ConversationState.OPEN
    live.agent.send_form(f"/console/desk/{number}/transfer", to="", reason="下班")
    assert live.conversation(number).state == ConversationState.WAITING


def test_a_lost_reply_is_sent_again_by_a_person_only(live: LiveDesk) -> None:
    agent = program(live, "agent")
    number = live.hears("人工")
    agent("POST", f"/conversations/{number}/answer", text="请带身份证。")
    with live.office.hub.works.write() as work:
        lost = work.session.scalars(select(OutboundReply).where(OutboundReply.side == "agent")).one()
        lost.state, lost.reason, lost.claimed_by = ReplyState.UNKNOWN, "断线", None
    assert agent("POST", f"/conversations/{number}/again", reply=lost.id).status_code == 201
    assert agent("POST", f"/conversations/{number}/again", reply=999_999).status_code == 404


def test_another_unit_and_another_role_see_nothing(live: LiveDesk) -> None:
    number = live.hears("人工")
    south = program(live, "south")
    assert south("GET", f"/conversations/{number}").status_code == 404
    assert south("GET", "/conversations").json()["total"] == 0
    assert south("GET", "/conversations/desk").json() == {"waiting": [], "mine": [], "team": []}
    assert program(live, "officer")("GET", f"/conversations/{number}").status_code == 403


def test_a_ticket_is_answered_and_closed(live: LiveDesk) -> None:
    hub, agent = live.office.hub, program(live, "agent")
    with hub.works.write() as work:
        zone = hub.settings.office_zone
        north = live.office.unit("north").id
        made = tickets.make(work, unit_id=north, kind="咨询", text="路灯坏了三天", zone=zone)
    address = f"/tickets/{made.id}"
    assert [one["number"] for one in agent("GET", "/tickets?state=open").json()["tickets"]] == [made.number]
    assert agent("GET", "/tickets?state=late").json()["total"] == 0
    assert agent("POST", f"{address}/close").status_code == 409
    empty = agent("POST", f"{address}/answer", answer=" ")
    assert (empty.status_code, empty.json()["field"]) == (422, "answer")
    waits = agent("POST", f"{address}/answer", answer="已修复。").json()
    assert (waits["state"], waits["answer"], waits["by"]) == ("signing", "", "waits")
    assert agent("POST", f"{address}/sign").status_code == 403
    told = program(live, "head")("POST", f"{address}/sign").json()
    assert (told["state"], told["answer"], told["by"]) == ("answered", "已修复。", "")
    assert agent("POST", f"{address}/close").json()["state"] == "closed"
    assert program(live, "south")("GET", address).status_code == 404
    assert program(live, "officer")("POST", f"{address}/close").status_code == 403


def test_two_are_merged_put_off_until_a_word_and_separated(live: LiveDesk) -> None:
    agent, south = program(live, "agent"), program(live, "south")
    first, second = live.hears("人工", "oFirst"), live.hears("人工", "oSecond")
    agent("POST", f"/conversations/{first}/take")
    sent = {"other": second, "reason": "两次留了同一电话"}
    assert south("POST", f"/conversations/{first}/merge", **sent).status_code == 404
    assert agent("POST", f"/conversations/{first}/merge", **{**sent, "other": first}).status_code == 409
    assert agent("POST", f"/conversations/{first}/merge", **sent).status_code == 200
    put_off = agent("POST", f"/conversations/{first}/snooze", word=True).json()
    assert (put_off["state"], put_off["snoozed_until"]) == ("snoozed", None)
    until = agent("POST", f"/conversations/{first}/snooze", until="2026-03-02T12:00:00+08:00").json()
    assert until["snoozed_until"].startswith("2026-03-02T04:00")
    assert agent("POST", f"/conversations/{first}/snooze", until="2026-02-02T12:00:00+08:00").json()["field"] == "until"
    assert agent("POST", f"/conversations/{second}/separate").status_code == 200
    assert agent("POST", f"/conversations/{second}/separate").status_code == 409


def test_a_call_is_recorded_once_and_a_visit_of_another_unit_is_not(live: LiveDesk) -> None:
    agent = program(live, "agent")
    call = {"channel": "phone", "said": "路灯坏了", "phone": "13812345678", "name": "王女士", "key": "k"}
    made = agent("POST", "/conversations", **call)
    assert (made.status_code, made.json()["state"], made.json()["channel"]) == (201, "open", "phone")
    assert agent("POST", "/conversations", **call).json()["id"] == made.json()["id"]
    assert agent("POST", "/conversations", **call, unit=live.office.unit("south").id).status_code == 404


def test_a_call_is_written_down_at_the_desk_and_becomes_a_ticket(live: LiveDesk) -> None:
    agent = live.agent
    assert "登记来电来访" in agent.get("/console/desk").text
    wrong = agent.send_form("/console/desk/record", channel="phone", said="路灯坏了", phone="请回电")
    assert (wrong.status_code, "路灯坏了" in wrong.text, "请填写电话号码" in wrong.text) == (422, True, True)
    form = {"channel": "phone", "said": "路灯坏了", "told": "已登记。", "phone": "13812345678", "name": "王女士"}
    address = agent.send_form("/console/desk/record", **form).headers["location"].partition("?")[0]
    page = agent.get(address).text
    assert "已登记。" in page
    assert "来电" in page
    assert 'id="answer"' not in page
    assert "王女士" not in agent.get("/console/desk").text
    agent.send_form(f"{address}/ticket", kind="投诉")
    with live.office.hub.works.read() as work:
        made = work.session.scalars(select(Ticket)).one()
    assert (made.name, made.contact) == ("王女士", "13812345678")


def test_a_ticket_sent_twice_under_one_key_is_one(live: LiveDesk) -> None:
    live.office.hire("late", "north", Role.AGENT)
    agent, other = program(live, "agent"), program(live, "late")
    sent = {"kind": "求助", "text": "路灯坏了三天", "key": "call-7"}
    first, again = agent("POST", "/tickets", **sent), agent("POST", "/tickets", **sent | {"text": "路灯还没修"})
    assert (again.status_code, again.json()["number"]) == (201, first.json()["number"])
    assert other("POST", "/tickets", **sent).json()["number"] != first.json()["number"]
    assert agent("POST", "/tickets", **sent | {"key": ""}).json()["number"] != first.json()["number"]
    with live.office.hub.works.read() as work:
        assert len(work.session.scalars(select(Ticket)).all()) == 3


def test_a_ticket_is_made_of_another_kind_and_merged(live: LiveDesk) -> None:
    agent = program(live, "agent")
    made = agent("POST", "/tickets", kind="投诉", text="路灯坏了三天", contact="13800001111", name="李先生")
    assert (made.status_code, made.json()["kind"], made.json()["unit"]) == (201, "投诉", live.office.unit("north").id)
    ticket = made.json()
    for sent, field in (({"kind": "回访", "text": "路灯坏了"}, "kind"), ({"kind": "咨询", "text": " "}, "text")):
        refused = agent("POST", "/tickets", **sent)
        assert (refused.status_code, refused.json()["field"]) == (422, field)
    south = live.office.unit("south").id
    assert agent("POST", "/tickets", kind="咨询", text="路灯坏了", unit=south).status_code == 404
    assert program(live, "officer")("POST", "/tickets", kind="咨询", text="路灯坏了").status_code == 403
    changed = agent("POST", f"/tickets/{ticket['id']}/kind", kind="建议", reason="只是提议").json()
    assert changed["kind"] == "建议"
    assert changed["due_at"] > ticket["due_at"]
    main = agent("POST", "/tickets", kind="建议", text="多装路灯").json()
    merged = agent("POST", f"/tickets/{ticket['id']}/merge", main=main["number"], reason="同一盏路灯").json()
    assert merged["main"] == main["id"]
    nowhere = agent("POST", f"/tickets/{main['id']}/merge", main="20260302-AAAAAA", reason="同一盏路灯")
    assert nowhere.json()["field"] == "main"
    assert agent("POST", f"/tickets/{ticket['id']}/separate").json()["main"] is None
    assert agent("POST", f"/tickets/{ticket['id']}/separate").status_code == 409


def test_a_conversation_becomes_a_ticket_and_ends_with_its_class(live: LiveDesk) -> None:
    boss = live.office.hire("boss", "north", Role.SUPERVISOR)
    agent, supervisor = program(live, "agent"), program(live, boss.login)
    number = live.hears("人工")
    made = agent("POST", f"/conversations/{number}/ticket", kind="表扬", text="窗口的小王很热心").json()
    assert (made["kind"], made["conversation"]) == ("表扬", number)
    told = agent("GET", f"/conversations/{number}").json()["said"]
    assert made["number"] in told[-1]["text"], "the citizen is told its number"
    assert agent("POST", f"/conversations/{number}/ticket", kind="整改").json()["field"] == "kind"
    top = supervisor("POST", "/classes", name="城市管理").json()
    leaf = supervisor("POST", "/classes", name="路灯", parent=top["id"]).json()
    assert (leaf["path"], leaf["level"], leaf["leaf"]) == ("城市管理 / 路灯", 2, True)
    listed = agent("GET", "/classes").json()["classes"]
    assert [(one["path"], one["leaf"]) for one in listed] == [("城市管理", False), ("城市管理 / 路灯", True)]
    assert agent("POST", "/classes", name="供水").status_code == 403
    assert agent("GET", f"/classes?unit={live.office.unit('south').id}").status_code == 404
    agent("POST", f"/conversations/{number}/take")
    closing = f"/conversations/{number}/close"
    refused = agent("POST", closing, summary="已登记", class_id=leaf["id"], service="没有这一项")
    assert (refused.status_code, refused.json()["field"]) == (422, "service")
    assert agent("POST", closing, summary="已登记", class_id=top["id"]).json()["field"] == "class_id"
    assert agent("POST", closing, summary="已登记", class_id=leaf["id"]).json()["state"] == "closed"
    assert supervisor("POST", f"/classes/{top['id']}/remove").status_code == 200
    assert agent("GET", "/classes").json()["classes"] == []
