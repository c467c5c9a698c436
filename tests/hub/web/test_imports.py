"""导入 over HTTP: documents and feeds by page and API, runs that can be left, a document for the editor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from content.importing.models import ImportRun
from content.models import Asset, Piece, Revision
from hub import imports
from hub.auth import tokens
from kernel.audit import AuditLine
from kernel.clock import StillClock
from tests.content.importing.test_docx import CHART
from tests.content.importing.word import build, line, notice, raw
from tests.factories import picture_bytes
from tests.hub.origin import Origin, origin
from tests.hub.test_imports import rss
from tests.hub.web.newsroom import Newsroom, open_newsroom

DOC = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)
JSON = {"Accept": "application/json"}


@pytest.fixture
def site() -> Iterator[Origin]:
    """Another office's site."""
    with origin() as site:
        yield site


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock, site: Origin) -> Iterator[Newsroom]:
    """The running hub, which may reach the other office."""
    with open_newsroom(sqlite_url, tmp_path, clock, allowed_private=f"127.0.0.1:{site.port}") as room:
        yield room


def column(room: Newsroom, name: str = "notices") -> str:
    return str(room.office.columns[name].id)


def upload(room: Newsroom, path: str, *files: tuple[str, bytes], by: str = "author", **more: Any) -> Any:
    """Posts files with the form's own fields; `headers` and the name of the file field may be given."""
    browser = room.desk_of(by)
    field, headers = more.pop("field", "files"), more.pop("headers", {})
    sent = [(field, (name, data)) for name, data in files]
    form = {"csrf": browser.csrf, **more}
    return browser.post(path, data=form, files=sent, headers=headers, follow_redirects=False)


def pieces(room: Newsroom) -> list[Piece]:
    with room.hub.works.read() as work:
        return list(work.session.scalars(select(Piece).order_by(Piece.id)))


# --- documents -------------------------------------------------------------------------------------------------


def test_documents_become_drafts_and_each_is_told(room: Newsroom) -> None:
    path, chosen = "/console/import/docx", column(room)
    answer = upload(room, path, ("通知.docx", notice()), ("旧.doc", DOC), docx_column=chosen)
    assert answer.status_code == 200
    piece = pieces(room)[0]
    assert f'href="/console/pieces/{piece.id}">关于进一步加强城区供热管理工作的通知</a>' in answer.text
    assert "旧版 Word（.doc）" in answer.text
    assert (piece.origin, piece.author_id) == ("imported", room.office.person("author").id)
    again = upload(room, path, ("通知.docx", notice()), docx_column=chosen, headers=JSON)
    assert again.json()["rows"][0] == {
        "state": "known",
        "title": piece.title,
        "piece": piece.id,
        "href": f"/console/pieces/{piece.id}",
        "remarks": ["同一文件已导入过。"],
    }
    assert len(pieces(room)) == 1


def test_a_document_without_a_title_takes_its_name(room: Newsroom) -> None:
    data = build(line("正文第一段。"))
    answer = upload(
        room, "/console/import/docx", ("C:\\稿件\\春季植树.docx", data), docx_column=column(room), headers=JSON
    )
    assert answer.json()["rows"][0]["remarks"] == ["没有找到标题，暂用文件名。"]
    assert pieces(room)[0].title.endswith("春季植树")


@pytest.mark.parametrize("chosen", ["", "999", "water"])
def test_a_column_out_of_reach_is_refused_beside_its_field(room: Newsroom, chosen: str) -> None:
    chosen = column(room, "water") if chosen == "water" else chosen
    answer = upload(room, "/console/import/docx", ("a.docx", notice()), docx_column=chosen)
    assert answer.status_code == 422
    assert 'id="docx_column-error"' in answer.text
    answer = upload(room, "/console/import/docx", ("a.docx", notice()), docx_column=chosen, headers=JSON)
    assert (answer.status_code, answer.json()["field"]) == (422, "docx_column")
    answer = room.desk_of("author").send_form("/console/import/feed", feed_column=chosen, address="http://a.example/")
    assert answer.status_code == 422
    assert 'id="feed_column-error"' in answer.text
    assert pieces(room) == []


