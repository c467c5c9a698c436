"""The portal's counter: counts what is published, by the channel that led there, and learns nothing of readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from analytics.models import PageRead
from content import public
from hub.web.beacon import LONGEST_BODY
from kernel.clock import StillClock
from kernel.duties import run_due
from tests.hub.office import Browser
from tests.hub.web.newsroom import Newsroom, open_newsroom


@pytest.fixture
def newsroom(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    with open_newsroom(sqlite_url, tmp_path, clock) as newsroom:
        yield newsroom


@pytest.fixture
def path(newsroom: Newsroom) -> str:
    """The address of a published piece."""
    release = newsroom.office.signed_release("portal")
    with newsroom.hub.works.write() as work:
        public.went_live(work, release.id, work.now)
    return str(release.content["path"])


def counted(newsroom: Newsroom) -> dict[str, int]:
    """How many openings are written, by the channel that led there."""
    newsroom.hub.reads.flush()
    with newsroom.hub.works.read() as work:
        return {row.channel: row.reads for row in work.session.scalars(select(PageRead))}


def tell(browser: Browser, told: Any, **headers: str) -> None:
    answer = browser.post("/beacon", json=told, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")


def test_an_opening_is_counted_by_the_channel_that_led_there(newsroom: Newsroom, path: str) -> None:
    browser = newsroom.browser()
    tell(browser, {"path": path})
    tell(browser, {"path": path, "from": "wechat"}, **{"Sec-Fetch-Site": "same-origin"})
    for unknown in ("nowhere", "", None, 7, ["wechat"]):
        tell(browser, {"path": path, "from": unknown})
    assert counted(newsroom) == {"portal": 6, "wechat": 1}


def test_no_cookie_is_read_or_set(newsroom: Newsroom, path: str) -> None:
    browser = newsroom.log_in("officer")
    before = dict(browser.cookies)
    answer = browser.post("/beacon", json={"path": path})
    assert "set-cookie" not in answer.headers
    assert dict(browser.cookies) == before
    browser.cookies.set("xuanda", "no such session")
    tell(browser, {"path": path})
    assert counted(newsroom) == {"portal": 2}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"7",
        b'"/notices/1.html"',
        b"[]",
        b"{}",
        b'{"path": 1}',
        b'{"path": "/notices/0.html"}',
        b'{"path": "/notices/99999999999999999999.html"}',
        b"[" * LONGEST_BODY,
    ],
)
def test_rubbish_is_answered_the_same_and_not_counted(newsroom: Newsroom, body: bytes) -> None:
    answer = newsroom.browser().post("/beacon", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert counted(newsroom) == {}


def test_a_body_that_is_too_long_is_not_counted(newsroom: Newsroom, path: str) -> None:
    tell(newsroom.browser(), {"path": path, "filler": "x" * LONGEST_BODY})
    assert counted(newsroom) == {}


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "text/plain"}, {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}],
)
def test_pages_of_other_sites_count_nothing(newsroom: Newsroom, path: str, headers: dict[str, str]) -> None:
    answer = newsroom.browser().post("/beacon", content=f'{{"path": "{path}"}}', headers=headers)
    assert answer.status_code == 204
    assert counted(newsroom) == {}


def test_what_was_counted_is_written_when_the_hub_closes(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_newsroom(sqlite_url, tmp_path, clock) as newsroom:
        release = newsroom.office.signed_release("portal")
        with newsroom.hub.works.write() as work:
            public.went_live(work, release.id, work.now)
        tell(newsroom.browser(), {"path": release.content["path"]})
        newsroom.hub.close()
        with newsroom.hub.works.read() as work:
            assert work.session.scalars(select(PageRead.reads)).all() == [1]


def test_the_duties_of_what_comes_back_run(newsroom: Newsroom, path: str) -> None:
    tell(newsroom.browser(), {"path": path})
    newsroom.hub.reads.flush()
    names = {"readings.collect", "plan.refresh"}
    duties = [duty for duty in newsroom.hub.duties if duty.name in names]
    assert set(run_due(newsroom.hub.works, duties)) == names
