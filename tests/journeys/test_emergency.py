"""应急发布 in a browser: the short form, two signatures, the portal's banner with its link, and the later sign-off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from hub import site_state
from kernel.clock import SystemClock
from tests.hub.web.going_out import Desk, desk_over
from tests.journeys.editorial import House, axe, running
from tests.journeys.test_timetable import show

pytestmark = pytest.mark.browser
TITLE = "关于天津路“燃气泄漏”绕行的紧急通知"


@pytest.fixture
def house(browser: Browser, sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """The console with its browser and a clock that runs."""
    with running(browser, sqlite_url, tmp_path, SystemClock()) as house:
        yield house


@pytest.fixture
def desk(house: House) -> Desk:
    """The office with two fake accounts."""
    return desk_over(house.newsroom)


def test_from_the_short_form_to_the_banner_and_the_later_signature(house: House, desk: Desk) -> None:
    author = house.desk_of("author")
    author.goto(f"{house.address}/console/emergency")
    assert axe(author) == []
    show(author, "emergency-form")
    author.fill("#title", TITLE)
    author.fill("#text", "请绕行北环路。\n抢修预计六小时。")
    for name in ("wechat", "weibo", "jpush"):
        author.uncheck(f"input[name=accounts][value='{desk.city.accounts[name].id}']")
    author.select_option("#column", label="通知公告")
    until = datetime.now(ZoneInfo("Asia/Shanghai")) + timedelta(hours=6)
    author.fill("#banner_until", f"{until:%Y-%m-%dT%H:%M}")
    author.get_by_role("button", name="送审").click()
    expect(author.get_by_text("签发后立即发往所选渠道")).to_be_visible()
    for by in ("reviewer", "signer"):
        page = house.desk_of(by, 375, 800)
        page.goto(f"{house.address}/console/signing")
        page.get_by_role("link", name=TITLE).first.click()
        if by == "signer":
            expect(page.get_by_text("门户横幅至")).to_be_visible()
            show(page, "emergency-sign-375")
        page.get_by_role("button", name="同意").click()
        expect(page.get_by_text("已签：")).to_be_visible()
    desk.run()
    citizen = house.page()
    citizen.goto(f"{house.address}/")
    strip = citizen.locator(".strip--alert a")
    expect(strip).to_have_text(f"【应急】{TITLE}")
    assert axe(citizen) == []
    show(citizen, "emergency-banner")
    strip.click()
    expect(citizen.locator("h1")).to_contain_text("燃气泄漏")
    later = house.desk_of("second_reviewer", 375, 800)
    later.goto(f"{house.address}/console/signing")
    later.get_by_role("link", name=TITLE).first.click()
    expect(later.get_by_text("应急发布已发出，须补签").first).to_be_visible()
    for _ in range(3):
        later.get_by_role("button", name="登记校对").click()
    show(later, "emergency-later-375")
    assert axe(later) == []
    later.get_by_role("button", name="补签同意").click()
    expect(later.get_by_text("补签完成").or_(later.get_by_text("已补签。")).first).to_be_visible()
    author.goto(f"{house.address}/console/emergency")
    show(author, "emergency-list")
    author.set_viewport_size({"width": 375, "height": 800})
    show(author, "emergency-list-375")
    assert axe(author) == []
    author.once("dialog", lambda dialog: dialog.accept())
    author.get_by_role("button", name="撤下横幅").click()
    expect(author.get_by_text("横幅已撤下。")).to_be_visible()
    site_state.follow(desk.hub)
    citizen.goto(f"{house.address}/")
    expect(citizen.locator(".strip--alert")).to_have_count(0)
    assert house.complaints == []
