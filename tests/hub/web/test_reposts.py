"""转载任务 through the web: a feed of another office is watched, its item becomes a draft, a deadline is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from channels.accounts.models import Account
from content.models import Piece, Revision
from hub import reposting
from hub.notices import Notice
from kernel.clock import StillClock
from kernel.people import Role
from scheduler.reposting.models import FeedItem, RepostTask, WatchedFeed
from tests.factories import picture_bytes
from tests.hub.origin import Origin, origin
from tests.hub.web.newsroom import Newsroom, open_newsroom
from tests.hub.web.test_api_piece_acts import Program

RSS = '<?xml version="1.0"?><rss version="2.0"><channel><title>云省人民政府</title>{items}</channel></rss>'
ITEM = """<item><title>省政府部署第{n}项工作</title><link>{site}/{n}.html</link><description>
<![CDATA[<p>部署。</p><img src="{site}/{n}.png" alt="会场">]]></description></item>"""
BASE = "/console/reposts"


@dataclass
class Watched:
    """A newsroom that watches the other office's feed for its portal."""

    room: Newsroom
    site: Origin
    feed_id: int = 0

    def shows(self, *numbers: int) -> None:
        """The feed has these items now."""
        items = "".join(ITEM.format(n=n, site=self.site.address) for n in numbers)
        self.site.put("/rss.xml", RSS.format(items=items).encode())

    def rows(self, model: Any) -> list[Any]:
        """All of a table."""
        with self.room.hub.works.read() as work:
            return list(work.session.scalars(select(model).order_by(model.id)))

    def told(self, person: str) -> list[str]:
        """The kinds of notices a person was told, in order."""
        number = self.room.office.people[person].id
        return [row.kind for row in self.rows(Notice) if row.person_id == number]

    def form(self, **words: Any) -> dict[str, Any]:
        """The settings of the feed."""
        office = self.room.office
        usual = {
            "name": "省政府网", "address": f"{self.site.address}/rss.xml", "unit": str(office.bureau.id),
            "column": str(office.columns["notices"].id), "role": "officer", "hours": "8", "active": "1",
            "accounts": str(office.accounts["portal"].id),
        }  # fmt: skip
        return usual | words


@pytest.fixture
def watched(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Watched]:
    """It showed one item when watching began, and a new one ten minutes later."""
    with (
        origin() as site,
        open_newsroom(sqlite_url, tmp_path, clock, allowed_private=f"127.0.0.1:{site.port}") as room,
    ):
        with room.hub.works.write() as work:
            work.session.get_one(Account, room.office.accounts["portal"].id).unit_id = room.office.bureau.id
        watched = Watched(room, site)
        watched.shows(1)
        answer = room.desk_of("officer").send_form(f"{BASE}/feeds", **watched.form())
        assert answer.status_code == 303, answer.text
        watched.feed_id = watched.rows(WatchedFeed)[0].id
        clock.step(minutes=10)
        watched.shows(2, 1)
        assert reposting.watch(room.hub) == 1
        yield watched


def test_a_new_item_becomes_a_task_and_by_one_click_a_draft_with_its_source(watched: Watched) -> None:
    room, (task,) = watched.room, watched.rows(RepostTask)
    author, stranger = room.desk_of("author"), room.desk_of("stranger")
    assert watched.told("author") == ["repost.opened"]
    assert "省政府部署第2项工作" in author.get("/console").text
    for path in (BASE, f"{BASE}?state=open&mine=1&feed={watched.feed_id}", f"{BASE}/{task.id}"):
        assert "省政府部署第2项工作" in author.get(path).text
    assert "省政府部署第2项工作" not in author.get(f"{BASE}?state=overdue").text
    assert "省政府部署" not in stranger.get(BASE).text
    assert stranger.get(f"{BASE}/{task.id}").status_code == 404
    assert stranger.get(f"{BASE}/feeds/{watched.feed_id}").status_code == 404
    watched.site.put("/2.png", picture_bytes("red"), "image/png")
    answer = author.send_form(f"{BASE}/{task.id}/draft", column=str(room.office.columns["notices"].id))
    (piece,) = watched.rows(Piece)
    assert answer.headers["location"] == f"/console/pieces/{piece.id}"
    (revision,) = watched.rows(Revision)
    assert (revision.source_name, revision.source_url) == ("云省人民政府", f"{watched.site.address}/2.html")
    assert "/media/" in revision.body
    assert watched.rows(RepostTask)[0].piece_id == piece.id
    again = author.send_form(f"{BASE}/{task.id}/draft", column="")
    assert again.headers["location"] == f"/console/pieces/{piece.id}"
    assert len(watched.rows(Piece)) == 1