def test_whoever_may_not_write_may_not_import(room: Newsroom) -> None:
    assert room.desk_of("reviewer").get("/console/import").status_code == 403
    assert upload(room, "/console/import/docx", ("a.docx", notice()), by="reviewer").status_code == 403
    assert 'href="/console/import"' not in room.desk_of("reviewer").get("/console/pieces").text
    assert 'href="/console/import"' in room.desk_of("author").get("/console/pieces").text


# --- feeds -----------------------------------------------------------------------------------------------------


def test_a_feed_runs_on_after_the_answer_and_is_shown(room: Newsroom, site: Origin) -> None:
    site.put("/rss.xml", rss(site, 2, 1), "text/xml")
    site.put("/1.png", picture_bytes(), "image/png")
    browser = room.desk_of("author")
    begun = browser.send_form("/console/import/feed", feed_column=column(room), address=f" {site.address}/rss.xml ")
    assert begun.status_code == 303
    run = browser.get(begun.headers["location"])
    assert "新增 2 篇" in run.text
    assert "hx-trigger" not in run.text
    assert run.text.count('<a class="table__title" href="/console/pieces/') == 2
    assert "有 1 张图片未能读取" in run.text
    assert "新增 2 篇" in browser.get("/console/import").text
    with room.hub.works.read() as work:
        acts = work.session.scalars(
            select(AuditLine.act).where(AuditLine.act.like("import.%")).order_by(AuditLine.seq)
        ).all()
    assert acts == ["import.started", "import.finished"]


def test_a_feed_may_be_a_file(room: Newsroom, site: Origin) -> None:
    given = ("下载.xml", rss(site, 1))
    begun = upload(room, "/console/import/feed", given, field="file", feed_column=column(room), address="")
    assert "下载.xml" in room.desk_of("author").get(begun.headers["location"]).text
    assert [piece.title for piece in pieces(room)] == ["第1期停水通知"]


