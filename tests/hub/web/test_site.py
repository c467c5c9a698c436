"""The portal's files as the hub serves them itself."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.clock import StillClock
from tests.hub.web.newsroom import Newsroom, open_newsroom


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    """A running hub."""
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        yield room


def test_captions_come_with_their_type_on_a_machine_that_does_not_know_it(
    room: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    mimetypes.init()
    monkeypatch.delitem(mimetypes.types_map, ".vtt", raising=False)
    file = room.hub.settings.site_folder / "files" / ("a" * 64) / "片 一.vtt"
    file.parent.mkdir(parents=True)
    file.write_text("WEBVTT\n")
    answer = room.browser().get(f"/files/{'a' * 64}/片 一.vtt")
    assert (answer.text, answer.headers["content-type"]) == ("WEBVTT\n", "text/vtt; charset=utf-8")
    assert answer.headers["cache-control"] == "no-cache"
    assert "media-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert room.browser().get(f"/files/{'b' * 64}/片.vtt").status_code == 404


def test_a_withdrawn_page_says_so_to_whoever_has_its_page_already(room: Newsroom) -> None:
    page = room.hub.settings.site_folder / "notices" / "7.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>该内容已撤下。</p>", "utf-8")
    page.with_name("7.html.gone").touch()
    first = room.browser().get("/notices/7.html")
    held = {"If-None-Match": first.headers["etag"], "If-Modified-Since": first.headers["last-modified"]}
    again = room.browser().get("/notices/7.html", headers=held)
    assert [one.status_code for one in (first, again)] == [410, 410]
    assert again.text == first.text
    page.with_name("7.html.gone").unlink()
    assert room.browser().get("/notices/7.html", headers=held).status_code == 304
