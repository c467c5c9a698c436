"""From a signed piece to 已发布 in a browser, without touching reload; and every page of the way out as it looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from kernel.clock import SystemClock
from scheduler import booking
from scheduler.models import Delivery
from tests.hub.web.going_out import Desk, desk_over
from tests.journeys.editorial import House, axe, running

pytestmark = pytest.mark.browser

FILLED = "input[name=accounts]:checked"


@pytest.fixture
def house(browser: Browser, sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """The console with its browser and a clock that runs."""
    with running(browser, sqlite_url, tmp_path, SystemClock()) as house:
        yield house


@pytest.fixture
def desk(house: House) -> Desk:
    """The office with two fake accounts."""
    return desk_over(house.newsroom)


@pytest.fixture
def engine(house: House) -> Iterator[None]:
    """The engine that looks for due work."""
    start = house.newsroom.hub.start_engine
    assert start is not None
    stop = start()
    yield
    stop()


def test_a_signed_piece_booked_for_now_becomes_published_before_the_officers_eyes(
    house: House, desk: Desk, engine: None
) -> None:
    release = desk.release("a", title="关于春季植树道路管制的通知")
    page = house.desk_of("officer")
    page.goto(f"{house.address}/console/bookings")
    page.get_by_role("link", name="关于春季植树道路管制的通知").click()
    expect(page.locator("#told")).to_contain_text("将安排 1 个发布任务：住建发布")
    page.locator(FILLED).uncheck()
    expect(page.locator("#told")).to_contain_text("还没有选择账号")
    page.locator("input[name=accounts]").check()
    expect(page.locator("#told")).to_contain_text("将安排 1 个发布任务")
    page.get_by_role("button", name="确认安排").click()
    page.wait_for_url("**/console/deliveries/*")
    page.evaluate("window.neverReloaded = true")
    expect(page.locator("#live [data-state=done]")).to_be_visible(timeout=15_000)
    expect(page.locator("#live a[href^='fake://']")).to_be_visible()
    assert page.evaluate("window.neverReloaded") is True
    assert len(desk.platform("a").arrived) == 1
    page.goto(f"{house.address}/console/placements?piece={release.piece_id}")
    expect(page.locator("[data-state=live]")).to_be_visible()
    assert house.complaints == []


def test_the_order_of_a_bundle_by_buttons_and_by_dragging(house: House, desk: Desk) -> None:
    for name in "甲乙丙":
        desk.release(title=f"第{name}则通知")
    page = house.desk_of("officer")
    page.goto(f"{house.address}/console/bookings/bundle?account={desk.account().id}")
    for count, name in enumerate("甲乙丙", start=1):
        page.get_by_role("button", name=f"选入：第{name}则通知").click()
        expect(page.locator(".bundle__item")).to_have_count(count)
    page.get_by_role("button", name="上移：第丙则通知").click()
    expect(page.locator(".bundle__words").nth(1)).to_contain_text("丙")
    expect(page.get_by_role("button", name="上移：第丙则通知")).to_be_focused()
    items = page.locator(".bundle__item")
    items.nth(2).drag_to(items.nth(0), target_position={"x": 30, "y": 4})
    expect(page.locator(".bundle__words").nth(0)).to_contain_text("头条")
    expect(page.locator(".bundle__words").nth(0)).to_contain_text("乙")
    page.get_by_role("button", name="确认安排").click()
    page.wait_for_url("**/console/deliveries/*")
    expect(page.locator(".items__item").nth(0)).to_contain_text("第乙则通知")
    assert house.complaints == []


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_accessible_and_fits(house: House, desk: Desk, width: int) -> None:
    waiting, live = desk.release("a", "b", signed=False), desk.release("a", "b", title="关于停水检修的通知")
    desk.book(live, "a")
    desk.run()
    desk.platform("b").script.append("refused")
    desk.book(live, "b")
    desk.run()
    task = desk.booked(waiting, when="now")
    with desk.city.working("officer") as (work, who):
        booking.take_by_hand(work, who, work.session.get_one(Delivery, task.id))
    officer, admin = house.desk_of("officer", width), house.desk_of("system_admin", width)
    failed = desk.deliveries()[1]
    paths = {
        officer: [
            "/console",
            "/console/bookings",
            f"/console/bookings/new?piece={waiting.piece_id}",
            f"/console/bookings/act?piece={live.piece_id}&act=withdraw",
            f"/console/bookings/bundle?account={desk.account().id}",
            "/console/calendar",
            "/console/deliveries",
            f"/console/deliveries/{failed.id}",
            f"/console/deliveries/{task.id}/by-hand",
            f"/console/placements?piece={live.piece_id}",
        ],
        admin: [
            "/console/accounts",
            "/console/accounts/new",
            "/console/accounts/new?channel=wechat",
            f"/console/accounts/{desk.account('bureau-wechat').id}",
        ],
    }
    for page, addresses in paths.items():
        for path in addresses:
            page.goto(f"{house.address}{path}")
            page.wait_for_load_state("networkidle")
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, f"{path} is {wide} px too wide at {width}"
            assert axe(page) == [], path
    assert house.complaints == []