def test_deadlines_are_told_before_and_after_to_those_who_must(watched: Watched, clock: StillClock) -> None:
    hub = watched.room.hub
    reposting.remind(hub)
    assert watched.told("author") == ["repost.opened"]
    clock.step(hours=6, minutes=30)
    for _ in range(2):
        reposting.remind(hub)
    assert watched.told("author") == ["repost.opened", "repost.due"]
    assert "即将到期" in watched.room.desk_of("author").get(BASE).text
    clock.step(hours=2)
    for _ in range(2):
        reposting.remind(hub)
    assert watched.told("author") == ["repost.opened", "repost.due", "repost.overdue"]
    assert "repost.overdue" in watched.told("signer")
    assert "已超期" in watched.room.log_in("author").get(BASE).text


def test_people_give_close_excuse_and_bring_back(watched: Watched) -> None:
    room, (task,) = watched.room, watched.rows(RepostTask)
    officer, author = room.desk_of("officer"), room.office.people["author"].id
    assert officer.send_form(f"{BASE}/{task.id}/assign", person=str(author)).status_code == 303
    assert watched.told("author") == ["repost.opened", "repost.assigned"]
    refused = officer.send_form(f"{BASE}/{task.id}/done", url="没有链接")
    assert refused.status_code == 422
    assert "请填写 http:// 或 https:// 开头的转载链接。" in refused.text
    assert "没有链接" in refused.text
    assert officer.send_form(f"{BASE}/{task.id}/excuse", reason="").status_code == 422
    assert officer.send_form(f"{BASE}/{task.id}/excuse", reason="与本单位职责无关").status_code == 303
    assert "与本单位职责无关" in officer.get(f"{BASE}/{task.id}").text
    assert officer.send_form(f"{BASE}/{task.id}/excuse", reason="再次").status_code == 409
    assert officer.send_form(f"{BASE}/{task.id}/reopen").status_code == 303
    assert officer.send_form(f"{BASE}/{task.id}/done", url="https://weibo.example/1").status_code == 303
    assert "按时转载" in officer.get(f"{BASE}/figures").text
    book = officer.get(f"{BASE}/figures/workbook?days=7")
    assert book.headers["content-type"].endswith("sheet")


