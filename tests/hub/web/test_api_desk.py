"""The API of the live desk and the tickets: as the console's desk, for a program with an agent's token."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bot import tickets
from bot.models import OutboundReply
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
    said = agent("POST", f"{address}/answer", text="请带身份证到窗口。").json()["said"]
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
