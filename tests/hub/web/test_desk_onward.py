"""转其他单位 on the page and by the API: offered with who is there, refused with the reason, gone from the first."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bot.models import Conversation
from bot.states import ConversationState
from hub.web.audit_log import AuditLine
from kernel.people import Role
from tests.hub.web.test_api_desk import live, program
from tests.hub.web.test_desk import LiveDesk, unread

__all__ = ["live"]
S = ConversationState
NOTE = "问提取，已核对身份。"


@pytest.fixture
def both(live: LiveDesk) -> LiveDesk:
    """The same with somebody at the desk of the south."""
    live.office.desk_of("south").send_form("/console/shifts/presence", state="on")
    return live


def sent(live: LiveDesk, number: int, **form: str) -> Any:
    south = str(live.office.unit("south").id)
    return live.agent.send_form(f"/console/desk/{number}/forward", **{"to": south, "note": NOTE, **form})


def test_a_conversation_goes_to_the_other_desk_and_is_gone_from_this_one(both: LiveDesk) -> None:
    number = both.hears("人工")
    both.agent.send_form(f"/console/desk/{number}/take")
    page = both.agent.get(f"/console/desk/{number}").text
    assert f'hx-get="/console/desk/{number}/desks"' in page
    part = both.agent.get(f"/console/desk/{number}/desks", headers={"hx-request": "true"}).text
    assert "1 人在岗，0 位在等" in part
    assert "<html" not in part
    assert sent(both, number).headers["location"] == "/console/desk"
    assert both.agent.get("/console/desk").text.count(f"/console/desk/{number}") == 0
    for path in ("", "/talk", "/desks", "/suggestions"):
        assert both.agent.get(f"/console/desk/{number}{path}").status_code == 404, path
    for answer in (
        both.agent.get(f"/console/desk/{number}/talk"),
        both.agent.post(
            f"/console/desk/{number}/answer",
            data={"csrf": both.agent.csrf, "text": "晚了"},
            headers={"hx-request": "true"},
        ),
        both.agent.get(f"/console/desk/{number + 1000}/talk"),
    ):
        assert "data-gone" in answer.text  # A stranger does not read which of them is whose.
        assert (answer.status_code, answer.headers["hx-reswap"]) == (404, "outerHTML")
    late = both.agent.send_form(f"/console/desk/{number}/answer", text="晚了")
    assert late.status_code == 404
    assert "data-gone" not in late.text
    south = both.office.desk_of("south")
    whole = south.get(f"/console/desk/{number}").text
    for words in ("人工", NOTE, "转来", "其他单位转来", "已转由"):
        assert words in whole, words
    assert [one.title for one in unread(both, "south", number)] == ["市民等待接入：其他单位转来"]
    assert unread(both, "agent", number) == unread(both, "other", number) == []
    with both.office.hub.works.read() as work:
        line = work.session.scalars(select(AuditLine).where(AuditLine.act == "conversation.forwarded")).one()
        assert line.actor_id == both.office.person("agent").id
    south.send_form(f"/console/desk/{number}/answer", text="您好，请讲。")
    assert both.conversation(number).agent_id == both.office.person("south").id


def test_what_stands_in_the_way_is_told_beside_its_field_with_the_ticket_way(live: LiveDesk) -> None:
    number = live.hears("人工")
    live.agent.send_form(f"/console/desk/{number}/take")
    assert "无人在岗" in live.agent.get(f"/console/desk/{number}/desks").text
    refused = sent(live, number)
    assert refused.status_code == 422
    assert 'id="forward-to-error"' in refused.text
    assert "现在没有坐席在岗" in refused.text
    assert f"/console/desk/{number}#make-ticket" in refused.text
    assert NOTE in refused.text
    for form in ({"to": "x"}, {"to": ""}, {"note": ""}):
        assert sent(live, number, **form).status_code == 422
    found = live.conversation(number)
    assert (found.unit_id, found.state) == (live.office.unit("north").id, S.OPEN)


def test_a_colleagues_conversation_is_passed_on_by_him_or_the_shift_leader(both: LiveDesk) -> None:
    number = both.hears("人工")
    both.office.desk_of("other").send_form(f"/console/desk/{number}/take")
    assert "由其本人或班长转出" in both.agent.get(f"/console/desk/{number}/desks").text
    assert sent(both, number).status_code == 409
    both.office.hire("leader", "north", Role.SUPERVISOR)
    leader = both.office.desk_of("leader")
    south = str(both.office.unit("south").id)
    assert leader.send_form(f"/console/desk/{number}/forward", to=south, note=NOTE).status_code == 303


def test_a_program_does_it_as_the_page_does(both: LiveDesk) -> None:
    agent, south = program(both, "agent"), program(both, "south")
    number, unit = both.hears("人工"), both.office.unit("south").id
    address = f"/conversations/{number}"
    agent("POST", f"{address}/take")
    [desk] = agent("GET", f"{address}/desks").json()
    assert (desk["unit"], desk["there"], desk["waiting"], desk["shut"]) == (unit, 1, 0, "")
    short = agent("POST", f"{address}/forward", to=unit, note="")
    assert (short.status_code, short.json()["field"]) == (422, "note")
    assert agent("POST", f"{address}/forward", to=unit, note=NOTE).json() == {"unit": unit, "name": "南区", "ahead": 0}
    assert agent("GET", address).status_code == 404
    assert south("GET", address).json()["said"][-1]["text"].startswith("您的事项已转由")
    both.office.desk_of("south").send_form("/console/shifts/presence", state="away")
    with both.office.hub.works.write() as work:
        work.session.get_one(Conversation, number).unit_id = both.office.unit("north").id
    refused = agent("POST", f"{address}/forward", to=unit, note=NOTE)
    assert (refused.status_code, refused.json()["error"], refused.json()["field"]) == (422, "DeskUnattended", "to")
