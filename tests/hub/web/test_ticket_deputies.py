"""A head's deputy without any role of his own reads and signs the answer that waits, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import tickets
from bot.casework import signing
from bot.models import Ticket
from bot.states import TicketState
from hub.auth import tokens
from kernel.clock import StillClock
from tests.hub.web.newsroom import Newsroom, open_newsroom


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    """A ticket of the bureau, whose answer waits for its manager, and another that does not."""
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        with room.hub.works.write() as work:
            about = {"unit_id": room.office.bureau.id, "kind": "投诉", "zone": room.hub.settings.office_zone}
            signing.submit(work, tickets.make(work, text="路灯坏了", **about), "已修复。")
            tickets.make(work, text="井盖坏了", **about)
        yield room


def test_the_deputy_signs_what_waits_and_sees_nothing_else(room: Newsroom) -> None:
    browser = room.desk_of("deputy")
    assert browser.get("/console/tickets/1").status_code == 403
    room.office.depute("manager", "deputy")
    page = browser.get("/console/tickets/1")
    assert (page.status_code, "/console/tickets/1/sign" in page.text) == (200, True)
    assert browser.get("/console/tickets/2").status_code == 404
    assert browser.send_form("/console/tickets/1/sign").headers["location"] == "/console"
    with room.hub.works.read() as work:
        assert work.session.get_one(Ticket, 1).state == TicketState.ANSWERED
    assert browser.get("/console/tickets/1").status_code == 404
    assert "审签：钱代 代 吴管" in room.desk_of("manager").get("/console/tickets/1").text


def test_the_deputys_program_signs_what_waits_and_nothing_else(room: Newsroom) -> None:
    with room.hub.works.write() as work:
        _token, text = tokens.create(work, room.office.person("deputy"), "probe")
    browser, head = room.browser(), {"Authorization": f"Bearer {text}"}
    sign = "/api/v1/tickets/1/sign"
    assert browser.post(sign, headers=head).status_code == 403
    room.office.depute("manager", "deputy")
    assert browser.post("/api/v1/tickets/2/sign", headers=head).status_code == 404
    assert browser.get("/api/v1/tickets/1", headers=head).status_code == 403
    assert browser.post(sign, headers=head).json()["state"] == TicketState.ANSWERED
    assert browser.post(sign, headers=head).status_code == 404


def test_a_deputy_of_somebody_elsewhere_signs_nothing(room: Newsroom) -> None:
    room.office.depute("foreign_signer", "deputy")
    browser = room.desk_of("deputy")
    assert browser.get("/console/tickets/1").status_code == 404
    assert browser.send_form("/console/tickets/1/sign").status_code == 404
