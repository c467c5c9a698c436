"""The API of 快捷回复: who sees which, who approves, and what is refused with its field named."""

from __future__ import annotations

from typing import Any

import pytest

from hub.auth import tokens
from kernel.people import Grant, Role
from tests.hub.office import Office

WORDS = {"title": "告知", "code": "gd", "text": "由{部门}办理。"}


@pytest.fixture
def staffed(office: Office) -> Office:
    """Agents of two units and a supervisor of the first."""
    office.hire("agent", "north", Role.AGENT)
    office.hire("other", "north", Role.AGENT)
    office.hire("boss", "north", Role.SUPERVISOR)
    office.hire("south", "south", Role.AGENT)
    return office


def program(office: Office, login: str) -> Any:
    """Asks the API as that person's program."""
    with office.hub.works.write() as work:
        _token, text = tokens.create(work, office.person(login), "probe")
    browser, head = office.browser(), {"Authorization": f"Bearer {text}"}

    def call(method: str, path: str = "", **sent: Any) -> Any:
        return browser.request(method, f"/api/v1/quick-replies{path}", headers=head, json=sent or None)

    return call


def test_a_unit_s_reply_serves_once_another_has_approved_it(staffed: Office) -> None:
    agent, boss, south = (program(staffed, login) for login in ("agent", "boss", "south"))
    made = agent("POST", unit=staffed.unit("north").id, **WORDS)
    assert made.status_code == 201
    reply = made.json()
    assert (reply["own"], reply["approved"], reply["text"]) == (False, False, "由{部门}办理。")
    assert [one["id"] for one in boss("GET", "?show=waiting").json()["replies"]] == [reply["id"]]
    assert agent("POST", f"/{reply['id']}/approve").status_code == 403
    assert boss("POST", f"/{reply['id']}/approve").json()["approved"] is True
    twice = boss("POST", f"/{reply['id']}/approve")
    assert (twice.status_code, twice.json()["error"]) == (409, "WrongState")
    # Changed words are new words.
    assert agent("PUT", f"/{reply['id']}", **{**WORDS, "text": "请到窗口办理。"}).json()["approved"] is False
    assert south("GET").json()["total"] == 0
    for method, path in (("GET", ""), ("PUT", ""), ("POST", "/remove")):
        assert south(method, f"/{reply['id']}{path}", **(WORDS if method == "PUT" else {})).status_code == 404
    assert agent("POST", f"/{reply['id']}/remove").json() == {"done": True}
    assert agent("GET", f"/{reply['id']}").status_code == 404


def test_who_answers_for_another_unit_than_his_own_keeps_his_words_there(office: Office) -> None:
    person = office.hire("agent", "north")
    with office.hub.works.write() as work:
        work.session.add(Grant(person_id=person.id, role=Role.AGENT.value, unit_id=office.unit("south").id))
    own = program(office, "agent")("POST", **WORDS)
    assert (own.status_code, own.json()["unit"]) == (201, office.unit("south").id)


def test_one_s_own_reply_serves_at_once_and_is_nobody_else_s(staffed: Office) -> None:
    agent, other = program(staffed, "agent"), program(staffed, "other")
    own = agent("POST", **WORDS).json()
    assert (own["own"], own["approved"]) == (True, True)
    assert [one["id"] for one in agent("GET", "?show=own").json()["replies"]] == [own["id"]]
    assert (agent("GET", "?show=unit").json()["total"], other("GET").json()["total"]) == (0, 0)
    assert other("GET", f"/{own['id']}").status_code == 404


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"text": "{单号}已登记"}, "text"),
        ({"code": "办结"}, "code"),
        ({"title": " "}, "title"),
        ({"unit": 10**9}, "unit"),
    ],
)
def test_what_cannot_be_kept_names_its_field(staffed: Office, changed: dict[str, Any], field: str) -> None:
    refused = program(staffed, "agent")("POST", **{**WORDS, **changed})
    assert refused.status_code in (404, 422)
    assert refused.json()["field"] == field
