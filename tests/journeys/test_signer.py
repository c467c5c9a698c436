"""The signers at work: three levels on a phone, a return, and a link that works once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from content.models import Piece, Release, Signature
from content.states import PieceState, ReleaseState
from hub.notices import Notice
from kernel.clock import StillClock
from tests.journeys.editorial import House, axe, running

pytestmark = pytest.mark.browser


@pytest.fixture
def house(browser: Browser, sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[House]:
    """The console of an office whose messages leave the house."""
    gateway = "http://127.0.0.1:9/notices"
    with running(browser, sqlite_url, tmp_path, clock, notice_gateway_url=gateway) as house:
        yield house


def release_of(house: House) -> Release:
    with house.newsroom.hub.works.read() as work:
        return work.session.scalars(select(Release).order_by(Release.id.desc()).limit(1)).one()


def submitted(house: House, **words: object) -> Release:
    office = house.newsroom.office
    return office.submit(office.piece(**words).id, "portal", "wechat")


def open_first(page: Page) -> None:
    """From the queue to the release."""
    page.goto(page.url.split("/console")[0] + "/console/signing")
    page.get_by_role("link", name="审阅并签字").first.click()


def test_three_people_sign_on_their_phones(house: House) -> None:
    release = submitted(house)
    for name, level in (("reviewer", "一审"), ("second_reviewer", "二审")):
        page = house.desk_of(name, 390, 844)
        open_first(page)
        expect(page.get_by_label(f"{level}意见")).to_be_visible()
        frame = page.frame_locator("#seen-portal iframe")
        expect(frame.locator(".article__title")).to_have_text(release.content["title"])
        page.get_by_role("tab", name="微信公众号").click()
        expect(page.frame_locator("#seen-wechat iframe").locator(".wx__title")).to_have_text(release.content["title"])
        page.get_by_role("button", name="同意").click()
        expect(page.locator(".alert--good")).to_contain_text("已签")
        expect(page.locator(".empty__title")).to_have_text("没有等您审签的稿件")
    page = house.desk_of("signer", 390, 844)
    open_first(page)
    page.get_by_role("button", name="同意").click()
    expect(page.locator(".alert--bad")).to_contain_text("还缺 3 次校对")
    for _ in range(3):
        page.get_by_label("校对人").select_option(label="李审")
        page.get_by_role("button", name="登记校对").click()
    page.get_by_role("button", name="同意").click()
    expect(page.locator(".alert--good")).to_contain_text("已签")
    assert release_of(house).state == ReleaseState.SIGNED
    assert house.complaints == []


def test_returned_mended_and_compared(house: House) -> None:
    office = house.newsroom.office
    signed = office.signed_release(title="供热通知", body="<p>供热延长至4月7日。</p>")
    office.save(signed.piece_id, title="供热通知", body="<p>供热延长至4月10日。</p>")
    office.submit(signed.piece_id)
    page = house.desk_of("reviewer", 390, 844)
    open_first(page)
    diff = page.locator(".diff")
    expect(diff.locator("del").last).to_contain_text("7")
    expect(diff.locator(".diff__text ins").first).to_contain_text("10")
    page.get_by_role("button", name="退回").click()
    expect(page.locator(".alert--bad")).to_contain_text("退回须填写原因")
    page.get_by_label("一审意见").fill("日期与文件不符")
    page.get_by_role("button", name="退回").click()
    expect(page.locator(".alert--good")).to_contain_text("已退回")

    author = house.desk_of("author")
    expect(author.locator("#returned")).to_contain_text("供热通知")
    author.locator("#returned a", has_text="供热通知").click()
    expect(author.locator(".alert--warn")).to_contain_text("日期与文件不符")


def test_three_taps_from_the_message(house: House) -> None:
    """The link from one message, the code from another, and 同意."""
    release = submitted(house)
    reviewer = house.newsroom.office.person("reviewer")
    with house.newsroom.hub.works.read() as work:
        mine = select(Notice).where(Notice.person_id == reviewer.id)
        texts = {row.kind: row.text for row in work.session.scalars(mine)}
    address = re.search(r"/s/\S+", texts["signing.waiting"])
    code = re.search(r"\d{6}", texts["signing.code"])
    assert address
    assert code
    page = house.page(390, 844)
    page.goto(house.address + address[0])
    assert release.content["title"] not in page.content()
    page.get_by_label("验证码").fill(code[0])
    page.get_by_role("button", name="继续").click()
    expect(page.locator("h1")).to_have_text(release.content["title"])
    frame = page.frame_locator("#seen-portal iframe")
    expect(frame.locator(".article__title")).to_have_text(release.content["title"])
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page.get_by_role("button", name="同意").click()
    expect(page.locator("h1")).to_have_text("已同意")
    with house.newsroom.hub.works.read() as work:
        signature = work.session.scalars(select(Signature)).one()
        assert (signature.person_id, signature.method, signature.level) == (reviewer.id, "link", 1)
    page.goto(house.address + address[0])
    expect(page.locator("body")).to_contain_text("此链接无效")
    assert house.complaints == []


def test_a_deputy_sees_for_whom_he_signs(house: House) -> None:
    house.newsroom.office.depute("reviewer", "deputy")
    submitted(house)
    page = house.desk_of("deputy", 390, 844)
    open_first(page)
    expect(page.locator(".verdict")).to_contain_text("您代李审审签")
    page.get_by_role("button", name="同意").click()
    expect(page.locator(".alert--good")).to_contain_text("已签")
    with house.newsroom.hub.works.read() as work:
        signature = work.session.scalars(select(Signature)).one()
        assert signature.on_behalf_of == house.newsroom.office.person("reviewer").id


def test_handed_on_to_somebody_else(house: House) -> None:
    submitted(house)
    page = house.desk_of("reviewer", 390, 844)
    open_first(page)
    page.get_by_role("button", name="转交").click()
    page.get_by_label("转交给").select_option(label="周核")
    page.locator("#delegate").get_by_role("button", name="转交").click()
    expect(page.locator(".alert--good")).to_contain_text("已转交周核")
    other = house.desk_of("second_reviewer", 390, 844)
    expect(other.locator("body")).to_contain_text("李审请您审签")


@pytest.mark.parametrize("width", [1280, 390, 360])
def test_the_signing_desk_fits_its_window(house: House, width: int) -> None:
    release = submitted(house, title="很长的标题" * 20, body="<p>不换行的网址" + "abcdefghij" * 30 + "</p>")
    with house.newsroom.hub.works.read() as work:
        assert work.session.get_one(Piece, release.piece_id).state == PieceState.REVIEW
    page = house.desk_of("signer", width)
    for path in ("", f"/{release.id}", f"/{release.id}/form", f"/{release.id}/paper"):
        page.goto(f"{house.address}/console/signing{path}")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
        assert axe(page) == [], path
    assert house.complaints == []