@pytest.mark.parametrize("address", ["", "ftp://a.example/", "a.example", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused_beside_its_field(room: Newsroom, address: str) -> None:
    answer = room.desk_of("author").send_form("/console/import/feed", feed_column=column(room), address=address)
    assert answer.status_code == 422
    assert 'id="address-error"' in answer.text


def test_a_private_address_is_told_and_not_called(room: Newsroom) -> None:
    browser = room.desk_of("author")
    begun = browser.send_form("/console/import/feed", feed_column=column(room), address="http://127.0.0.1:1/rss.xml")
    page = browser.get(begun.headers["location"])
    assert "127.0.0.1 指向内网地址" in page.text
    assert "没有完成" in page.text


def begin(room: Newsroom, **changes: Any) -> int:
    with room.office.working("author") as (work, who):
        run = imports.begin_run(work, who, room.office.columns["notices"], "https://a.example/rss.xml")
        for name, value in changes.items():
            setattr(run, name, value)
        return run.id


def test_a_run_shows_how_far_it_is_and_that_it_stopped(room: Newsroom, clock: StillClock) -> None:
    row = {"state": "new", "title": "甲", "link": "", "piece_id": None, "remarks": []}
    run_id = begin(room, total=3, rows=[row])
    browser = room.desk_of("author")
    part = browser.get(f"/console/import/{run_id}/progress")
    assert 'hx-trigger="every 2s"' in part.text
    assert '<progress class="progress__bar" value="1" max="3"' in part.text
    assert "<html" not in part.text
    clock.step(minutes=4)
    stopped = browser.get(f"/console/import/{run_id}/progress")
    assert "导入中断了" in stopped.text
    assert "hx-trigger" not in stopped.text


def test_a_run_is_its_persons_own(room: Newsroom) -> None:
    run_id = begin(room)
    for path in (f"/console/import/{run_id}", f"/console/import/{run_id}/progress"):
        assert room.desk_of("officer").get(path).status_code == 404
        assert room.desk_of("author").get(path).status_code == 200


def test_pages_draw_in_english(room: Newsroom) -> None:
    browser = room.desk_of("author")
    browser.send_form("/console/language", language="en")
    assert "Word documents" in browser.get("/console/import").text
    assert "Reading the feed" in browser.get(f"/console/import/{begin(room)}").text


# --- the editor ------------------------------------------------------------------------------------------------


def test_a_document_for_the_editor_comes_with_its_pictures_and_changes_no_text(room: Newsroom) -> None:
    piece = room.office.piece(body="<p>原文</p>")
    document = ("通知.docx", notice())
    answer = upload(room, f"/console/pieces/{piece.id}/docx", document, field="file", headers=JSON)
    said = answer.json()
    assert said["title"] == "关于进一步加强城区供热管理工作的通知"
    assert said["remarks"] == []
    with room.hub.works.read() as work:
        assets = work.session.scalars(select(Asset).where(Asset.piece_id == piece.id).order_by(Asset.id)).all()
        body = work.session.scalars(select(Revision.body).where(Revision.piece_id == piece.id)).one()
        assert said["version"] == work.session.get_one(Piece, piece.id).version
    assert body == "<p>原文</p>"
    for asset in assets:
        assert f'<img src="/console/media/{asset.sha256}.jpg" alt="{asset.alt}">' in said["html"]
    assert len(assets) == 2
    form = {"version": said["version"], "title": said["title"], "body": said["html"]}
    assert room.desk_of("author").send_form(f"/console/pieces/{piece.id}/autosave", **form).status_code == 200
    with room.hub.works.read() as work:
        kept = work.session.scalars(select(Revision.body).where(Revision.piece_id == piece.id)).one()
    assert kept == said["html"].replace("/console/media/", "/media/")


def test_what_was_not_converted_is_told_to_the_editor(room: Newsroom) -> None:
    piece = room.office.piece()
    document = ("图表.docx", build(line("前。"), raw(CHART)))
    said = upload(room, f"/console/pieces/{piece.id}/docx", document, field="file", headers=JSON).json()
    assert said["html"].count("data-unread") == 1
    assert said["remarks"] == ["图表 1 个没能转换，已用红框标出，请上传截图。"]


def test_a_refused_document_leaves_the_piece_alone(room: Newsroom) -> None:
    piece = room.office.piece()
    path = f"/console/pieces/{piece.id}/docx"
    answer = upload(room, path, ("旧.doc", DOC), field="file", headers=JSON)
    assert (answer.status_code, answer.json()["error"]) == (422, "NotADocument")
    assert upload(room, path, ("a.docx", notice()), field="file", by="stranger").status_code == 404
    with room.hub.works.read() as work:
        assert work.session.scalars(select(Asset)).all() == []


# --- for programs ----------------------------------------------------------------------------------------------


def program(room: Newsroom, login: str = "author") -> dict[str, str]:
    with room.hub.works.write() as work:
        _token, text = tokens.create(work, room.office.person(login), "import")
    return {"Authorization": f"Bearer {text}"}


def test_a_program_sends_documents(room: Newsroom) -> None:
    key, browser = program(room), room.browser()
    sent = {"data": {"column": "notices"}, "files": [("files", ("a.docx", notice())), ("files", ("b.doc", DOC))]}
    rows = browser.post("/api/v1/imports/docx", headers=key, **sent).json()["rows"]
    assert [row["state"] for row in rows] == ["new", "failed"]
    wrong = browser.post("/api/v1/imports/docx", headers=key, data={"column": "water"}, files=sent["files"])
    assert (wrong.status_code, wrong.json()["field"]) == (422, "column")


def test_a_program_sends_a_feed_and_asks_how_it_goes(room: Newsroom, site: Origin) -> None:
    site.put("/rss.xml", rss(site, 1), "text/xml")
    key, browser = program(room), room.browser()
    form = {"column": "notices", "address": f"{site.address}/rss.xml"}
    begun = browser.post("/api/v1/imports/feed", headers=key, data=form)
    assert begun.status_code == 202
    told = browser.get(begun.json()["href"], headers=key).json()
    assert (told["finished"], told["fault"], told["total"]) == (True, "", 1)
    assert [row["state"] for row in told["rows"]] == ["new"]
    assert browser.get(begun.json()["href"], headers=program(room, "officer")).status_code == 404


def test_the_run_is_kept_when_the_feed_is_none(room: Newsroom, site: Origin) -> None:
    site.put("/page", b"<html></html>", "text/html")
    form = {"column": "notices", "address": f"{site.address}/page"}
    room.browser().post("/api/v1/imports/feed", headers=program(room), data=form)
    with room.hub.works.read() as work:
        run = work.session.scalars(select(ImportRun)).one()
    assert "这是一个网页" in run.fault
    assert run.finished_at is not None
