"""Pages of the console on a phone: what is pressed stays on one line, and a long name beside its icon."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bot.team import shifts
from kernel.clock import StillClock
from kernel.people import Role
from tests.journeys.editorial import House, axe, running

pytestmark = pytest.mark.browser

WIDTH = 375
# So many lines does the text of each of these stand on.
LINES = """
(all) => all.map((one) => {
  const words = document.createRange();
  words.selectNodeContents(one);
  return new Set([...words.getClientRects()].map((box) => Math.round(box.top))).size;
})
"""


@pytest.fixture
def house(browser: Browser, sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[House]:
    """The console of the whole office."""
    with running(browser, sqlite_url, tmp_path, clock) as house:
        yield house


def test_the_shifts_of_a_week_are_read_and_cancelled(house: House) -> None:
    office, zone = house.newsroom.office, house.newsroom.hub.settings.office_zone
    office.grant("officer", Role.AGENT)
    office.grant("reviewer", Role.SUPERVISOR)
    with house.newsroom.hub.works.write() as work:
        tomorrow = work.now.astimezone(zone).date() + timedelta(days=1)
        for name, begins, ends in (("夜班", "01:00", "09:00"), ("白班", "09:00", "17:00"), ("中班", "17:00", "01:00")):
            shift = shifts.add(work, office.bureau.id, name, begins, ends)
            people = (office.person("officer").id,)
            shifts.plan(
                work, office.bureau.id, shifts.Plan(shift.id, people, tomorrow, tomorrow, workdays_only=False), zone
            )
    page = house.desk_of("reviewer", WIDTH)
    page.goto(f"{house.address}/console/shifts?week={tomorrow}")
    cancels = page.locator(".roster .button")
    assert cancels.count() == 3
    assert cancels.evaluate_all(LINES) == [1, 1, 1]
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    wrap = page.locator(".table-wrap")
    assert wrap.evaluate("one => one.scrollWidth - one.clientWidth") <= 0
    assert axe(page) == []


def test_a_long_name_of_an_attachment_stands_beside_its_icon(house: House) -> None:
    office = house.newsroom.office
    piece = office.piece()
    office.attachment(piece.id, name=f"{'市民徒步活动报名表' * 4}.txt")
    release = office.submit(piece.id)
    page = house.desk_of("reviewer", WIDTH)
    page.goto(f"{house.address}/console/signing/{release.id}")
    item = page.locator(".files__item")
    icon, name = item.locator(".icon").bounding_box(), item.locator("a").bounding_box()
    assert icon is not None
    assert name is not None
    assert name["x"] >= icon["x"] + icon["width"]
    assert name["y"] < icon["y"] + icon["height"]
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert axe(page) == []
