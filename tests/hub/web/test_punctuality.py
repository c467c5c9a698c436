"""准点率 on its page, on that of the deliveries, and as a workbook."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from kernel.clock import StillClock
from tests.hub.web.going_out import Desk, open_desk
from tests.hub.web.test_api_deliveries import Program


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


def test_each_days_share_and_lateness_are_drawn_tabled_and_taken_away(desk: Desk, clock: StillClock) -> None:
    assert "这段时间没有到点的任务" in desk.browser("manager").get("/console/punctuality").text
    desk.booked(desk.release())
    desk.run()
    desk.booked(desk.release(), when="at", at="2026-03-02T09:10")
    clock.step(minutes=10, seconds=30)
    desk.run()
    for path in ("/console/punctuality?days=7", "/console/deliveries"):
        page = desk.browser("manager").get(path).text
        assert "data-chart=" in page
        assert "50.0%" in page
        assert "30.0 秒" in page
    answer = desk.browser("manager").get("/console/punctuality/workbook?days=7")
    rows = list(load_workbook(io.BytesIO(answer.content)).active.values)
    assert rows[-1] == ("2026-03-02", 2, 1, 50, 0, 30, 0)
    assert len(rows) == 8
    assert "这段时间没有到点的任务" in desk.browser("stranger").get("/console/punctuality").text


def test_the_day_leads_to_what_was_never_handed_on(desk: Desk, clock: StillClock) -> None:
    desk.booked(desk.release(title="按时的"))
    desk.run()
    missed = desk.booked(desk.release(title="错过的"), missed_after="5", missed_act="drop")
    clock.step(hours=1)
    desk.run()
    assert desk.now(missed).state == "cancelled"
    link = "/console/deliveries?day=2026-03-02&amp;state=not_out"
    for path in ("/console/punctuality?days=7", "/console/deliveries"):
        assert link in desk.browser("manager").get(path).text
    rows = desk.browser("manager").get(link.replace("&amp;", "&")).text
    assert "错过的" in rows
    assert "按时的" not in rows
    (told,) = Program(desk).get("/deliveries", state="not_out").json()["deliveries"]
    assert told["id"] == missed.id
