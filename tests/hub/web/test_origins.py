"""Where a piece came from is told to who signs it, on its page, on the form and to programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from content import compose
from content.importing.docx import Document
from content.importing.drafts import import_docx
from content.models import Column
from hub.auth import tokens
from kernel.clock import StillClock
from tests.factories import draft
from tests.hub.web.newsroom import Newsroom, open_newsroom

FILE = "供热通知（定稿）.docx"


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    """The running hub with the office in it."""
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        yield room


def imported(room: Newsroom) -> int:
    """A piece made of a Word file, without a source's name."""
    document = Document(key="k" * 64, title="供热通知", html="<p>延长供热。</p>", pictures=(), remarks=())
    with room.office.working("author") as (work, who):
        column = work.session.get_one(Column, room.office.columns["notices"].id)
        row = import_docx(work, who, column, document, {}, room.hub.blobs, source=FILE)
    assert row.piece_id
    return row.piece_id


def outside(room: Newsroom) -> int:
    with room.office.working("author") as (work, who):
        column = work.session.get_one(Column, room.office.columns["notices"].id)
        return compose.create(work, who, column, draft=draft(), origin="outside").id


def pages(room: Newsroom, piece_id: int) -> list[str]:
    """The desk of the signer, the piece's page, and the form to print."""
    release = room.office.submit(piece_id)
    desk = room.desk_of("reviewer")
    paths = (f"signing/{release.id}", f"pieces/{piece_id}", f"signing/{release.id}/form")
    return [desk.get(f"/console/{path}").text for path in paths]


def test_what_was_imported_says_from_where_and_is_nowhere_an_original(room: Newsroom) -> None:
    for page in pages(room, imported(room)):
        assert f"导入自 {FILE}" in page
        assert "原创" not in page


def test_what_was_registered_outside_says_so(room: Newsroom) -> None:
    for page in pages(room, outside(room)):
        assert "登记外发" in page
        assert "原创" not in page


def test_an_own_piece_is_an_original_unless_it_names_a_source(room: Newsroom) -> None:
    for page in pages(room, room.office.piece().id)[:2]:
        assert "原创" in page
    for page in pages(room, room.office.piece(title="转载的", source_name="新华社").id):
        assert "新华社" in page
        assert "原创" not in page


def test_programs_are_told_the_origin(room: Newsroom) -> None:
    with room.hub.works.write() as work:
        _token, text = tokens.create(work, room.office.person("author"), "probe")
    headers = {"Authorization": f"Bearer {text}", "Accept": "application/json"}
    taken, written = imported(room), room.office.piece().id
    browser = room.browser()
    listed = browser.get("/api/v1/pieces", headers=headers).json()["pieces"]
    assert {one["id"]: one["origin"] for one in listed} == {taken: "imported", written: "own"}
    assert browser.get(f"/api/v1/pieces/{taken}", headers=headers).json()["imported_from"] == FILE
    assert browser.get(f"/api/v1/pieces/{written}", headers=headers).json()["imported_from"] == ""
