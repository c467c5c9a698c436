"""The manager looks at what came back, and an officer takes the advice that follows from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from kernel.clock import StillClock
from tests.factories import TITLE
from tests.hub.web.reporting import Bureau
from tests.journeys.editorial import House, axe, running

pytestmark = pytest.mark.browser

# Bars are paths of a drawing that have a fill and an area.
BARS = """(place) => [...place.querySelectorAll('svg path')].filter((path) => {
  const box = path.getBBox();
  return path.getAttribute('fill')?.startsWith('#') && path.getAttribute('fill') !== 'none' && box.height > 20;
}).length"""


@dataclass
class Read:
    """The console with its browser, and an office whose pieces were read and whose citizens were answered."""

    house: House
    bureau: Bureau

    def open(self, login: str, path: str, width: int = 1280) -> Page:
        """A page of this person, which must fit its window and break no rule of accessibility."""
        page = self.house.desk_of(login, width)
        page.goto(f"{self.house.address}{path}")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        assert axe(page) == []
        return page


@pytest.fixture
def read(browser: Browser, sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Read]:
    """Four days of openings on two pieces, figures of a platform, and conversations."""
    with running(browser, sqlite_url, tmp_path, clock) as house:
        room = house.newsroom
        bureau = Bureau(room.hub, room.app, room.office)
        first = bureau.publish("portal", "wechat", "weibo")
        second = bureau.publish("portal", title="2026年清明节期间公园开放时间的通知")
        for day in range(4):
            for hour in range(6):
                bureau.read(first, "portal", 6 + day * hour)
                bureau.read(first, "wechat", 2 + hour)
                bureau.read(second, "portal", 3)
                bureau.talk(handed_off=1, first_reply=4 + hour + day, closed=20, score=1 + hour % 4)
                clock.step(hours=1)
            bureau.told(first, "wechat", reads=1000 + 300 * day, shares=12, likes=9)
            clock.step(hours=18)
        bureau.talk(handed_off=1)
        bureau.talk(closed=3)
        clock.step(minutes=5)
        bureau.advice()
        yield Read(house, bureau)
        assert house.complaints == []


def test_the_manager_sees_reach_drawn_with_its_table(read: Read) -> None:
    page = read.open("manager", "/console/reach?days=7")
    expect(page.locator("#days .chart svg")).to_be_visible()
    assert page.locator("#days .chart").evaluate(BARS) >= 4
    expect(page.locator("#hours .chart svg")).to_be_visible()
    row = page.locator("tr", has_text=TITLE)
    expect(row.locator('[data-label="微信公众号"]')).to_contain_text("1,900")
    expect(row).to_contain_text("—")
    page.locator("#hours summary").click()
    page.locator("#hours td a").first.click()
    expect(page.locator("h1")).to_have_text("门户打开明细")
    page.go_back()
    page.get_by_role("link", name=TITLE).click()
    expect(page.locator("#curve svg")).to_be_visible()
    expect(page.locator("#readings tbody tr")).to_have_count(4)
    assert axe(page) == []


def test_the_drawing_follows_the_window(read: Read) -> None:
    page = read.open("manager", "/console/reach?days=7")
    drawing = page.locator("#days .chart svg")
    before = drawing.get_attribute("width")
    page.set_viewport_size({"width": 390, "height": 800})
    expect(drawing).not_to_have_attribute("width", str(before))
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


@pytest.mark.parametrize("width", [1280, 390])
def test_the_other_pages_fit_and_are_accessible(read: Read, width: int) -> None:
    page = read.open("manager", "/console/response?days=7", width)
    expect(page.locator("#times svg")).to_be_visible()
    for path in ("/console/response/conversations", "/console/plan", "/console/reach/reads", "/console/reach"):
        page.goto(f"{read.house.address}{path}")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
        assert axe(page) == [], path


def test_an_officer_takes_advice_and_lands_in_the_editor(read: Read) -> None:
    page = read.open("officer", "/console/plan")
    expect(page.locator(".advice .chart svg").first).to_be_visible()
    silent = page.locator(".advice", has_text="“工作动态”")
    silent.get_by_role("button", name="采纳并撰稿").click()
    expect(page).to_have_url(f"{read.house.address}/console/pieces/3")
    expect(page.locator("#title")).to_be_visible()
    page.goto(f"{read.house.address}/console/plan")
    expect(page.locator("#decided")).to_contain_text("工作动态")
    other = page.locator(".advice").first
    other.locator("summary").click()
    other.get_by_label("理由").fill("时段已固定")
    other.get_by_role("button", name="记为不采纳").click()
    expect(page.locator("#decided")).to_contain_text("时段已固定")


def test_the_manager_starts_from_todays_figures(read: Read) -> None:
    page = read.house.desk_of("manager")
    standing = page.locator("#standing")
    expect(standing).to_contain_text("等待答复的会话")
    standing.get_by_role("link", name="等待答复的会话").click()
    expect(page.locator("tbody tr")).to_have_count(1)
