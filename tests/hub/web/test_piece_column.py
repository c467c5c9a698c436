"""移动栏目 in the console: who may, what is said, what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from content.models import Column, Piece
from kernel.clock import StillClock
from tests.hub.web.newsroom import Newsroom, open_newsroom


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    """The hub with a second column of notices."""
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        with room.hub.works.write() as work:
            column = Column(unit_id=room.office.bureau.id, slug="bulletins", name="公示公告", kind="notice")
            work.session.add(column)
            work.session.flush()
        room.office.columns["bulletins"] = column
        yield room


def test_a_draft_is_moved_and_its_history_says_so(room: Newsroom) -> None:
    piece = room.office.piece()
    browser = room.desk_of("author")
    page = browser.get(f"/console/pieces/{piece.id}/column").text
    assert "公示公告" in page
    assert "工作动态" not in page
    answer = browser.send_form(f"/console/pieces/{piece.id}/column", column=str(room.office.columns["bulletins"].id))
    assert answer.status_code == 303
    assert "公示公告" in browser.get(f"/console/pieces/{piece.id}").text
    assert "移动栏目" in browser.get(f"/console/pieces/{piece.id}/history").text


@pytest.mark.parametrize("column", ["", "x", "-1", "9" * 30, "²", "1", "0"])
def test_what_is_no_such_column_is_refused_beside_the_field(room: Newsroom, column: str) -> None:
    piece = room.office.piece()
    answer = room.desk_of("author").send_form(f"/console/pieces/{piece.id}/column", column=column)
    assert answer.status_code == 422
    assert "栏目" in answer.text
    with room.hub.works.read() as work:
        assert work.session.get_one(Piece, piece.id).column_id == piece.column_id
