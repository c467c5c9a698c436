"""The portal's pages as files: what is written, what stays where it was, what a withdrawal leaves, what it costs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import feedparser
import pytest
from docx import Document
from PIL import Image
from sqlalchemy import event, select

from channels.adapters.portal import GONE, PER_PAGE, PortalChannel, articles
from channels.adapters.portal.folder import Folder
from channels.adapters.portal.front_pictures import LEAD, SHOT, Size, shrunk
from channels.base import Live, Placed
from channels.errors import Retryable
from content import compose, public, relations
from content.errors import Blocked, NoRight
from content.kinds import kind_of
from content.models import Asset, Piece, Release
from kernel.errors import Invalid
from templates.engine import FOLDER
from tests.channels.adapters.portal_site import Site
from tests.factories import PORTAL, TITLE

OFFICE = ZoneInfo("Asia/Shanghai")
CORRECTED = '<span data-en="Corrected">更正</span>：'


def test_a_publication_writes_the_article_and_all_that_lists_it(site: Site) -> None:
    release = site.released()
    live = site.publish(release)
    path = release.content["path"]
    assert live.shown[release.piece_id].url == PORTAL + path
    for page in (path, "/notices/index.html", "/notices/page-1.html", "/index.html"):
        assert TITLE in site.text(page), page
    assert "近期气温偏低" in site.text(path)
    for feed in ("/notices/rss.xml", "/rss.xml"):
        items = ElementTree.fromstring(site.text(feed)).findall("./channel/item/title")  # noqa: S314 - our own file
        assert [item.text for item in items] == [TITLE], feed
    assert PORTAL + path in site.text("/sitemap/notices-1.xml")
    assert f"{PORTAL}/sitemap/notices-1.xml" in site.text("/sitemap.xml")
    assert (site.folder / "404.html").exists()


def test_a_repeat_leaves_the_same_pages(site: Site) -> None:
    release = site.released()
    site.publish(release)
    before = {name: site.text(name) for name in site.files()}
    settled = site.channel.reconcile(site.post(release))
    assert isinstance(settled, Live)
    assert {name: site.text(name) for name in site.files()} == before


def test_an_issue_leaves_the_pages_that_its_pieces_leave_one_by_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(18):
        site.publish(site.released(title=f"先前的第{number}号通知"))
    fresh = [site.released(title=f"第{number}号通知") for number in range(7)]
    fresh += [site.released(title=f"第{number}条动态", column="news") for number in range(2)]
    fresh.append(site.released(title="养犬管理办法", column="policies", fields=POLICY))
    fresh.append(site.released(title="一图读懂", column="explained", fields={"policy": fresh[-1].piece_id}))
    fresh += [site.released(title=f"第{number}号事项", column="guides", fields=_guide()) for number in range(2)]
    written: Counter[str] = Counter()
    write = Folder.write_bytes

    def count(folder: Folder, path: str, data: bytes) -> None:
        written[path] += 1
        write(folder, path, data)

    monkeypatch.setattr(Folder, "write_bytes", count)
    shown = site.channel.publish_together([site.post(release) for release in fresh])
    assert [list(live.shown) for live in shown] == [[release.piece_id] for release in fresh]
    own = {str(release.content["path"]) for release in fresh}
    assert {written[path] for path in (*own, "/index.html", "/rss.xml")} == {1}
    together = {name: site.text(name) for name in site.files()}
    for release in fresh:
        assert site.publish(release).shown.keys() == {release.piece_id}
    assert {name: site.text(name) for name in site.files()} == together


def test_an_issue_asks_the_database_as_often_for_many_pieces_as_for_few(site: Site) -> None:
    statements: list[str] = []
    event.listen(site.office.works.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    asked = []
    for number in (2, 3, 15):  # From the second on there is a neighbour whose page is drawn again.
        posts = [site.post(site.released(title=f"{number}之{one}")) for one in range(number)]
        statements.clear()
        site.channel.publish_together(posts)
        asked.append(len(statements))
    assert asked[2] == asked[1]


def test_archive_pages_keep_their_addresses_and_pieces(site: Site) -> None:
    titles: dict[int, list[str]] = {}
    for number in range(1, 46):
        site.clock.step(minutes=1)
        site.publish(site.released(title=f"第{number:03d}号通知"))
        if number == 25:
            titles[1] = re.findall(r"第\d{3}号通知", site.text("/notices/page-1.html"))
    shown = {n: sorted(set(re.findall(r"第(\d{3})号通知", site.text(f"/notices/page-{n}.html")))) for n in (1, 2, 3)}
    assert shown[1] == [f"{n:03d}" for n in range(1, 21)]
    assert shown[2] == [f"{n:03d}" for n in range(21, 41)]
    assert shown[3] == [f"{n:03d}" for n in range(41, 46)]
    assert re.findall(r"第\d{3}号通知", site.text("/notices/page-1.html")) == titles[1]
    newest = re.findall(r"第(\d{3})号通知", site.text("/notices/index.html"))
    assert list(dict.fromkeys(newest))[:25] == [f"{n:03d}" for n in range(45, 20, -1)]
    assert "/notices/page-1.html" in site.text("/notices/page-2.html")
    assert "/notices/page-3.html" in site.text("/notices/page-2.html")


def test_every_archive_page_names_its_own_address_and_number(site: Site) -> None:
    for number in range(PER_PAGE + 1):
        site.publish(site.released(title=f"第{number}号通知"))
    heads = {}
    for name in ("index", "page-1", "page-2"):
        page = site.text(f"/notices/{name}.html")
        title, canonical = re.search("<title>(.*?)</title>", page), re.search('rel="canonical" href="([^"]*)"', page)
        assert title
        assert canonical
        heads[name] = (title[1].partition(" - ")[0], canonical[1])
    assert heads == {
        "index": ("通知公告", f"{PORTAL}/notices/"),
        "page-1": ("通知公告（归档第 1 页）", f"{PORTAL}/notices/page-1.html"),
        "page-2": ("通知公告（归档第 2 页）", f"{PORTAL}/notices/page-2.html"),
    }


def test_the_cost_does_not_grow_with_the_site(site: Site) -> None:
    costs = {}
    for number in range(1, PER_PAGE + 6):
        before = site.files()
        site.publish(site.released(title=f"第{number:03d}号通知"))
        costs[number] = sum(1 for name, seen in site.files().items() if before.get(name) != seen)
    assert max(costs.values()) <= 22  # The first draws the empty columns too, a new archive page its neighbour.
    assert {costs[n] for n in (2, 10, PER_PAGE, PER_PAGE + 5)} == {costs[2]}


def test_a_withdrawal_leaves_a_phrase_and_a_marker_and_no_line_in_any_list(site: Site) -> None:
    stays, goes = site.released(title="留下的通知"), site.released(title="撤下的通知")
    site.publish(stays)
    site.publish(goes)
    post = site.post(goes, "withdraw", phrase="该内容已过有效期，现予撤下。")
    assert isinstance(site.channel.withdraw(post), Live)
    page = site.text(goes.content["path"])
    assert "现予撤下" in page
    assert "气温偏低" not in page
    assert (site.folder / (goes.content["path"] + GONE).lstrip("/")).exists()
    for listing in ("/notices/index.html", "/notices/page-1.html", "/index.html", "/rss.xml", "/sitemap/notices-1.xml"):
        assert "撤下的通知" not in site.text(listing), listing
        assert goes.content["path"] not in site.text(listing), listing
    assert "留下的通知" in site.text("/notices/index.html")
    with site.office.works.write() as work:
        public.withdrawn(work, goes.piece_id, work.now, post.phrase)
    assert isinstance(site.channel.reconcile(post), Live)
    assert "撤下的通知" not in site.text("/notices/index.html")


def test_a_withdrawn_piece_that_is_published_again_is_back(site: Site) -> None:
    release = site.released()
    site.publish(release)
    site.channel.withdraw(site.post(release, "withdraw"))
    site.publish(release)
    assert not (site.folder / (release.content["path"] + GONE).lstrip("/")).exists()
    assert "气温偏低" in site.text(release.content["path"])


def test_a_correction_keeps_the_first_time_and_shows_the_second(site: Site) -> None:
    release = site.released()
    live = site.publish(release)
    shown = live.shown[release.piece_id]
    site.clock.step(days=2)
    site.office.save(release.piece_id, title="更正后的标题", body="<p>延长至4月10日。</p>")
    corrected = site.office.sign_off(site.office.submit(release.piece_id, "portal").id)
    placed = {release.piece_id: Placed(release.piece_id, shown.remote_id, shown.url, shown.data)}
    again = site.channel.correct(site.post(corrected, "correct", placed=placed))
    page = site.text(release.content["path"])
    assert again.shown[release.piece_id].data["published_at"] == shown.data["published_at"]
    assert again.shown[release.piece_id].data["updated_at"].startswith("2026-03-04")
    assert "更正后的标题" in page
    assert "4月10日" in page
    assert "4月7日" not in page
    assert "2026-03-02" in page
    assert "2026-03-04" in page


def test_a_redrawing_shows_no_time_of_change(site: Site) -> None:
    release = site.released()
    live = site.publish(release)
    first = site.text(release.content["path"])
    shown = live.shown[release.piece_id]
    site.clock.step(days=2)
    placed = {release.piece_id: Placed(release.piece_id, shown.remote_id, shown.url, shown.data)}
    site.channel.correct(site.post(release, "refresh", placed=placed))
    assert site.text(release.content["path"]) == first


HOSTILE = "<script>alert(1)</script>\"'&{{ 7*7 }}"


def test_a_hostile_title_is_text_everywhere(site: Site) -> None:
    release = site.released(title=HOSTILE)
    site.publish(release)
    for name in site.files():
        if name.endswith(".html"):
            assert "<script>alert" not in site.text(name), name
            assert "49" not in re.findall(r"alert\(1\)[^<]*", site.text(name))[:1], name
    item = ElementTree.fromstring(site.text("/rss.xml")).find("./channel/item/title")  # noqa: S314 - our own file
    assert item is not None
    assert item.text == HOSTILE


def test_pictures_and_attachments_are_copied_once(site: Site) -> None:
    piece = site.office.piece()
    picture = site.office.picture(piece.id)
    paper = site.office.attachment(piece.id, name="供热 范围.txt", data=b"names")
    site.office.save(
        piece.id, body=f'<p>供热站检修现场的情况如下图所示</p><img src="/media/{picture.sha256}.png" alt="供热站">'
    )
    release = site.office.sign_off(site.office.submit(piece.id, "portal").id)
    site.publish(release)
    shown = site.text(release.content["path"])
    assert f"/media/{picture.sha256}." in shown
    media = next((site.folder / "media").iterdir())
    assert media.read_bytes() == site.office.blobs.get(picture.sha256)
    (kept,) = [name for name in site.files() if name.startswith(f"files/{paper.sha256}")]
    assert (site.folder / kept).read_bytes() == b"names"
    before = media.stat().st_ino
    site.publish(release)
    assert media.stat().st_ino == before


def test_a_film_stands_with_its_captions_until_a_correction_takes_them_away(site: Site) -> None:
    piece = site.office.piece(kind="video", fields={"transcript": "检修。"})
    site.office.attachment(piece.id, name="片.mp4", data=b"film")
    track = site.office.attachment(piece.id, name="片.vtt", data="WEBVTT\n\n00:01.000 --> 00:02.000\n检修\n".encode())
    release = site.office.sign_off(site.office.submit(piece.id, "portal").id)
    site.publish(release)
    href = f"/files/{track.sha256}/片.vtt"
    page = site.text(release.content["path"])
    assert f'<track kind="captions" srclang="zh" label="中文字幕" src="{href}" default></video>' in page
    assert page.count(href) == 1  # In the player, and not among the documents.
    assert (site.folder / href[1:]).read_bytes() == site.office.blobs.get(track.sha256)
    with site.office.working("author") as (work, who):
        compose.remove_asset(work, who, work.session.get_one(Asset, track.id))
    site.office.save(piece.id, fields={"transcript": "检修。", "captions": "open"})
    other = site.office.sign_off(site.office.submit(piece.id, "portal").id)
    assert other.hash != release.hash
    site.correct(other)
    assert "<track" not in site.text(release.content["path"])
    assert not (site.folder / href[1:]).exists()


def test_the_marks_in_the_foot_are_files_of_the_site_itself(site: Site) -> None:
    release, media, _paper = _with_files(site, "公示")
    mark = {"emblem": f"/{media}", "accessible_mark": f"/media/{'0' * 64}.png"}
    site.channel.account = replace(site.channel.account, settings={**site.channel.account.settings, **mark})
    site.publish(release)
    assert f'src="/{media}"' in site.text("/index.html")
    site.withdraw(release, "该内容已撤下。")
    assert _there(site, media) == [True]  # The piece is gone, the foot shows it on.
    site.channel.account = replace(site.channel.account, settings={})
    site.publish(site.released(title="又一篇"))
    assert _there(site, media) == [False]


def _with_files(site: Site, title: str) -> tuple[Release, str, str]:
    piece = site.office.piece(title=title)
    picture = site.office.picture(piece.id)
    paper = site.office.attachment(piece.id, name="公示名单.txt", data=b"names")
    site.office.save(
        piece.id,
        title=title,
        body=f'<p>供热站检修现场的情况如下图所示</p><img src="/media/{picture.sha256}.png" alt="供热站">',
    )
    release = site.office.sign_off(site.office.submit(piece.id, "portal").id)
    (media,) = [f"media/{sha}.jpg" for sha in release.content["pictures"]]
    return release, media, f"files/{paper.sha256}/公示名单.txt"


def _there(site: Site, *paths: str) -> list[bool]:
    return [(site.folder / path).exists() for path in paths]


def test_a_withdrawal_takes_its_files_along_unless_another_page_shows_them(site: Site) -> None:
    first, media, paper = _with_files(site, "第一次公示")
    second, same_media, same_paper = _with_files(site, "第二次公示")
    assert (media, paper) == (same_media, same_paper)
    site.publish(first)
    site.publish(second)
    site.withdraw(first, "该内容已撤下。")
    assert _there(site, media, paper) == [True, True]
    site.withdraw(second, "该内容已撤下。")
    assert _there(site, media, paper) == [False, False]
    site.publish(second)
    assert _there(site, media, paper) == [True, True]


def test_a_page_tells_what_was_corrected_and_when(site: Site) -> None:
    release = site.released(title="供热通知")
    site.publish(release)
    path = release.content["path"]
    assert "更正说明" not in site.text(path)
    site.clock.step(hours=1)
    site.office.save(release.piece_id, title="供热结束通知")
    site.correct(site.office.sign_off(site.office.submit(release.piece_id, "portal").id))
    first = f"{site.clock.now().astimezone(OFFICE):%Y-%m-%d %H:%M} {CORRECTED}标题"
    assert first in site.text(path)
    site.clock.step(hours=1)
    site.office.attachment(release.piece_id)
    site.office.save(release.piece_id, title="供热结束通知", body="<p>延长至五月。</p>")
    site.correct(site.office.sign_off(site.office.submit(release.piece_id, "portal").id))
    html = site.text(path)
    assert first in html
    assert f"{site.clock.now().astimezone(OFFICE):%Y-%m-%d %H:%M} {CORRECTED}正文、附件" in html
    site.redraw(release.piece_id)
    assert site.text(path) == html


def test_what_no_reader_sees_is_no_correction(site: Site) -> None:
    release = site.released(keywords="供热")
    site.publish(release)
    site.office.save(release.piece_id, keywords="供热,通知", editor="王敏")
    site.correct(site.office.sign_off(site.office.submit(release.piece_id, "portal").id))
    assert "更正说明" not in site.text(release.content["path"])


def test_only_the_newest_corrections_are_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(articles, "MOST_CORRECTIONS", 2)
    release = site.released()
    site.publish(release)
    for number in range(3):
        site.clock.step(hours=1)
        site.office.save(release.piece_id, title=f"供热通知之{number}")
        site.correct(site.office.sign_off(site.office.submit(release.piece_id, "portal").id))
    assert site.text(release.content["path"]).count(f" {CORRECTED}标题") == 2


def test_a_correction_takes_away_the_file_it_replaces(site: Site) -> None:
    release, media, paper = _with_files(site, "公示")
    site.publish(release)
    piece = release.piece_id
    with site.office.working("author") as (work, who):
        asset = work.session.scalars(select(Asset).where(Asset.piece_id == piece, Asset.name == "公示名单.txt")).one()
        compose.remove_asset(work, who, asset)
    fresh = site.office.attachment(piece, name="公示名单（已遮盖）.txt", data=b"masked")
    site.office.save(piece, title="公示", body="<p>名单见附件，个人信息已经遮盖处理完毕。</p>")
    corrected = site.office.sign_off(site.office.submit(piece, "portal").id)
    site.correct(corrected)
    assert _there(site, media, paper) == [False, False]
    assert _there(site, f"files/{fresh.sha256}/公示名单（已遮盖）.txt") == [True]


def test_a_page_not_yet_written_is_not_linked(site: Site) -> None:
    waiting, written = site.released(title="还没有页面"), site.released(title="已有页面")
    with site.office.works.write() as work:
        public.reserve_place(work, waiting.id)
    site.publish(written)
    assert "还没有页面" not in site.text("/notices/index.html")
    site.publish(waiting)
    assert "还没有页面" in site.text("/notices/index.html")


def test_a_full_or_broken_disk_is_tried_again(site: Site, tmp_path: Path) -> None:
    blocked = tmp_path / "not-a-folder"
    blocked.write_text("a file where the site should be")
    channel = PortalChannel(site.channel.account, replace(site.channel.tools, site_folder=blocked / "site"))
    with pytest.raises(Retryable) as later:
        channel.publish(site.post(site.released()))
    assert "网站目录" in later.value.reason


def test_a_missing_picture_is_tried_again_and_half_a_page_is_never_seen(site: Site) -> None:
    piece = site.office.piece()
    picture = site.office.picture(piece.id)
    site.office.save(
        piece.id, body=f'<p>供热站检修现场的情况如下图所示</p><img src="/media/{picture.sha256}.png" alt="供热站">'
    )
    release = site.office.sign_off(site.office.submit(piece.id, "portal").id)
    site.office.blobs.path(picture.sha256).unlink()
    with pytest.raises(Retryable):
        site.channel.publish(site.post(release))
    assert not (site.folder / release.content["path"].lstrip("/")).exists()
    assert [name for name in site.files() if ".new-" in name] == []


def test_times_are_the_offices(site: Site) -> None:
    site.clock.step(hours=15.5)
    release = site.released()
    live = site.publish(release)
    assert live.shown[release.piece_id].data["published_at"].startswith("2026-03-02T16:30")
    assert "2026-03-03" in site.text(release.content["path"])


POLICY = {
    "index_number": "360100/2026-00012",
    "document_number": "云政办发〔2026〕7号",
    "issuer": "云州市人民政府",
    "issued_on": "2026-02-27",
    "validity": "in_force",
}


def _policy_and_interpretation(site: Site) -> tuple[Release, Release]:
    policy = site.released(title="养犬管理办法", column="policies", fields=POLICY)
    site.publish(policy)
    explained = site.released(title="一图读懂养犬管理办法", column="explained", fields={"policy": policy.piece_id})
    site.publish(explained)
    return policy, explained


def test_a_policy_and_its_interpretation_show_each_other(site: Site) -> None:
    policy, explained = _policy_and_interpretation(site)
    assert explained.content["path"] in site.text(policy.content["path"])
    assert "一图读懂养犬管理办法" in site.text(policy.content["path"])
    assert policy.content["path"] in site.text(explained.content["path"])
    assert "云政办发〔2026〕7号" in site.text(explained.content["path"])


def test_a_changed_title_reaches_the_page_of_the_linked_piece(site: Site) -> None:
    policy, explained = _policy_and_interpretation(site)
    site.office.save(policy.piece_id, title="养犬管理条例", fields=POLICY)
    corrected = site.office.submit(policy.piece_id, "portal")
    site.channel.correct(site.post(corrected, "correct"))
    assert "养犬管理条例" in site.text(explained.content["path"])


def test_a_withdrawn_interpretation_leaves_its_policy(site: Site) -> None:
    policy, explained = _policy_and_interpretation(site)
    site.channel.withdraw(site.post(explained, "withdraw", phrase="该内容已撤下。"))
    assert explained.content["path"] not in site.text(policy.content["path"])


def test_a_repealed_policy_says_so_on_its_page_in_lists_and_beside_its_link(site: Site) -> None:
    policy, explained = _policy_and_interpretation(site)
    with site.office.working("signer") as (work, who):
        piece = work.session.get_one(Piece, policy.piece_id)
        relations.mark_standing(work, who, piece, "repealed", "由云政办发〔2026〕9号废止")
    site.channel.correct(site.post(policy, "refresh"))
    page = site.text(policy.content["path"])
    assert "废止" in page
    assert "由云政办发〔2026〕9号废止" in page
    assert "更新时间" not in page
    for path in ("/policies/index.html", "/index.html", explained.content["path"]):
        assert "已废止" in site.text(path), path
    site.office.save(policy.piece_id, title="养犬管理办法（勘误）", fields=POLICY)
    site.channel.correct(site.post(site.office.submit(policy.piece_id, "portal"), "correct"))
    assert "由云政办发〔2026〕9号废止" in site.text(policy.content["path"])


def _mark(site: Site, release: Release, standing: str, note: str) -> None:
    with site.office.working("signer") as (work, who):
        relations.mark_standing(work, who, work.session.get_one(Piece, release.piece_id), standing, note)
    site.channel.correct(site.post(release, "refresh"))


def test_open_data_say_what_is_in_force_today(site: Site) -> None:
    policy, _ = _policy_and_interpretation(site)
    _mark(site, policy, "repealed", "由云政办发〔2026〕9号废止")
    (row,) = json.loads(site.text("/data/policies-1.json"))["items"]
    told = [row[name] for name in ("status", "validity", "validity_note")]
    assert told == ["已废止", "废止", "由云政办发〔2026〕9号废止"]


def test_what_was_signed_as_repealed_and_marked_in_force_stays_so_when_drawn_again(site: Site) -> None:
    fields = {**POLICY, "validity": "repealed", "validity_note": "由旧文废止"}
    policy = site.released(title="养犬管理办法", column="policies", fields=fields)
    site.publish(policy)
    assert "由旧文废止" in site.text(policy.content["path"])
    _mark(site, policy, "", "经批准继续执行")
    page = site.text(policy.content["path"])
    assert "由旧文废止" not in page
    assert '<span class="mark mark--good">有效</span>' in page
    assert "已废止" not in site.text("/policies/index.html")
    site.office.save(policy.piece_id, title="养犬管理办法", fields={**fields, "topic": "城市管理"})
    site.correct(site.office.submit(policy.piece_id, "portal"))
    assert "已废止" in site.text("/policies/index.html"), "a later release is signed with its own standing"


def test_only_a_signer_may_say_that_a_policy_is_repealed_and_he_says_why(site: Site) -> None:
    policy, _ = _policy_and_interpretation(site)
    with pytest.raises(NoRight), site.office.working("officer") as (work, who):
        relations.mark_standing(work, who, work.session.get_one(Piece, policy.piece_id), "repealed", "由新文件废止")
    with pytest.raises(Invalid), site.office.working("signer") as (work, who):
        relations.mark_standing(work, who, work.session.get_one(Piece, policy.piece_id), "repealed", " ")


def _guide(audience: str = "个人", theme: str = "证件办理", **more: Any) -> dict[str, Any]:
    return {
        "responsible": "云州市公安局", "audience": [audience], "theme": theme, "basis": ["《居民身份证法》"],
        "conditions": ["本市户籍"], "steps": [{"name": "受理"}], "case_type": "即办件", "statutory": 0, "promised": 0,
        "visits": 0, "mail": True, "place": "江滨路66号", "hours": "工作日", "phone": "0530-8811001",
        "supervision_phone": "0530-12345", **more,
    }  # fmt: skip


def test_guides_stand_by_audience_theme_and_department(site: Site) -> None:
    one = site.released(title="身份证补领", column="guides", fields=_guide())
    other = site.released(title="企业开办", column="guides", fields=_guide("法人", "设立变更"))
    site.publish(one)
    site.publish(other)
    index = site.text("/guides/index.html")
    for words in ("证件办理", "设立变更", "云州市公安局", "身份证补领", "企业开办"):
        assert words in index
    (personal,) = [name for name in site.files() if re.fullmatch(r"guides/personal-\d+/index.html", name)]
    assert "身份证补领" in site.text(personal)
    assert "企业开办" not in site.text(personal)
    site.office.save(one.piece_id, title="身份证补领", fields=_guide(theme="户籍办理"))
    moved = site.office.submit(one.piece_id, "portal")
    site.channel.correct(site.post(moved, "correct"))
    assert "身份证补领" not in site.text(personal)
    (now,) = [
        name for name in site.files() if re.fullmatch(r"guides/personal-\d+/index.html", name) and name != personal
    ]
    assert "身份证补领" in site.text(now)


def test_a_guide_for_both_stands_for_each_side_under_that_sides_theme(site: Site) -> None:
    themes = {"theme": "", "personal_theme": "生育收养", "legal_theme": "人力资源"}
    fields = {**_guide(), "audience": ["个人", "法人"], **themes}
    both = site.released(title="生育津贴支付", column="guides", fields=fields)
    site.publish(both)
    index = site.text("/guides/index.html")
    personal, legal = index.split('id="personal"')[1].split('id="legal"')
    assert ("生育收养" in personal, "人力资源" in personal) == (True, False)
    assert ("生育收养" in legal, "人力资源" in legal) == (False, True)
    assert "生育收养（个人）、人力资源（法人）" in site.text(both.content["path"])


def test_a_guide_costs_the_same_however_many_there_are(site: Site) -> None:
    costs = {}
    for number in range(1, PER_PAGE + 6):
        before = site.files()
        site.publish(site.released(title=f"第{number:03d}号事项", column="guides", fields=_guide()))
        costs[number] = sum(1 for name, seen in site.files().items() if before.get(name) != seen)
    assert costs[5] == costs[15]
    assert max(costs[n] for n in range(2, PER_PAGE + 6)) <= costs[5] + 5  # A new archive page draws its neighbour too.


def test_neighbours_name_each_other(site: Site) -> None:
    first, second = site.released(title="第一号通知"), site.released(title="第二号通知")
    site.publish(first)
    site.publish(second)
    assert "第二号通知" in site.text(first.content["path"])
    assert "第一号通知" in site.text(second.content["path"])
    site.channel.withdraw(site.post(second, "withdraw"))
    assert "第二号通知" not in site.text(first.content["path"])


def test_feeds_are_read_by_a_feed_parser(site: Site) -> None:
    release = site.released(title="<b>标题</b> & 符号")
    site.publish(release)
    for path in ("/rss.xml", "/atom.xml", "/notices/rss.xml", "/notices/atom.xml"):
        feed = feedparser.parse(site.text(path).encode())
        assert not feed.bozo, (path, feed.get("bozo_exception"))
        assert [entry.link for entry in feed.entries] == [PORTAL + release.content["path"]]


def test_feeds_and_sitemap_tell_a_correction_and_keep_their_order(site: Site) -> None:
    first = site.released(title="第一号通知")
    site.publish(first)
    site.clock.step(hours=1)
    second = site.released(title="第二号通知")
    site.publish(second)
    site.clock.step(days=2)
    site.office.save(first.piece_id, title="第一号通知（更正）")
    site.correct(site.office.sign_off(site.office.submit(first.piece_id, "portal").id))
    corrected_at = site.clock.now().isoformat(timespec="seconds")
    for path in ("/atom.xml", "/notices/atom.xml"):
        feed = feedparser.parse(site.text(path).encode())
        assert [entry.title for entry in feed.entries] == ["第二号通知", "第一号通知（更正）"]
        assert feed.feed.updated == feed.entries[1].updated == corrected_at
        assert feed.entries[1].published < feed.entries[0].published == feed.entries[0].updated < corrected_at
    assert "04 Mar 2026" in feedparser.parse(site.text("/rss.xml").encode()).feed.updated
    sitemap = ElementTree.fromstring(site.text("/sitemap/notices-1.xml"))  # noqa: S314  # Our own file.
    changed = {one[0].text: one[1].text for one in sitemap}
    assert changed[PORTAL + first.content["path"]] == corrected_at
    assert str(changed[PORTAL + second.content["path"]]).startswith("2026-03-02")
    site.clock.step(days=1)
    site.channel.correct(site.post(second, "refresh"))
    feed = feedparser.parse(site.text("/atom.xml").encode())
    assert feed.feed.updated == corrected_at, "what is only drawn again was not changed"


def test_open_data_follow_what_is_published_and_withdrawn(site: Site) -> None:
    stays, goes = site.released(title="=1+1 公告"), site.released(title="撤下的通知")
    site.publish(stays)
    site.publish(goes)
    said = json.loads(site.text("/data/notices-1.json"))
    assert [row["title"] for row in said["items"]] == ["撤下的通知", "=1+1 公告"]
    assert said["items"][1]["url"] == PORTAL + stays.content["path"]
    assert "/data/notices-1.csv" in site.text("/data/index.html")
    site.channel.withdraw(site.post(goes, "withdraw"))
    rows = list(csv.reader(io.StringIO(site.text("/data/notices-1.csv").removeprefix("\ufeff"))))
    assert [row[0] for row in rows] == ["title", "'=1+1 公告"]


FIRST_PAGE = 200 * 1024


def test_the_first_page_is_light_and_asks_nobody_else(site: Site) -> None:
    for number in range(9):
        site.publish(site.released(title=f"第{number}号通知"))
    home = site.text("/index.html")
    static = FOLDER / "static"
    asked = set(re.findall(r'(?:src|href)="/static/([^"?#]+)', home))
    weight = len(home.encode()) + sum((static / name).stat().st_size for name in asked)
    assert weight < FIRST_PAGE
    assert "portal.css" in asked
    for name in site.files():
        if name.endswith(".html"):
            fetched = re.findall(
                r'<(?:script|img|link rel="stylesheet"|iframe|video|audio)[^>]*(?:src|href)="([^"]+)"', site.text(name)
            )
            assert all(address.startswith("/") for address in fetched), name
            assert " style=" not in site.text(name), name
            assert "<style" not in site.text(name), name


@pytest.mark.parametrize("size", [LEAD, SHOT])
def test_a_picture_of_the_front_is_no_larger_than_it_may_be(size: Size) -> None:
    noise = Image.effect_noise((960, 720), 100).convert("RGB")
    buffer = io.BytesIO()
    noise.save(buffer, "PNG")
    drawn = shrunk(buffer.getvalue(), size)
    assert len(drawn) <= size.most
    with Image.open(io.BytesIO(drawn)) as picture:
        assert picture.width <= size.wide


def test_the_front_shows_small_pictures_and_keeps_them_while_it_does(site: Site) -> None:
    for number, color in enumerate(("navy", "teal", "olive", "maroon", "purple", "gray")):
        piece = site.office.piece(title=f"第{number}张", column="news")
        picture = site.office.picture(piece.id, color=color)
        site.office.save(piece.id, title=f"第{number}张", body="<p>正文。</p>", cover_id=picture.id)
        site.publish(site.office.submit(piece.id, "portal"))
        site.clock.step(minutes=1)
    shown = re.findall(r'src="/(media/[^"]+)"', site.text("/index.html"))
    assert [path.rpartition("-")[2] for path in shown] == ["800.jpg", *["400.jpg"] * 5]
    before = site.files()
    site.publish(site.released(title="只有文字"))
    assert [site.files()[path][1] for path in shown] == [before[path][1] for path in shown]
    small = {path for path in site.files() if path.endswith(("-800.jpg", "-400.jpg"))}
    assert small == set(shown)  # What the front shows no more is gone.


def test_the_forms_of_a_guide_stand_beside_the_paper_they_are_for(site: Site) -> None:
    paper = {"name": "申请表", "blank": "申请表.docx", "sample": "申请表（样表）.txt"}
    piece = site.office.piece(title="身份证补领", column="guides", fields=_guide(materials=[paper]))
    with pytest.raises(Blocked, match="申请表"):
        site.office.submit(piece.id, "portal")
    blank = site.office.attachment(piece.id, name="申请表.docx", data=_docx())
    sample = site.office.attachment(piece.id, name="申请表（样表）.txt", data=b"sample")
    other = site.office.attachment(piece.id, name="说明.txt", data=b"other")
    release = site.office.sign_off(site.office.submit(piece.id, "portal").id)
    site.publish(release)
    page = site.text(release.content["path"])
    row = page.partition('<table class="papers">')[2].partition("</table>")[0]
    for file in (blank, sample):
        assert f"/files/{file.sha256}/" in row
        assert page.count(f"/files/{file.sha256}/") == 1
        assert any(name.startswith(f"files/{file.sha256}/") for name in site.files())
    assert f"/files/{other.sha256}/" in page.replace(row, "")


def _docx() -> bytes:
    file = io.BytesIO()
    document = Document()
    document.add_paragraph("申请表")
    document.save(file)
    return file.getvalue()


def test_open_data_give_every_element_of_a_guide_in_one_schema(site: Site) -> None:
    site.publish(site.released(title="身份证补领", column="guides", fields=_guide()))
    site.publish(site.released(title="企业开办", column="guides", fields=_guide("法人", "设立变更", online=True)))
    said = json.loads(site.text("/data/guides-1.json"))
    kind = kind_of("guide")
    assert list(said["fields"])[:6] == ["title", "url", "number", "status", "published_at", "summary"]
    assert said["fields"] | {spec.name: spec.label for spec in kind.fields} == said["fields"]
    first, second = said["items"]
    assert list(first) == list(second) == list(said["fields"])
    assert (first["responsible"], first["theme"], first["online"]) == ("云州市公安局", "设立变更", "是")
    assert second["online_depth"] == ""
    rows = list(csv.reader(io.StringIO(site.text("/data/guides-1.csv").removeprefix("\ufeff"))))
    assert rows[0] == list(said["fields"])
    assert {len(row) for row in rows} == {len(rows[0])}
