"""Danger in a ticket as people see it: on its page, in the list, in their notices and by the API, until 已处置."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bot import tickets
from hub.auth import tokens
from hub.lookout import TELLING
from hub.notices import Notice
from kernel.clock import StillClock
from kernel.people import Role
from tests.hub.office import Office

LIST = "/console/tickets"
SEEN = "已处置，停止告警"


@pytest.fixture
def address(office: Office) -> str:
    """The page of a ticket that speaks of danger, in the north."""
    for login, unit, role in (
        ("agent", "north", Role.AGENT), ("boss", "north", Role.SUPERVISOR), ("manager", "north", Role.MANAGER),
        ("south", "south", Role.AGENT),
    ):  # fmt: skip
        office.hire(login, unit, role)
    zone = office.hub.settings.office_zone
    with office.hub.works.write() as work:
        made = tickets.make(work, unit_id=office.unit("north").id, kind="求助", text="楼下着火了没人管", zone=zone)
        tickets.make(work, unit_id=office.unit("north").id, kind="求助", text="路灯坏了三天", zone=zone)
    return f"{LIST}/{made.id}"


def again(office: Office) -> None:
    """What tells of such danger looks once."""
    for duty in office.hub.duties:
        if duty.name == "tickets.danger":
            duty.run()


def titles(office: Office, login: str) -> list[str]:
    """What somebody was told of danger, in order."""
    with office.hub.works.read() as work:
        query = select(Notice.title).where(Notice.kind == "ticket.danger", Notice.person_id == office.person(login).id)
        return list(work.session.scalars(query.order_by(Notice.id)))


def test_it_is_told_until_a_person_presses_that_he_sees_to_it(office: Office, address: str, clock: StillClock) -> None:
    clock.step(minutes=2)
    again(office)
    first, second = titles(office, "agent")
    assert "着火" in first
    assert "第 2 次告警" in second
    assert len(titles(office, "boss")) == 2
    assert titles(office, "south") == []
    agent, manager = office.desk_of("agent"), office.desk_of("manager")
    assert SEEN in agent.get(address).text
    assert "工单中有“着火”" in manager.get(address).text
    assert SEEN not in manager.get(address).text
    assert manager.send_form(f"{address}/acknowledge").status_code == 403
    assert office.desk_of("south").send_form(f"{address}/acknowledge").status_code == 404
    assert agent.send_form(f"{address}/acknowledge").headers["location"] == address
    clock.step(minutes=20)
    again(office)
    assert len(titles(office, "agent")) == 2
    shown = agent.get(address).text
    assert SEEN not in shown
    assert "已处置紧急情况" in shown


def test_the_list_shows_what_nobody_sees_to(office: Office, address: str) -> None:
    agent = office.desk_of("agent")
    urgent = agent.get(f"{LIST}?state=danger").text
    assert address in urgent
    assert "路灯" not in urgent
    assert "紧急</span>" in urgent
    agent.send_form(f"{address}/acknowledge")
    assert address not in agent.get(f"{LIST}?state=danger").text


def test_a_program_sees_it_and_says_that_it_is_seen_to(office: Office, address: str) -> None:
    with office.hub.works.write() as work:
        _token, text = tokens.create(work, office.person("agent"), "probe")
    browser, head = office.browser(), {"Authorization": f"Bearer {text}"}

    def call(method: str, path: str) -> Any:
        return browser.request(method, f"/api/v1{path}", headers=head).json()

    (told,) = call("GET", "/tickets?state=danger")["tickets"]
    assert (told["urgent"], call("GET", "/tickets")["total"]) == (True, 2)
    for _time in range(2):
        assert call("POST", f"/tickets/{told['id']}/acknowledge")["urgent"] is False
    assert call("GET", "/tickets?state=danger")["total"] == 0


def test_it_is_told_also_where_nothing_sends(office: Office) -> None:
    assert "tickets.danger" in {duty.name for duty in office.hub.duties} & set(TELLING)
