"""An officer at work in a browser: a notice from the first word to the signer's queue."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect
from sqlalchemy import select

from content.models import Asset, ListedWord, Piece, Release, Revision, Variant
from kernel.clock import StillClock
from tests.factories import picture_bytes
from tests.hub.office import PASSWORD
from tests.journeys.editorial import House, axe, running

pytestmark = pytest.mark.browser

PASTE = """([html, text]) => {
  const data = new DataTransfer();
  data.setData('text/html', html);
  data.setData('text/plain', text);
  const event = new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true});
  document.querySelector('.jodit-wysiwyg').dispatchEvent(event);
}"""
PASTE_FILE = """([address]) => {
  const bytes = Uint8Array.from(atob(address.split(',')[1]), (char) => char.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], '截图.png', {type: 'image/png'}));
  const place = document.querySelector('.jodit-wysiwyg');
  place.focus();
  place.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
}"""
DROP_FILE = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, {type: 'text/plain'}));
  document.querySelector('[data-drop]').dispatchEvent(
    new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
}"""
PIXEL = "data:image/png;base64," + b64encode(picture_bytes(size=(2, 2))).decode()


@pytest.fixture
def house(browser: Browser, sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[House]:
    """The console, with its browser."""
    with running(browser, sqlite_url, tmp_path, clock) as house:
        yield house


def newest(house: House) -> Revision:
    """The text of the newest piece as it is kept."""
    with house.newsroom.hub.works.read() as work:
        piece = work.session.scalars(select(Piece).order_by(Piece.id.desc()).limit(1)).one()
        return work.session.get_one(Revision, piece.revision_id)


def assets(house: House) -> list[Asset]:
    """Every picture and file that was kept."""
    with house.newsroom.hub.works.read() as work:
        return list(work.session.scalars(select(Asset).order_by(Asset.id)))


def saved(page: Page) -> None:
    """Waits until the draft has saved itself."""
    expect(page.locator("[data-save-state]")).to_contain_text("已自动保存", timeout=8000)


def begin(house: House, column: str = "通知公告") -> Page:
    """A new piece in the editor."""
    page = house.desk_of("author")
    page.get_by_role("link", name="写稿件").first.click()
    page.locator("label.choice", has_text=column).click()
    page.get_by_role("button", name="开始写").click()
    page.wait_for_selector(".jodit-wysiwyg")
    return page


def write(page: Page, text: str) -> None:
    """Types into the rich editor."""
    page.locator(".jodit-wysiwyg").first.click()
    page.keyboard.type(text)


def test_from_the_first_word_to_the_queue(house: House) -> None:
    page = begin(house)
    page.get_by_label("标题").first.fill("关于调整市区供热结束时间的通知")
    write(page, "因近期气温偏低，延长供热至4月7日。值班手机 13800138000。")
    saved(page)
    assert newest(house).title == "关于调整市区供热结束时间的通知"
    assert "延长供热" in newest(house).body

    finding = page.locator("#finding-list .findings__item--block")
    expect(finding).to_contain_text("138****8000")
    assert page.evaluate("scrollY") == 0, "a preview that is drawn must not move the page"
    frame = page.frame_locator("#preview-portal iframe")
    expect(frame.locator(".article__title")).to_have_text("关于调整市区供热结束时间的通知")

    page.get_by_role("button", name="送审").click()
    expect(page.locator(".alert--bad")).to_contain_text("有拦截问题")
    expect(page.locator(".jodit-wysiwyg").first).to_contain_text("延长供热")

    page.locator("#finding-list .findings__place").click()
    page.locator(".jodit-wysiwyg").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("因近期气温偏低，延长供热至4月7日。")
    saved(page)
    expect(page.locator("h1")).to_have_text("关于调整市区供热结束时间的通知")
    expect(page.locator("#finding-list")).to_contain_text("没有发现问题")
    page.locator("label.check", has_text="微信公众号").click()
    page.get_by_role("button", name="送审").click()
    expect(page.locator(".alert--bad")).to_contain_text("不符合“云州住建”的要求")
    expect(page.locator(".alert--bad")).to_contain_text("没有封面图片")
    page.set_input_files("#upload-pictures", {"name": "1.png", "mimeType": "image/png", "buffer": picture_bytes("red")})
    page.locator("[data-asset-alt]").fill("供热站外景")
    page.locator("#asset-list").get_by_text("作封面").click()
    saved(page)
    expect(page.locator("#asset-list").get_by_text("待填")).to_have_count(0)
    page.get_by_role("button", name="送审").click()
    expect(page.locator(".alert--good")).to_contain_text("已送审")
    expect(page.locator(".chain__step--pending")).to_contain_text("一审")
    with house.newsroom.hub.works.read() as work:
        release = work.session.scalars(select(Release)).one()
        assert {target["name"] for target in release.content["targets"]} == {"云州市人民政府门户网站", "云州住建"}
    assert house.complaints == []


def test_pictures_dropped_pasted_and_unreadable(house: House) -> None:
    page = begin(house)
    page.get_by_label("标题").first.fill("图文")
    write(page, "正文")
    page.evaluate(PASTE, [f'<p onclick="x()">粘贴<script>x()</script><img src="{PIXEL}"></p>', "粘贴"])
    expect(page.locator(".jodit-wysiwyg img[src^='/console/media/']")).to_have_count(1)
    page.evaluate(PASTE_FILE, [PIXEL])
    expect(page.locator(".jodit-wysiwyg img[src^='/console/media/']")).to_have_count(2)
    page.evaluate(DROP_FILE, ["名单.txt", "名单"])
    expect(page.locator("#asset-list")).to_contain_text("名单.txt")
    page.evaluate(PASTE, ['<p>外站<img src="https://foreign.example/a.jpg"></p>', ""])
    empty = page.locator(".jodit-wysiwyg img[data-unread]")
    expect(empty).to_have_count(1)
    expect(page.locator("#finding-list")).to_contain_text("红色占位", timeout=8000)
    body = newest(house).body
    assert "/console/" not in body
    assert len(re.findall(r"/media/[0-9a-f]{64}\.(?:png|jpg)", body)) == 2
    assert "foreign.example" not in body
    assert [asset.media_type.split("/")[0] for asset in assets(house)] == ["image", "image", "text"]

    with page.expect_file_chooser() as chooser:
        empty.click()
    chooser.value.set_files({"name": "原图.png", "mimeType": "image/png", "buffer": picture_bytes("red")})
    expect(empty).to_have_count(0)
    expect(page.locator("#finding-list")).not_to_contain_text("红色占位", timeout=8000)
    item = page.locator("[data-asset]").first
    expect(page.locator("#finding-list")).to_contain_text("缺少文字说明")
    item.locator("[data-asset-alt]").fill("供热站外景")
    item.locator("[data-asset-alt]").press("Tab")
    expect(page.locator("#asset-list input[data-asset-alt]").first).to_have_value("供热站外景")
    page.locator("#asset-list").get_by_text("作封面").first.click()
    saved(page)
    assert assets(house)[0].alt == "供热站外景"
    assert newest(house).cover_id == assets(house)[0].id
    focus = page.get_by_label("在封面上选择焦点")
    focus.press("ArrowLeft")
    focus.press("ArrowUp")
    expect(page.get_by_label("距左边（%）")).to_have_value("45")
    first = page.locator("[data-focus-shape]").first.get_attribute("viewBox") or ""
    assert [float(part) for part in first.split()] == pytest.approx([0, 2 * (0.45 - 0.5 / 2.35), 2, 2 / 2.35])
    saved(page)
    assert (newest(house).cover_x, newest(house).cover_y) == (45, 45)


def test_what_is_chosen_while_the_list_is_drawn_anew_stays(house: House) -> None:
    page = begin(house)
    page.locator("#upload-pictures").set_input_files(
        [{"name": f"{n}.png", "mimeType": "image/png", "buffer": picture_bytes(n)} for n in ("red", "blue")]
    )
    expect(page.locator("[data-asset-alt]")).to_have_count(2)
    held: list[Route] = []
    page.route("**/assets", lambda route: (held.append(route), None)[1], times=1)
    first, second = page.locator("[data-asset-alt]").all()
    first.fill("供热站外景")
    first.press("Tab")
    while not held:
        page.wait_for_timeout(20)
    page.locator("#asset-list").get_by_text("作封面").first.click()
    second.fill("换热站")
    held[0].continue_()
    expect(page.locator("#asset-list").get_by_text("待填")).to_have_count(1)
    expect(page.locator("[name=cover_id]").first).to_be_checked()
    expect(page.locator("[data-asset-alt]").nth(1)).to_have_value("换热站")
    expect(page.locator("[data-asset-alt]").nth(1)).to_be_focused()
    page.wait_for_timeout(500)
    assert [asset.alt for asset in assets(house)] == ["供热站外景", ""]
    page.keyboard.press("Tab")
    expect(page.locator("#asset-list").get_by_text("待填")).to_have_count(0)
    assert [asset.alt for asset in assets(house)] == ["供热站外景", "换热站"]


def held_back(page: Page, address: str) -> list[tuple[Route, APIResponse]]:
    """The next call there reaches the server, and its answer waits to be given."""
    held: list[tuple[Route, APIResponse]] = []
    page.route(address, lambda route: held.append((route, route.fetch())), times=1)
    return held


def test_what_is_sent_while_a_draft_saves_itself_is_not_taken_for_another_s_work(house: House) -> None:
    page = begin(house)
    held = held_back(page, "**/autosave")
    page.get_by_label("标题").first.fill("关于调整市区供热结束时间的通知")
    while not held:
        page.wait_for_timeout(20)
    page.get_by_role("button", name="保存草稿").click()
    ((route, answer),) = held
    route.fulfill(response=answer)
    expect(page.locator(".alert--good")).to_contain_text("已保存")
    assert newest(house).title == "关于调整市区供热结束时间的通知"


def log_in(page: Page, login: str) -> None:
    """Fills in the log-in that stands there."""
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("form button[type=submit]")


def test_what_is_sent_after_the_log_in_has_ended_is_put_back_for_the_same_person_only(house: House) -> None:
    page = begin(house)
    page.get_by_label("标题").first.fill("关于调整市区供热结束时间的通知")
    saved(page)
    page.context.clear_cookies()
    write(page, "因近期气温偏低，延长供热至4月7日。")
    page.locator("label.check", has_text="微信公众号").click()
    page.get_by_role("button", name="保存草稿").click()
    log_in(page, "author")
    expect(page.locator(".toast")).to_contain_text("您填写的内容已放回")
    expect(page.locator(".jodit-wysiwyg").first).to_contain_text("延长供热")
    expect(page.locator("[name=targets]").nth(1)).to_be_checked()
    page.get_by_role("button", name="保存草稿").click()
    expect(page.locator(".alert--good")).to_contain_text("已保存")
    assert "延长供热" in newest(house).body

    page.context.clear_cookies()
    page.get_by_label("摘要").first.fill("只给本人看")
    page.get_by_role("button", name="保存草稿").click()
    log_in(page, "officer")
    expect(page.locator(".top__tool--person")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('unsent')") is None
    expect(page.locator(".toast")).to_have_count(0)


def test_a_picture_is_described_before_the_piece_is_submitted(house: House) -> None:
    page = begin(house)
    page.get_by_label("标题").first.fill("关于调整市区供热结束时间的通知")
    write(page, "因近期气温偏低，延长供热至4月7日。")
    page.set_input_files("#upload-pictures", {"name": "1.png", "mimeType": "image/png", "buffer": picture_bytes("red")})
    page.locator("#asset-list").get_by_text("作封面").click()
    expect(page.locator("#finding-list")).to_contain_text("缺少文字说明", timeout=8000)
    waits: list[Route] = []
    page.route(re.compile(r"/assets/\d+$"), lambda route: (waits.append(route), None)[1], times=1)
    page.locator("[data-asset-alt]").fill("供热站外景")
    page.get_by_role("button", name="送审").click()
    while not waits:
        page.wait_for_timeout(20)
    waits[0].continue_()
    expect(page.locator(".alert--good")).to_contain_text("已送审")
    assert assets(house)[0].alt == "供热站外景"


def test_a_picture_that_is_none_is_refused_in_words(house: House) -> None:
    page = begin(house)
    bad = {"name": "坏图.png", "mimeType": "image/png", "buffer": b"no picture"}
    page.locator("#upload-pictures").set_input_files(bad)
    expect(page.locator(".toast--bad")).to_contain_text("坏图.png")
    assert assets(house) == []


def test_two_people_write_and_nothing_is_lost(house: House) -> None:
    piece = house.newsroom.office.piece(title="原题")
    mine, theirs = house.desk_of("author"), house.desk_of("officer")
    for page in (mine, theirs):
        page.goto(f"{house.address}/console/pieces/{piece.id}")
        page.wait_for_selector(".jodit-wysiwyg")
    theirs.get_by_label("标题").first.fill("同事改的标题")
    saved(theirs)
    mine.get_by_label("标题").first.fill("我改的标题")
    expect(mine.locator("[data-save-state]")).to_contain_text("他人刚保存过", timeout=8000)
    assert newest(house).title == "同事改的标题"

    mine.get_by_role("button", name="保存草稿").click()
    expect(mine.locator("#compare")).to_contain_text("同事")
    expect(mine.get_by_label("标题").first).to_have_value("我改的标题")
    mine.get_by_role("button", name="保存草稿").click()
    expect(mine.locator(".alert--good")).to_contain_text("草稿已保存")
    assert newest(house).title == "我改的标题"


def test_each_channel_has_its_own_words(house: House) -> None:
    page = begin(house)
    page.get_by_label("标题").first.fill("通用标题")
    write(page, "通用正文")
    page.get_by_role("tab", name="微信公众号").first.click()
    page.fill('[name="variants.wechat.title"]', "微信专用标题" * 8)
    expect(page.locator("[data-count-of='variants.wechat.title']")).to_contain_text("超出")
    page.fill('[name="variants.wechat.title"]', "微信专用标题")
    page.locator("label.choice", has_text="粘贴排版").click()
    layout = page.locator("[data-when=layout] .jodit-wysiwyg")
    expect(layout).to_be_visible()
    layout.click()
    page.keyboard.type("排版正文")
    saved(page)
    with house.newsroom.hub.works.read() as work:
        own = work.session.scalars(select(Variant)).one()
        assert (own.channel, own.title, own.layout) == ("wechat", "微信专用标题", True)
        assert "排版正文" in own.body
    page.locator("#preview-tab-wechat").click()
    expect(page.frame_locator("#preview-wechat iframe").locator("body")).to_contain_text("排版正文")
    assert house.complaints == []


def test_rows_of_a_guide_are_added_and_taken_away(house: House) -> None:
    page = begin(house, "办事指南")
    page.get_by_label("标题").first.fill("居住证申领")
    page.fill('[name="fields.materials.0.name"]', "身份证")
    rows = page.locator('[data-rows="fields.materials"]')
    for name in ("住所证明", "照片"):
        rows.get_by_role("button", name="添加一行").click()
        rows.locator('[name$=".name"]').last.fill(name)
    rows.get_by_role("button", name="删除此行").nth(1).click()
    saved(page)
    assert [row["name"] for row in newest(house).fields["materials"]] == ["身份证", "照片"]
    page.reload()
    expect(rows.locator('[name$=".name"]')).to_have_count(2)
    assert house.complaints == []


def test_a_listed_word_is_found_while_writing(house: House) -> None:
    with house.newsroom.hub.works.write() as work:
        unit = house.newsroom.office.city.id
        work.session.add(ListedWord(unit_id=unit, word="供暖", level="warn", instead="供热"))
    page = begin(house)
    page.get_by_label("标题").first.fill("供暖通知")
    saved(page)
    expect(page.locator("#finding-list")).to_contain_text("建议改为“供热”")


@pytest.mark.parametrize("width", [1280, 390, 360])
def test_the_desk_fits_its_window(house: House, width: int) -> None:
    piece = house.newsroom.office.piece(body="<p>手机 13800138000</p>")
    house.newsroom.office.picture(piece.id)
    house.newsroom.office.attachment(piece.id, name="很长的附件名称" * 8 + ".txt")
    page = house.desk_of("author", width)
    for path in ("", "/new", f"/{piece.id}", f"/{piece.id}/history"):
        page.goto(f"{house.address}/console/pieces{path}")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
        assert axe(page) == [], path
    assert house.complaints == []
