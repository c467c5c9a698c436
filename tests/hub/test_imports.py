"""What is fetched passes the guard and has its limits; each entry is a work of its own."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from channels.transport import Guard, PrivateAddress, client
from content.importing.errors import NotFetched, TooLargeToImport
from content.importing.feeds import read_feed
from content.importing.models import ImportRun
from content.models import Asset, Piece, Revision
from hub import imports
from hub.imports import DEAD_AFTER, MOST_HOPS, Fetched, Fetcher
from hub.notices import Notice
from kernel.clock import StillClock
from kernel.errors import Invalid
from tests.factories import picture_bytes
from tests.hub.origin import Origin, origin
from tests.hub.web.newsroom import Newsroom, open_newsroom

RSS = """<?xml version="1.0" encoding="gb2312"?><rss version="2.0"><channel><title>云州市水务局</title>
<link>{site}/</link>{items}</channel></rss>"""
ITEM = """<item><title>第{n}期停水通知</title><link>/{n}.html</link><pubDate>2026-02-0{n} 10:00</pubDate>
<description><![CDATA[<p>停水。</p><img src="/{n}.png">]]></description></item>"""


def rss(site: Origin, *numbers: int) -> bytes:
    items = "".join(ITEM.format(n=n) for n in numbers)
    return RSS.format(site=site.address, items=items).encode("gb2312")


@pytest.fixture
def site() -> Iterator[Origin]:
    """Another office's site."""
    with origin() as site:
        yield site


@pytest.fixture
def fetcher(site: Origin) -> Iterator[Fetcher]:
    """A fetcher that may reach this one private address."""
    with client(Guard([f"127.0.0.1:{site.port}"]), 5) as http:
        yield Fetcher(http)


@pytest.fixture
def newsroom(sqlite_url: str, tmp_path: Path, clock: StillClock, site: Origin) -> Iterator[Newsroom]:
    """The office, whose hub may reach the other office."""
    with open_newsroom(sqlite_url, tmp_path, clock, allowed_private=f"127.0.0.1:{site.port}") as newsroom:
        yield newsroom


# --- fetching --------------------------------------------------------------------------------------------------


def test_a_page_is_fetched_through_redirects(site: Origin, fetcher: Fetcher) -> None:
    site.put("/old", b"", status=302, Location="/new")
    site.put("/new", b"feed", "text/xml; charset=gb2312")
    assert fetcher.get(f"{site.address}/old", 100) == Fetched(
        b"feed", "text/xml; charset=gb2312", f"{site.address}/new"
    )


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/", "http://169.254.169.254/latest", "http://[::1]:1/"])
def test_a_redirect_into_a_private_network_is_refused(site: Origin, fetcher: Fetcher, target: str) -> None:
    site.put("/old", b"", status=302, Location=target)
    with pytest.raises(PrivateAddress):
        fetcher.get(f"{site.address}/old", 100)
    assert fetcher.picture(f"{site.address}/old") is None


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://a.example/x", "gopher://x", "http://", "//x", "http://[::"]
)
def test_only_the_web_is_read(fetcher: Fetcher, address: str) -> None:
    with pytest.raises(NotFetched):
        fetcher.get(address, 100)


def test_endless_redirects_and_refusals_are_told(site: Origin, fetcher: Fetcher) -> None:
    site.put("/round", b"", status=302, Location="/round")
    with pytest.raises(NotFetched, match="跳转次数过多"):
        fetcher.get(f"{site.address}/round", 100)
    assert len(site.asked) == MOST_HOPS + 1
    with pytest.raises(NotFetched, match="404"):
        fetcher.get(f"{site.address}/none", 100)


def test_what_is_too_large_is_cut_off_packed_or_not(site: Origin, fetcher: Fetcher) -> None:
    site.put("/large", b"x" * 3_000_000)
    site.put("/packed", gzip.compress(b"x" * 3_000_000), **{"Content-Encoding": "gzip"})
    for path in ("/large", "/packed"):
        with pytest.raises(TooLargeToImport):
            fetcher.get(site.address + path, 1_000_000)


