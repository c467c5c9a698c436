"""The calendar in a browser: a task is dragged to another day, and one that somebody else moved meanwhile is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, expect

from kernel.clock import SystemClock
from scheduler import booking, freeze
from scheduler.models import Delivery
from tests.hub.web.going_out import Desk, desk_over
from tests.journeys.editorial import House, axe, running

pytestmark = pytest.mark.browser
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def house(browser: Browser, sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """The console with its browser and a clock that runs."""
    with running(browser, sqlite_url, tmp_path, SystemClock()) as house:
        yield house


@pytest.fixture
def desk(house: House) -> Desk:
    """The office with two fake accounts."""
    return desk_over(house.newsroom)


def in_the_month(desk: Desk, title: str) -> tuple[Delivery, datetime, datetime]:
    """A task at ten on the month's second Tuesday after now in view, and the day after it."""
    now = datetime.now(ZONE)
    day = now.date() + timedelta(days=1)
    if (day + timedelta(days=1)).month != now.month:
        day = now.date().replace(day=1) + timedelta(days=40)
    at = datetime.combine(day, time(10), ZONE)
    delivery = desk.booked(desk.release(title=title), when="at", at=f"{at:%Y-%m-%dT%H:%M}")
    return delivery, at, at + timedelta(days=1)


def drag(page: Page, title: str, day: datetime) -> None:
    """Drags a task onto a day of the month."""
    source = page.locator(".fc-event", has_text=title).bounding_box()
    target = page.locator(f".fc-daygrid-day[data-date='{day:%Y-%m-%d}'] .fc-daygrid-day-frame").bounding_box()
    assert source is not None
    assert target is not None
    page.mouse.move(source["x"] + source["width"] / 2, source["y"] + source["height"] / 2)
    page.mouse.down()
    page.mouse.move(target["x"] + target["width"] / 2, target["y"] + target["height"] / 2, steps=12)
    page.mouse.up()


def open_calendar(house: House, at: datetime, width: int = 1280) -> Page:
    """The month of a moment, drawn."""
    page = house.desk_of("officer", width, 1500)
    page.goto(f"{house.address}/console/calendar")
    expect(page.locator(".fc-view")).to_be_visible()
    if width >= 700 and at.month != datetime.now(ZONE).month:
        page.locator(".fc-next-button").click()
    return page


def test_a_task_is_dragged_to_another_day(house: House, desk: Desk) -> None:
    delivery, at, next_day = in_the_month(desk, "关于春季植树的通知")
    page = open_calendar(house, at)
    expect(page.locator(".fc-event", has_text="关于春季植树的通知")).to_be_visible()
    drag(page, "关于春季植树的通知", next_day)
    expect(page.locator("#timetable-told")).to_contain_text(f"已改到 {next_day:%m-%d} 10:00")
    assert desk.now(delivery).scheduled_at == next_day
    assert axe(page) == []
    assert house.complaints == []
    show(page, "calendar")


def test_what_somebody_else_moved_is_not_moved_again(house: House, desk: Desk) -> None:
    delivery, at, next_day = in_the_month(desk, "关于停水的通知")
    page = open_calendar(house, at)
    expect(page.locator(".fc-event", has_text="关于停水的通知")).to_be_visible()
    moved = at + timedelta(minutes=30)
    with desk.city.working("signer") as (work, who):
        booking.move(work, who, work.session.get_one(Delivery, delivery.id), moved)
    drag(page, "关于停水的通知", next_day)
    expect(page.locator("#timetable-told")).to_contain_text("已被他人改期")
    expect(page.locator(".fc-event", has_text="关于停水的通知").locator(".fc-event-time")).to_have_text("10:30")
    assert desk.now(delivery).scheduled_at == moved


def test_stops_stand_in_the_calendar_and_on_their_page(house: House, desk: Desk) -> None:
    in_the_month(desk, "关于文艺演出的通知")
    with desk.city.working("officer") as (work, who):
        freeze.begin(work, who, desk.city.bureau.id, "全市悼念活动")
    for width in (1280, 375):
        page = open_calendar(house, datetime.now(ZONE), width)  # A stop stands on today, whatever month that is.
        expect(page.locator(".strip--frozen")).to_contain_text("全市悼念活动")
        expect(page.locator(".fc-view .stop")).to_contain_text("全市悼念活动")
        show(page, f"calendar-stop-{width}")
        page.goto(f"{house.address}/console/freezes")
        expect(page.locator("#told")).to_contain_text("将暂缓 0 个待发任务")
        expect(page.get_by_text("关于文艺演出的通知")).to_be_visible()
        assert axe(page) == []
        show(page, f"freezes-{width}")
    assert house.complaints == []


def test_a_piece_queues_for_the_slot_it_was_told_of_and_is_taken_off_at_its_hour(house: House, desk: Desk) -> None:
    account = desk.account("a")
    slot = {"name": "午间提醒", "days": "workdays", "hour": "12:00", "unit": str(desk.city.bureau.id)}
    desk.browser().send_form("/console/slots", account=str(account.id), **slot)
    release = desk.release(title="关于招聘报名的公告")
    page = house.desk_of("officer", 1280, 1500)
    page.goto(f"{house.address}/console/bookings/new?piece={release.piece_id}")
    page.locator("label.choice", has_text="排入下一个空档").click()
    expect(page.locator("#told")).to_contain_text("“午间提醒”")
    page.get_by_label("下线时间").fill(f"{datetime.now(ZONE) + timedelta(days=20):%Y-%m-%dT18:00}")
    page.get_by_label("下线时间").blur()
    expect(page.locator("#told")).to_contain_text("18:00 下线：住建发布。")
    assert axe(page) == []
    show(page, "queue-and-off-line")
    page.get_by_role("button", name="确认安排").click()
    page.wait_for_url("**/console/deliveries/*")
    published, withdrawn = desk.deliveries()
    assert f"{published.scheduled_at.astimezone(ZONE):%H:%M}" == "12:00"
    page.goto(f"{house.address}/console/calendar?account={account.id}")
    for delivery, words in ((published, "〔午间提醒〕关于招聘报名的公告"), (withdrawn, "下线 关于招聘报名的公告")):
        place = page.locator(".fc-event", has_text=words)
        while not page.locator(f"[data-date='{delivery.scheduled_at.astimezone(ZONE):%Y-%m-%d}']").count():
            page.locator(".fc-next-button").click()
        expect(place).to_be_visible()
    expect(page.locator(".fc-event.slot").first).to_contain_text("空档：午间提醒")
    assert axe(page) == []
    assert house.complaints == []
    show(page, "calendar-slots")


def show(page: Page, name: str) -> None:
    """Keeps a picture to look at where XUANDA_SHOTS names a folder."""
    folder = os.environ.get("XUANDA_SHOTS")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)
