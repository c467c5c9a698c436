"""A film on the portal, in a real browser and as the hub serves it: its captions come with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from content.captions import MEDIA_TYPE
from hub import whole_portal
from kernel.clock import SystemClock
from tests.journeys.editorial import axe, running

pytestmark = pytest.mark.browser

CAPTIONS = "WEBVTT\n\n00:00.500 --> 00:02.000\n供热管网检修\n\n00:02.000 --> 00:04.000\n三月底完成\n"
# What the browser made of the track once it has loaded it, or its failing to.
LOADED = """
() => new Promise((done) => {
  const track = document.querySelector("video track");
  const told = () => done([track.readyState, [...(track.track.cues || [])].map((cue) => cue.text), track.track.mode]);
  if (track.readyState >= 2) { told(); return; }
  track.addEventListener("load", told);
  track.addEventListener("error", told);
})
"""


@pytest.mark.parametrize("width", [1280, 375])
def test_the_captions_of_a_film_are_loaded_as_the_page_is(
    browser: Browser, sqlite_url: str, tmp_path: Path, width: int
) -> None:
    with running(browser, sqlite_url, tmp_path, SystemClock()) as house:
        office, hub = house.newsroom.office, house.newsroom.hub
        piece = office.piece(kind="video", title="供热检修", fields={"transcript": "供热管网检修，三月底完成。"})
        office.attachment(piece.id, name="片.mp4", data=b"film")
        office.attachment(piece.id, name="片.vtt", data=CAPTIONS.encode())
        release = office.sign_off(office.submit(piece.id).id)
        house.newsroom.go_live(release)
        whole_portal.rebuild_site(hub, lambda _progress: None)
        page = house.page(width)
        with page.expect_response("**/*.vtt") as came:
            answer = page.goto(f"{house.address}{release.content['path']}")
        assert answer is not None
        assert "media-src 'self'" in answer.headers["content-security-policy"]
        assert came.value.status == 200
        assert came.value.headers["content-type"].startswith(MEDIA_TYPE)
        assert page.evaluate(LOADED) == [2, ["供热管网检修", "三月底完成"], "showing"]
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        assert axe(page) == []
        assert house.complaints == []
