"""HEAD answers as GET does, without a body, on either host."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.outer.web.face import create_outer_app
from kernel.clock import StillClock
from tests.hub.office import Browser
from tests.hub.web.newsroom import open_newsroom

PAGES = (
    "/search",
    "/feedback",
    "/feedback/answers",
    "/feedback/ratings",
    "/push-worker.js",
    "/site-state.css",
    "/healthz",
)


@pytest.mark.parametrize("face", ["all", "outer"])
def test_a_head_is_that_of_the_page(sqlite_url: str, tmp_path: Path, clock: StillClock, face: str) -> None:
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        browser = room.browser() if face == "all" else Browser(create_outer_app(room.hub))
        paths = PAGES if face == "outer" else (*PAGES, "/api/app/v1/columns", "/console/login")
        for path in paths:
            page, head = browser.get(path), browser.head(path)
            assert (head.status_code, head.content) == (page.status_code, b""), path
            assert head.headers["content-type"] == page.headers["content-type"], path
            if path not in ("/feedback", "/console/login"):  # Whose hidden fields are new every time.
                assert head.headers["content-length"] == page.headers["content-length"], path
        assert browser.head("/no-such-page").status_code == 404


def test_files_answer_for_themselves_and_streams_are_not_begun(
    sqlite_url: str, tmp_path: Path, clock: StillClock
) -> None:
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        file = room.browser().head("/static/portal.css")
        assert (file.status_code, file.content) == (200, b"")
        assert int(file.headers["content-length"]) > 1000
        assert room.browser().head("/chat/1/events").status_code == 404