def test_a_broken_or_hostile_feed_is_shown_with_since_when_and_told(watched: Watched, clock: StillClock) -> None:
    room, officer = watched.room, watched.room.desk_of("officer")
    watched.site.put("/rss.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><rss version="2.0"><channel>&a;</channel></rss>')
    page = f"{BASE}/feeds/{watched.feed_id}"
    assert officer.send_form(f"{page}/look").status_code == 303
    assert "起读取失败" in officer.get(page).text
    assert "属攻击常用手法" in officer.get(BASE).text
    watched.site.put("/rss.xml", b"", status=302, Location="http://169.254.169.254/latest/meta-data")
    clock.step(hours=2)
    assert reposting.watch(room.hub) == 1
    for _ in range(2):
        reposting.remind(room.hub)
    assert watched.told("officer").count("repost.broken") == 1
    officer = room.log_in("officer")
    assert "读取失败" in officer.get(f"{BASE}/feeds").text
    assert len(watched.rows(RepostTask)) == 1
    watched.shows(2)
    clock.step(minutes=10)
    reposting.watch(room.hub)
    assert "起读取失败" not in officer.get(page).text


def test_settings_are_refused_with_the_field_named_and_kept_as_typed(watched: Watched) -> None:
    officer = watched.room.desk_of("officer")
    page = f"{BASE}/feeds/{watched.feed_id}"
    for answer in (
        officer.send_form(f"{BASE}/feeds", **watched.form(address="ftp://x", name="市政府网")),
        officer.send_form(page, **watched.form(hours="许多")),
    ):
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
    assert "许多" in answer.text
    assert officer.send_form(f"{BASE}/feeds", **watched.form()).status_code == 422, "watched already"
    assert officer.send_form(page, **watched.form(words="公告", hours="")).status_code == 303
    (feed,) = watched.rows(WatchedFeed)
    assert (feed.words, feed.hours) == ("公告", None)
    unknown = officer.send_form(f"{BASE}/feeds", **watched.form(unit=str(watched.room.office.other.id)))
    assert unknown.status_code == 404


def test_what_was_there_before_is_carried_when_a_person_says_so(watched: Watched) -> None:
    officer = watched.room.desk_of("officer")
    before = watched.rows(FeedItem)[0]
    assert before.no_task == "before"
    page = f"{BASE}/feeds/{watched.feed_id}"
    assert "开始关注前已有" in officer.get(page).text
    assert officer.send_form(f"{page}/items/{before.id}/open").status_code == 303
    assert len(watched.rows(RepostTask)) == 2
    assert officer.send_form(f"{page}/items/{before.id}/open").status_code == 422


def test_the_manager_reads_how_many_were_in_time(watched: Watched, clock: StillClock) -> None:
    watched.room.office.grant("signer", Role.MANAGER)
    clock.step(hours=9)
    signer = watched.room.log_in("signer")
    assert "已超期未转载 1 件" in signer.get("/console").text
    assert "转载按时率" in signer.get(f"{BASE}/figures").text
    signer.send_form("/console/language", language="en")
    for path in (BASE, f"{BASE}/figures", f"{BASE}/feeds", f"{BASE}/feeds/{watched.feed_id}", f"{BASE}/1", "/console"):
        assert signer.get(path).status_code == 200


def test_programs_see_and_settle_what_must_be_carried(watched: Watched) -> None:
    officer, author = Program(watched.room, "officer"), Program(watched.room, "author")
    stranger = Program(watched.room, "stranger")
    (task,) = officer("GET", "/reposts?state=open").json()["reposts"]
    path = f"/reposts/{task['id']}"
    assert (task["title"], task["late"], stranger("GET", path).status_code) == ("省政府部署第2项工作", False, 404)
    watched.site.put("/2.png", picture_bytes("red"), "image/png")
    made = author("POST", f"{path}/draft", json={"column": None})
    assert (made.status_code, made.json()) == (201, {"piece": watched.rows(Piece)[0].id, "new": True})
    assert author("POST", f"{path}/draft", json={"column": None}).json()["new"] is False
    wrong = author("POST", f"{path}/draft", json={"column": 10**6})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "column")
    given = officer("POST", f"{path}/assign", json={"person": watched.room.office.people["author"].id}).json()
    assert given["assignee"] == watched.room.office.people["author"].id
    assert officer("POST", f"{path}/done", json={"url": "没有链接"}).status_code == 422
    assert officer("POST", f"{path}/excuse", json={"reason": "与本单位职责无关"}).json()["state"] == "excused"
    assert officer("POST", f"{path}/reopen").json()["state"] == "open"
    assert officer("POST", f"{path}/done", json={"url": "https://weibo.example/1"}).json()["state"] == "done"
    assert officer("GET", "/reposts?state=overdue").json()["total"] == 0