def test_a_host_that_does_not_answer_is_asked_no_more(site: Origin) -> None:
    asked = []

    def fail(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise httpx.ConnectTimeout("slow")

    with httpx.Client(transport=httpx.MockTransport(fail)) as http:
        fetcher = Fetcher(http)
        assert [fetcher.picture(f"http://a.example/{n}.png") for n in range(6)] == [None] * 6
    assert len(asked) == DEAD_AFTER


def test_missing_pictures_do_not_make_a_host_dead(site: Origin, fetcher: Fetcher) -> None:
    for n in range(6):
        fetcher.picture(f"{site.address}/{n}.png")
    assert len(site.asked) == 6


def test_a_picture_inside_the_text_needs_no_fetching(fetcher: Fetcher) -> None:
    data = picture_bytes()
    inline = "data:image/png;base64," + base64.b64encode(data).decode()
    assert fetcher.picture(inline) == data
    assert fetcher.picture("data:image/png;base64,abc") is None
    assert fetcher.picture("data:image/svg+xml,<svg/>") is None


# --- taking over -----------------------------------------------------------------------------------------------


def test_a_feed_is_taken_over_oldest_first_and_once(newsroom: Newsroom, site: Origin, fetcher: Fetcher) -> None:
    who, actor = newsroom.office.who("author"), newsroom.office.actor("author")
    column_id = newsroom.office.columns["notices"].id
    site.put("/2.png", picture_bytes("red"), "image/png")
    feed = read_feed(rss(site, 3, 2, 1), "text/xml", site.address)
    told: list[str] = []
    report = imports.take_feed(
        newsroom.hub, who, actor, column_id, feed, fetcher.picture, lambda row: told.append(row.title)
    )
    assert told == ["第1期停水通知", "第2期停水通知", "第3期停水通知"]
    assert [row.state for row in report.rows] == ["new", "new", "new"]
    assert [bool(row.remarks) for row in report.rows] == [True, False, True]
    again = imports.take_feed(newsroom.hub, who, actor, column_id, read_feed(rss(site, 4, 3)), fetcher.picture)
    assert [row.state for row in again.rows] == ["known", "new"]
    assert site.asked == ["/1.png", "/2.png", "/3.png", "/4.png"]
    with newsroom.hub.works.read() as work:
        assert work.session.scalar(select(func.count()).select_from(Piece)) == 4
        assert work.session.scalar(select(func.count()).select_from(Asset)) == 1


def test_no_transaction_is_open_while_pictures_are_fetched(newsroom: Newsroom, site: Origin) -> None:
    def fetch(_address: str) -> bytes:
        # Another work can begin: nobody holds the turn to write.
        with newsroom.hub.works.write() as work:
            assert work.session.scalar(select(func.count()).select_from(Piece)) is not None
        return picture_bytes()

    who, actor = newsroom.office.who("author"), newsroom.office.actor("author")
    column_id = newsroom.office.columns["notices"].id
    report = imports.take_feed(newsroom.hub, who, actor, column_id, read_feed(rss(site, 1)), fetch)
    assert report.count("new") == 1


def test_an_entry_that_fails_stops_no_other(newsroom: Newsroom, site: Origin) -> None:
    stranger = newsroom.office.who("stranger")
    column_id = newsroom.office.columns["notices"].id
    feed = read_feed(rss(site, 1, 2))
    report = imports.take_feed(
        newsroom.hub, stranger, newsroom.office.actor("stranger"), column_id, feed, lambda _address: None
    )
    assert [row.state for row in report.rows] == ["failed", "failed"]
    assert "没有权限" in report.rows[0].remarks[0]


# --- runs ------------------------------------------------------------------------------------------------------


def begin(newsroom: Newsroom, source: str) -> int:
    with newsroom.office.working("author") as (work, who):
        column = newsroom.office.columns["notices"]
        return imports.begin_run(work, who, column, source).id


def run(newsroom: Newsroom, source: str, given: Fetched | None = None) -> ImportRun:
    run_id = begin(newsroom, source)
    imports.run_feed(newsroom.hub, newsroom.office.who("author"), newsroom.office.actor("author"), run_id, given)
    with newsroom.hub.works.read() as work:
        return work.session.get_one(ImportRun, run_id)


def test_a_run_keeps_what_became_of_every_entry_and_tells_its_person(newsroom: Newsroom, site: Origin) -> None:
    site.put("/rss.xml", rss(site, 2, 1), "text/xml")
    done = run(newsroom, f"{site.address}/rss.xml")
    assert (done.total, done.fault) == (2, "")
    assert [row["state"] for row in done.rows] == ["new", "new"]
    assert done.finished_at is not None
    with newsroom.hub.works.read() as work:
        notice = work.session.scalars(select(Notice).where(Notice.kind == "import.finished")).one()
        sources = set(work.session.scalars(select(Revision.source_url)))
    assert (notice.title, notice.text) == ("导入完成", "新增 2 篇")
    assert notice.link == f"/console/import/{done.id}"
    assert sources == {f"{site.address}/1.html", f"{site.address}/2.html"}


@pytest.mark.parametrize(("path", "words"), [("/none", "404"), ("/page", "这是一个网页"), ("/bomb", "实体")])
def test_a_run_that_fails_says_why(newsroom: Newsroom, site: Origin, path: str, words: str) -> None:
    site.put("/page", b"<html></html>", "text/html")
    site.put("/bomb", b'<!DOCTYPE rss [<!ENTITY a "b">]><rss/>')
    done = run(newsroom, site.address + path)
    assert words in done.fault
    assert done.finished_at is not None


def test_a_broken_source_of_which_nothing_came_is_no_success(newsroom: Newsroom, site: Origin) -> None:
    site.put("/cut", b"<rss><channel><title>x</title><item><title>a", "text/xml")
    assert "不是规范的 XML" in run(newsroom, f"{site.address}/cut").fault
    site.put("/empty", b"<rss version='2.0'><channel><title>x</title></channel></rss>", "text/xml")
    assert run(newsroom, f"{site.address}/empty").fault == ""


def test_one_run_at_a_time_unless_the_last_one_died(newsroom: Newsroom, clock: StillClock) -> None:
    begin(newsroom, "http://a.example/")
    with pytest.raises(Invalid):
        begin(newsroom, "http://a.example/")
    clock.step(minutes=4)
    assert begin(newsroom, "http://a.example/")


def test_a_run_ends_even_when_something_unforeseen_happens(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "take_feed", lambda *_given: 1 / 0)
    run_id = begin(newsroom, "a.xml")
    given = Fetched(b'<rss version="2.0"><channel><title>x</title></channel></rss>', "", "")
    with pytest.raises(ZeroDivisionError):
        imports.run_feed(newsroom.hub, newsroom.office.who("author"), newsroom.office.actor("author"), run_id, given)
    with newsroom.hub.works.read() as work:
        done = work.session.get_one(ImportRun, run_id)
    assert done.finished_at is not None
    assert "系统出了问题" in done.fault
