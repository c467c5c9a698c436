"""The API of 班次 and 交接班: a plan, a spell at the desk and a hand-over, by the same rules as on the page."""

from __future__ import annotations

from typing import Any

import pytest

from bot import gateway
from bot.models import Conversation
from bot.states import ConversationState
from hub.auth import tokens
from kernel.clock import StillClock
from kernel.people import Role
from tests.hub.office import Office


@pytest.fixture
def staffed(office: Office) -> Office:
    """Two agents and a supervisor of one unit, and an agent of another."""
    for login, unit, role in (
        ("first", "north", Role.AGENT), ("second", "north", Role.AGENT), ("boss", "north", Role.SUPERVISOR),
        ("south", "south", Role.AGENT), ("head", "south", Role.SUPERVISOR),
    ):  # fmt: skip
        office.hire(login, unit, role)
    return office


def program(office: Office, login: str) -> Any:
    """Asks the API as that person's program."""
    with office.hub.works.write() as work:
        _token, text = tokens.create(work, office.person(login), "probe")
    browser, head = office.browser(), {"Authorization": f"Bearer {text}"}

    def call(method: str, path: str, **sent: Any) -> Any:
        return browser.request(method, f"/api/v1{path}", headers=head, json=sent or None)

    return call


def test_a_supervisor_plans_and_agents_read(staffed: Office, clock: StillClock) -> None:
    boss, first, south, head = (program(staffed, login) for login in ("boss", "first", "south", "head"))
    day = clock.now().date().isoformat()
    assert first("POST", "/shifts", name="早班", begins="09:00", ends="12:00").status_code == 403
    refused = boss("POST", "/shifts", name="早班", begins="9点", ends="12:00")
    assert (refused.status_code, refused.json()["field"]) == (422, "begins")
    elsewhere = boss("POST", "/shifts", unit=staffed.unit("south").id, name="早班", begins="09:00", ends="12:00")
    assert (elsewhere.status_code, elsewhere.json()["field"]) == (404, "unit")
    shift = boss("POST", "/shifts", name="早班", begins="09:00", ends="12:00").json()
    assert first("GET", "/shifts").json() == {"unit": staffed.unit("north").id, "shifts": [shift]}
    assert south("GET", "/shifts").json()["shifts"] == []
    assert south("GET", f"/shifts?unit={staffed.unit('north').id}").status_code == 404
    span: dict[str, Any] = {"first": day, "last": day, "workdays_only": False}
    nobody = boss("POST", f"/shifts/{shift['id']}/turns", people=[staffed.person("south").id], **span)
    assert (nobody.status_code, nobody.json()["field"]) == (422, "people")
    people = [staffed.person("first").id, staffed.person("second").id]
    assert boss("POST", f"/shifts/{shift['id']}/turns", people=people, **span).json() == {"made": 2}
    assert boss("POST", f"/shifts/{shift['id']}/turns", people=people, **span).json() == {"made": 0}
    for far in ("9999-12-31", "2201-01-01", "0001-01-01"):
        beyond = boss("POST", f"/shifts/{shift['id']}/turns", people=people, first=far, last=far)
        asked = first("GET", f"/turns?first={far}&last={far}")
        assert [(one.status_code, one.json()["field"]) for one in (beyond, asked)] == [(422, "first")] * 2
    turns = first("GET", f"/turns?first={day}&last={day}").json()["turns"]
    assert {turn["person"] for turn in turns} == set(people)
    assert (turns[0]["day"], turns[0]["starts_at"]) == (day, f"{day}T01:00:00+00:00")
    assert first("GET", f"/turns?first={day}&last=2030-01-01").json()["field"] == "last"
    assert first("GET", f"/turns?first={day}&last=2000-01-01").json()["field"] == "last"
    assert head("POST", f"/turns/{turns[0]['id']}/remove").status_code == 404
    assert boss("POST", f"/turns/{turns[0]['id']}/remove").json() == {"done": True}
    assert len(first("GET", f"/turns?first={day}&last={day}").json()["turns"]) == 1
    assert boss("POST", f"/shifts/{shift['id']}/remove").json() == {"done": True}
    assert boss("POST", f"/shifts/{shift['id']}/remove").status_code == 404
    assert first("GET", "/shifts").json()["shifts"] == []


def test_an_agent_comes_rests_and_hands_over(staffed: Office) -> None:
    first, second, south, boss = (program(staffed, login) for login in ("first", "second", "south", "boss"))
    here = first("POST", "/presence", state="on").json()
    assert (here["own"]["state"], [one["person"] for one in here["there"]]) == ("on", [staffed.person("first").id])
    assert first("POST", "/presence", state="break", reason="钓鱼").json()["field"] == "reason"
    assert first("POST", "/presence", state="gone").status_code == 422
    rests = first("POST", "/presence", state="break", reason="用餐").json()["own"]
    assert (rests["state"], rests["reason"], rests["until"] > rests["since"]) == ("break", "用餐", True)
    assert boss("GET", "/presence").json()["there"][0]["reason"] == "用餐"
    with staffed.hub.works.write() as work:
        unit = staffed.unit("north").id
        talk = gateway.begin(work, unit_id=unit, account_id=None, channel="portal", sender="probe")
        talk.state, talk.agent_id = ConversationState.OPEN, staffed.person("first").id
        number = talk.id
    assert first("POST", "/handovers", to=staffed.person("south").id, note="x").json()["field"] == "to"
    made = first("POST", "/handovers", to=staffed.person("second").id, note="等住建局回电").json()
    assert (made["conversations"], made["note"], made["taken_by"]) == ([number], "等住建局回电", None)
    with staffed.hub.works.read() as work:
        assert work.session.get_one(Conversation, number).agent_id == staffed.person("second").id
    assert second("GET", "/handovers").json()["handovers"] == [made]
    assert second("GET", f"/handovers/{made['id']}").json() == made
    assert boss("GET", "/handovers").json()["handovers"] == []
    for method, path in (("GET", ""), ("POST", "/take")):
        assert south(method, f"/handovers/{made['id']}{path}").status_code == 404
    assert first("POST", f"/handovers/{made['id']}/take").status_code == 404
    assert second("POST", f"/handovers/{made['id']}/take").json()["taken_by"] == staffed.person("second").id
    again = second("POST", f"/handovers/{made['id']}/take")
    assert (again.status_code, again.json()["error"]) == (409, "TakenOver")
    assert first("POST", "/handovers", note="").json()["error"] == "NothingToHandOver"
    assert first("POST", "/presence", state="away").json()["own"]["state"] == "away"


def test_the_supervisors_program_says_what_agents_know(staffed: Office) -> None:
    boss, first, head = (program(staffed, login) for login in ("boss", "first", "head"))
    agent, unit = staffed.person("first").id, staffed.unit("north").id
    assert first("POST", "/agent-topics", person=agent, topics=["户籍"]).status_code == 403
    assert head("POST", "/agent-topics", person=agent, topics=["户籍"]).json()["field"] == "person"
    elsewhere = head("POST", "/agent-topics", unit=unit, person=agent, topics=["户籍"])
    assert (elsewhere.status_code, elsewhere.json()["field"]) == (404, "unit")
    refused = boss("POST", "/agent-topics", person=agent, topics=["长" * 41])
    assert (refused.status_code, refused.json()["field"]) == (422, "topics")
    known = {"unit": unit, "agents": [{"person": agent, "topics": ["户籍", "社保"]}]}
    assert boss("POST", "/agent-topics", person=agent, topics=["户籍", "社保"]).json() == known
    assert first("GET", "/agent-topics").json() == known
