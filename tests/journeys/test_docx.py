"""A Word document on the editor and on the import page, in a browser."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from content.models import Asset, Piece, Revision
from kernel.clock import StillClock
from tests.content.importing.test_docx import CHART
from tests.content.importing.word import build, line, notice, raw
from tests.journeys.editorial import House, axe, running

pytestmark = pytest.mark.browser

TITLE = "关于进一步加强城区供热管理工作的通知"
DROP = """([selector, name, data]) => {
  const bytes = Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], name));
  const place = document.querySelector(selector);
  place.dispatchEvent(new DragEvent('dragover', {dataTransfer: given, bubbles: true, cancelable: true}));
  place.dispatchEvent(new DragEvent('drop', {dataTransfer: given, bubbles: true, cancelable: true}));
}"""
TEXT = "#body-field .jodit-wysiwyg"


@pytest.fixture
def house(browser: Browser, sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[House]:
    """The console, with its browser."""
    with running(browser, sqlite_url, tmp_path, clock) as house:
        yield house


def drop(page: Page, selector: str, name: str, data: bytes) -> None:
    page.evaluate(DROP, [selector, name, b64encode(data).decode()])


def wider(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


def body_of(house: House, piece_id: int) -> str:
    with house.newsroom.hub.works.read() as work:
        piece = work.session.get_one(Piece, piece_id)
        return work.session.get_one(Revision, piece.revision_id).body


def test_a_document_dropped_on_the_editor_fills_it(house: House) -> None:
    piece = house.newsroom.office.piece(title="", body="")
    page = house.desk_of("author")
    page.goto(f"{house.address}/console/pieces/{piece.id}")
    page.wait_for_selector(".jodit-wysiwyg")
    drop(page, TEXT, "通知.docx", notice())
    expect(page.locator(f"{TEXT} h2")).to_have_text("总体要求", timeout=15000)
    expect(page.locator(f"{TEXT} h3")).to_have_text("工作安排")
    expect(page.locator("#title")).to_have_value(TITLE)
    pictures = page.locator(f"{TEXT} img")
    expect(pictures).to_have_count(2)
    for picture in pictures.all():
        expect(picture).to_have_js_property("naturalWidth", 64)
    assert page.locator(f'{TEXT} td[colspan="2"]').inner_text().strip() == "区域"
    assert page.locator(f'{TEXT} td[rowspan="2"]').inner_text().strip() == "4月7日"
    expect(page.locator("[data-asset]")).to_have_count(2, timeout=15000)
    expect(page.get_by_role("status").filter(has_text="已自动保存")).to_have_count(1, timeout=15000)
    kept = body_of(house, piece.id)
    assert kept.count("/media/") == 2
    assert 'rowspan="2"' in kept
    assert 'class="signature align-right"' in kept
    assert house.complaints == []
    assert axe(page) == []


def test_it_asks_before_it_replaces_what_stands_there(house: House) -> None:
    piece = house.newsroom.office.piece(title="原题", body="<p>原文</p>")
    page = house.desk_of("author", 390, 844)
    page.goto(f"{house.address}/console/pieces/{piece.id}")
    page.wait_for_selector(".jodit-wysiwyg")
    document = build(line("新题", style="Title"), line("新正文。"), raw(CHART))
    drop(page, TEXT, "通知.docx", document)
    page.get_by_role("button", name="再想想").click()
    expect(page.locator(TEXT)).to_contain_text("原文")
    page.set_input_files("#docx-file", {"name": "通知.docx", "mimeType": "", "buffer": document})
    page.get_by_role("button", name="替换", exact=True).click()
    expect(page.locator(TEXT)).to_contain_text("新正文", timeout=15000)
    expect(page.locator("#title")).to_have_value("原题")
    expect(page.locator("#docx-notes")).to_contain_text("图表 1 个没能转换")
    expect(page.locator(f"{TEXT} img[data-unread]")).to_have_count(1)
    assert wider(page) <= 0
    page.locator("#docx-notes button").click()
    expect(page.locator("#docx-notes")).to_have_count(0)
    assert house.complaints == []


def test_an_old_document_is_refused_in_words_and_changes_nothing(house: House) -> None:
    piece = house.newsroom.office.piece(title="", body="")
    page = house.desk_of("author")
    page.goto(f"{house.address}/console/pieces/{piece.id}")
    page.wait_for_selector(".jodit-wysiwyg")
    drop(page, TEXT, "旧.doc", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    expect(page.locator(".toast--bad")).to_contain_text("另存为 .docx", timeout=15000)
    assert body_of(house, piece.id) == ""
    with house.newsroom.hub.works.read() as work:
        assert work.session.scalars(select(Asset)).all() == []


@pytest.mark.parametrize("width", [1280, 390])
def test_documents_dropped_on_the_import_page_become_drafts(house: House, width: int) -> None:
    page = house.desk_of("author", width, 900)
    page.goto(f"{house.address}/console/import")
    assert axe(page) == []
    page.select_option("#docx_column", label="通知公告")
    drop(page, "[data-docx-import]", "通知.docx", notice())
    row = page.locator("#docx-rows tbody tr")
    expect(row).to_have_count(1, timeout=15000)
    expect(row).to_contain_text("新增")
    expect(page.locator("[data-docx-count]")).to_have_text("1 / 1")
    page.set_input_files("#files", [{"name": "坏.docx", "mimeType": "", "buffer": b"PK bad"}])
    page.locator("[data-docx-import] [type=submit]").click()
    expect(row).to_have_count(2, timeout=15000)
    expect(row.nth(1)).to_contain_text("已损坏")
    assert wider(page) <= 0
    assert axe(page) == []
    row.nth(0).get_by_role("link", name=TITLE).click()
    expect(page.locator("#title")).to_have_value(TITLE)
    assert house.complaints == []
