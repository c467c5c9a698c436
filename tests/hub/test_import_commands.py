"""`xuanda import`: what became of every entry is told, and the exit code says whether all went well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from content.importing.errors import NotAFeed
from content.models import Piece
from hub import cli
from hub.errors import CannotRun
from kernel.clock import StillClock
from kernel.errors import Invalid
from tests.content.importing.word import notice
from tests.hub.origin import Origin, origin
from tests.hub.test_imports import rss
from tests.hub.web.newsroom import Newsroom, open_newsroom


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Origin]:
    """Another office's site, which this installation may reach."""
    with origin() as site:
        monkeypatch.setenv("XUANDA_ALLOWED_PRIVATE", f"127.0.0.1:{site.port}")
        yield site


@pytest.fixture
def newsroom(sqlite_url: str, tmp_path: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsroom]:
    """The office that the commands work on."""
    monkeypatch.setenv("XUANDA_DATA", str(tmp_path))
    monkeypatch.setenv("XUANDA_DATABASE_URL", sqlite_url)
    with open_newsroom(sqlite_url, tmp_path, clock) as newsroom:
        yield newsroom


def xuanda(*arguments: str, login: str = "author", column: str = "notices") -> Result:
    return CliRunner().invoke(cli.app, ["import", *arguments, "--column", column, "--login", login])


def titles(newsroom: Newsroom) -> list[tuple[str, int]]:
    with newsroom.hub.works.read() as work:
        return [tuple(row) for row in work.session.execute(select(Piece.title, Piece.author_id).order_by(Piece.id))]


def test_a_feed_by_its_address(newsroom: Newsroom, site: Origin) -> None:
    site.put("/rss.xml", rss(site, 2, 1), "text/xml")
    first = xuanda("feed", f"{site.address}/rss.xml")
    assert (first.exit_code, first.output.splitlines()[-1]) == (
        0,
        "2 new, 0 already there, 0 changed at its source, 0 FAILED",
    )
    assert "new: 第1期停水通知 (piece 1)\n    有 1 张图片未能读取" in first.output
    author = newsroom.office.person("author").id
    assert titles(newsroom) == [("第1期停水通知", author), ("第2期停水通知", author)]
    site.put("/rss.xml", rss(site, 3, 2).replace("停水。".encode("gb2312"), "改期。".encode("gb2312")), "text/xml")
    second = xuanda("feed", f"{site.address}/rss.xml")
    assert second.exit_code == 0
    assert "changed at its source: 第2期停水通知 (piece 2)" in second.output
    assert second.output.splitlines()[-1] == "1 new, 0 already there, 1 changed at its source, 0 FAILED"


def test_a_feed_from_a_file(newsroom: Newsroom, site: Origin, tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_bytes(rss(site, 1))
    assert xuanda("feed", str(file)).exit_code == 0
    assert titles(newsroom)[0][0] == "第1期停水通知"


def test_what_is_no_feed_fails(newsroom: Newsroom, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html></html>")
    assert isinstance(xuanda("feed", str(page)).exception, NotAFeed)
    empty = tmp_path / "empty.xml"
    empty.write_text('<rss version="2.0"><channel><title>x</title></channel></rss>')
    result = xuanda("feed", str(empty))
    assert (result.exit_code, result.output) == (1, "Nothing was read.\n")


def test_documents(newsroom: Newsroom, tmp_path: Path) -> None:
    good, old = tmp_path / "通知.docx", tmp_path / "旧.docx"
    good.write_bytes(notice())
    old.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    result = xuanda("docx", str(good), str(old))
    assert result.exit_code == 1
    assert "new: 关于进一步加强城区供热管理工作的通知 (piece 1)" in result.stdout
    assert "FAILED: 旧\n" in result.stderr
    assert "旧版 Word（.doc）" in result.stderr
    assert xuanda("docx", str(good)).exit_code == 0
    assert len(titles(newsroom)) == 1


@pytest.mark.parametrize(
    ("arguments", "login", "column", "error"),
    [
        (["feed", "none.xml"], "author", "notices", CannotRun),
        (["docx", "none.docx"], "author", "notices", CannotRun),
        (["feed", "FEED"], "nobody", "notices", CannotRun),
        (["feed", "FEED"], "author", "nowhere", Invalid),
    ],
)
def test_what_cannot_be_done_is_one_line(
    newsroom: Newsroom, tmp_path: Path, arguments: list[str], login: str, column: str, error: type[Exception]
) -> None:
    (tmp_path / "FEED").write_text('<rss version="2.0"><channel><title>x</title></channel></rss>')
    given = [str(tmp_path / word) if word == "FEED" else word for word in arguments]
    assert isinstance(xuanda(*given, login=login, column=column).exception, error)


def test_the_persons_rights_hold(newsroom: Newsroom, site: Origin, tmp_path: Path) -> None:
    file = tmp_path / "feed.xml"
    file.write_bytes(rss(site, 1))
    for login in ("stranger", "reviewer"):
        result = xuanda("feed", str(file), login=login)
        assert result.exit_code == 1
        assert "没有权限" in result.stderr
    assert titles(newsroom) == []
