"""The small scripts of the console and the portal, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from templates.engine import Engine
from templates.patterns import context, shell
from tests.templates.browser import ORIGIN, Screen
from tests.templates.samples import PORTAL, PROBLEM, notice, site

pytestmark = pytest.mark.browser
WIDE, PHONE = 1280, 360


@pytest.fixture
def style_page(renderer: Engine, shown: Screen) -> Screen:
    """The living style page on a wide screen."""
    shown.show(renderer.render("pages/patterns.html", **context()), WIDE)
    return shown


def test_the_menu_opens_and_closes_on_a_phone(renderer: Engine, shown: Screen) -> None:
    shown.show(renderer.render("pages/error_inside.html", shell=shell(), problem=PROBLEM), PHONE)
    button, menu = shown.page.locator("[data-menu]"), shown.page.locator("#menu")
    expect(menu).not_to_be_visible()
    button.click()
    expect(menu).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    shown.page.keyboard.press("Escape")
    expect(menu).not_to_be_visible()
    expect(button).to_be_focused()


def test_a_dangerous_act_is_asked_first(style_page: Screen) -> None:
    page = style_page.page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    withdraw = page.locator("[data-confirm]")
    withdraw.click()
    expect(page.locator("dialog[open]")).to_contain_text("已读 18,342 人")
    expect(page.locator("dialog[open] .button--plain")).to_be_focused()
    assert style_page.axe() == []
    page.locator("dialog[open] .button--plain").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert "POST" not in sent
    withdraw.click()
    with page.expect_request(lambda request: request.method == "POST"):
        page.get_by_role("button", name="撤下").click()


@pytest.mark.parametrize(
    ("text", "count", "over"),
    [("云州", 2, 0), ("ab", 1, 0), ("abc云", 3, 0), ("云" * 33, 33, 1), ("😀", 1, 0), ("", 0, 0)],
)
def test_what_is_written_is_counted_as_platforms_do(style_page: Screen, text: str, count: int, over: int) -> None:
    style_page.page.fill("#p-title", text)
    words = f"超出 {over} 字，最多 32 字" if over else f"已写 {count} 字，最多 32 字"
    expect(style_page.page.locator("#p-title-count")).to_have_text(words)


def test_a_draft_saves_itself_with_the_token(style_page: Screen) -> None:
    page = style_page.page
    page.fill("#p-digest", "第一稿")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        expect(page.locator("[data-autosave-state]")).to_contain_text("已自动保存")
    assert sent.value.headers["x-csrf-token"] == "pattern"
    assert sent.value.headers["x-autosave"] == "1"
    assert "第一稿" in (sent.value.post_data or "")


@pytest.mark.parametrize(("status", "words"), [(422, "请检查标出的内容"), (500, "正在重试")])
def test_a_draft_that_was_not_saved_says_so(style_page: Screen, status: int, words: str) -> None:
    page = style_page.page
    page.route("**/shown", lambda route: route.fulfill(status=status, body=""))
    page.fill("#p-digest", "第二稿")
    expect(page.locator("[data-autosave-state]")).to_contain_text(words)
    page.unroute("**/shown")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("about:blank")


def test_a_message_is_read_aloud_and_can_be_closed(style_page: Screen) -> None:
    page = style_page.page
    page.evaluate("document.dispatchEvent(new CustomEvent('toast', {detail: {text: '已送审', tone: 'good'}}))")
    expect(page.locator("#toasts")).to_contain_text("已送审")
    expect(page.locator("#toasts")).to_have_attribute("aria-live", "polite")
    page.get_by_role("button", name="关闭").last.click()
    expect(page.locator("#toasts")).to_be_empty()


def test_htmx_carries_the_token_and_asks_in_the_same_dialog(style_page: Screen) -> None:
    page = style_page.page
    page.evaluate(
        "() => { const b = document.createElement('button'); b.id = 'hx'; b.textContent = 'x';"
        " b.setAttribute('hx-post', '/hx'); b.setAttribute('hx-confirm', '确定停发？');"
        " document.getElementById('main').append(b); htmx.process(b); }"
    )
    page.click("#hx")
    expect(page.locator("dialog[open]")).to_contain_text("确定停发？")
    with page.expect_request(f"{ORIGIN}/hx") as sent:
        page.locator("dialog[open] .button--main").click()
    assert sent.value.headers["x-csrf-token"] == "pattern"


def test_a_dialog_opens_and_closes(style_page: Screen) -> None:
    page = style_page.page
    page.click("[data-open=pattern-dialog]")
    expect(page.locator("#pattern-dialog")).to_be_visible()
    assert style_page.axe() == []
    page.locator("#pattern-dialog .dialog__close").click()
    expect(page.locator("#pattern-dialog")).not_to_be_visible()


def test_leaving_the_portal_is_asked_first(renderer: Engine, shown: Screen) -> None:
    shown.show(renderer.render("outbound/portal/home.html", **PORTAL["outbound/portal/home.html"][0]), WIDE)
    page = shown.page
    page.get_by_role("link", name="中国政府网").click()
    expect(page.locator("#leaving")).to_be_visible()
    expect(page.locator("#leaving [data-go]")).to_have_attribute("href", "https://www.gov.cn/")
    page.get_by_role("button", name="放弃").click()
    expect(page.locator("#leaving")).not_to_be_visible()
    assert page.url == f"{ORIGIN}/shown"


def test_the_elder_version_is_remembered(renderer: Engine, shown: Screen) -> None:
    html = renderer.render("outbound/portal/notice.html", **PORTAL["outbound/portal/notice.html"][0])
    shown.show(html, PHONE)
    button = shown.page.locator("[data-mode=elder]")
    expect(button).to_have_attribute("aria-pressed", "false")
    button.click()
    expect(button).to_contain_text("退出长辈版")
    shown.show(html, PHONE)
    expect(shown.page.locator("html.elder")).to_have_count(1)
    shown.page.locator("[data-mode=elder]").click()
    expect(shown.page.locator("html.elder")).to_have_count(0)


WIDE_TABLE = f"<table><tr>{'<td>0530-8800015</td>' * 5}</tr></table>"


def test_a_table_is_reached_by_keyboard_while_it_is_wider_than_its_page(renderer: Engine, shown: Screen) -> None:
    html = renderer.render("outbound/portal/news.html", site=site(), item=notice(body_html=WIDE_TABLE))
    shown.show(html, 600)
    table = shown.page.locator(".body table")
    expect(table).not_to_have_attribute("tabindex", "0")
    shown.page.click("[data-mode=elder]")
    expect(table).to_have_attribute("tabindex", "0")
    faults = shown.axe()
    shown.page.click("[data-mode=elder]")
    expect(table).not_to_have_attribute("tabindex", "0")
    shown.page.set_viewport_size({"width": 320, "height": 800})
    expect(table).to_have_attribute("tabindex", "0")
    assert [*faults, *shown.axe()] == []


def test_the_beacon_tells_which_channel_led_here_and_cuts_it_from_the_address(renderer: Engine, shown: Screen) -> None:
    html = renderer.render("outbound/portal/not_found.html", **PORTAL["outbound/portal/not_found.html"][0])
    shown.show(html, WIDE)
    with shown.page.expect_request(f"{ORIGIN}/beacon") as sent:
        shown.page.goto(f"{ORIGIN}/shown?page=2&from=wechat#part")
    assert sent.value.post_data_json == {"path": "/shown", "from": "wechat"}
    expect(shown.page).to_have_url(f"{ORIGIN}/shown?page=2#part")


def test_the_beacon_tells_the_path_and_sends_no_cookie(renderer: Engine, shown: Screen) -> None:
    shown.page.context.add_cookies([{"name": "session", "value": "secret", "url": ORIGIN}])
    with shown.page.expect_request(f"{ORIGIN}/beacon") as sent:
        shown.show(
            renderer.render("outbound/portal/not_found.html", **PORTAL["outbound/portal/not_found.html"][0]), WIDE
        )
    assert sent.value.post_data_json == {"path": "/shown"}
    assert "cookie" not in sent.value.all_headers()
    shown.page.context.clear_cookies()
