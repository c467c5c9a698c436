"""A ticket that a program sends twice under its own key is one, also where both come in the same moment."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import func, select

from bot.events import TicketMade
from bot.models import Ticket
from hub.auth import tokens
from kernel.clock import StillClock
from kernel.people import Role
from tests.hub.office import open_office

MATTER = {"kind": "咨询", "text": "居住证几天能办好", "key": "import-17"}


@pytest.mark.postgresql
def test_of_two_in_the_same_moment_one_makes_it(postgres_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_office(postgres_url, tmp_path, clock) as office:
        office.hire("agent", "north", Role.AGENT)
        with office.hub.works.write() as work:
            _token, text = tokens.create(work, office.person("agent"), "probe")
        # Whoever is first has not committed yet when the second looks.
        office.hub.listeners.in_work(TicketMade, lambda _work, _fact: time.sleep(0.5))
        together = Barrier(2)

        def send(_place: int) -> tuple[int, int]:
            browser = office.browser()
            together.wait()
            answer = browser.post("/api/v1/tickets", json=MATTER, headers={"Authorization": f"Bearer {text}"})
            return answer.status_code, answer.json()["id"]

        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(send, range(2))
        assert first == second
        assert first[0] == 201
        with office.hub.works.read() as work:
            assert work.session.scalar(select(func.count()).select_from(Ticket)) == 1
