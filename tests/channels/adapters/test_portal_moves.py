"""Pages that moved to another column: every old address leads on, both columns' lists follow."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI

from channels.adapters.portal import GONE, MOVED
from content import moving
from content.errors import NoRight
from content.models import Piece, PublicPiece, Release
from hub.web.site import SiteFiles
from kernel.errors import Invalid
from tests.channels.adapters.portal_site import Site
from tests.factories import PORTAL
from tests.hub.office import Browser


def _move(site: Site, piece_id: int, slug: str) -> Release:
    with site.office.working("author") as (work, who):
        moving.move(work, who, work.session.get_one(Piece, piece_id), site.office.columns[slug].id)
    return site.office.sign_off(site.office.submit(piece_id, "portal").id)


def _client(site: Site) -> Browser:
    app = FastAPI()
    app.mount("/", SiteFiles(site.folder))
    return Browser(app, follow_redirects=False)


def _lists(site: Site, slug: str) -> dict[str, str]:
    names = [f"/{slug}/index.html", f"/{slug}/page-1.html", f"/{slug}/rss.xml", f"/{slug}/atom.xml"]
    return {name: site.text(name) for name in (*names, f"/sitemap/{slug}-1.xml", f"/data/{slug}-1.json")}


def test_feeds_call_a_piece_the_same_wherever_it_stands(site: Site) -> None:
    site.column("bulletins", "公示公告")
    goes = site.released(title="要移动的通知")
    site.publish(goes)
    name = f"tag:{PORTAL.partition('://')[2]},2026:piece-{goes.piece_id}"
    assert f'<guid isPermaLink="false">{name}</guid>' in site.text("/rss.xml")
    site.correct(_move(site, goes.piece_id, "bulletins"))
    assert f'<guid isPermaLink="false">{name}</guid>' in site.text("/rss.xml")
    assert f"<id>{name}</id>" in site.text("/bulletins/atom.xml")


def test_a_sitemap_that_names_nothing_any_more_is_gone_and_robots_find_the_rest(site: Site) -> None:
    site.column("bulletins", "公示公告")
    goes = site.released(title="要移动的通知")
    site.publish(goes)
    assert "/sitemap/notices-1.xml" in site.text("/sitemap.xml")
    site.correct(_move(site, goes.piece_id, "bulletins"))
    assert not (site.folder / "sitemap/notices-1.xml").exists()
    index = site.text("/sitemap.xml")
    assert "/sitemap/notices-1.xml" not in index
    assert "/sitemap/bulletins-1.xml" in index
    assert f"<loc>{PORTAL}/sitemap/pages.xml</loc>" in index
    fixed = site.text("/sitemap/pages.xml")
    assert all(f"<loc>{PORTAL}{href}</loc>" in fixed for href in ("/", "/notices/", "/bulletins/", "/site-map.html"))
    assert f"Sitemap: {PORTAL}/sitemap.xml" in site.text("/robots.txt")


def test_a_moved_piece_leaves_its_old_address_behind_and_both_columns_follow(site: Site) -> None:
    site.column("bulletins", "公示公告")
    before, goes, after = (site.released(title=title) for title in ("前一篇", "要移动的通知", "后一篇"))
    for release in (before, goes, after):
        site.publish(release)
    moved = _move(site, goes.piece_id, "bulletins")
    site.correct(moved)
    old, new = goes.content["path"], moved.content["path"]
    assert (old, new) == (f"/notices/{goes.piece_id}.html", f"/bulletins/{goes.piece_id}.html")
    for name, text in _lists(site, "notices").items():
        assert "要移动的通知" not in text, name
        assert old not in text, name
    for name, text in _lists(site, "bulletins").items():
        assert new in text, name
    for page in ("/index.html", "/rss.xml", "/atom.xml"):
        assert old not in site.text(page), page
        assert new in site.text(page), page
    assert "后一篇" in site.text(before.content["path"])
    assert old not in site.text(before.content["path"])
    assert site.text(old + MOVED) == new
    assert re.search(rf'http-equiv="refresh" content="0; url={new}"', site.text(old))


def test_the_server_answers_301_to_a_link_from_anywhere(site: Site) -> None:
    site.column("bulletins", "公示公告")
    release = site.released()
    site.publish(release)
    site.correct(_move(site, release.piece_id, "bulletins"))
    client = _client(site)
    old = release.content["path"]
    answer = client.get(f"{old}?from=wechat")
    assert answer.status_code == 301
    assert answer.headers["location"] == f"/bulletins/{release.piece_id}.html?from=wechat"
    assert client.get(answer.headers["location"]).status_code == 200
    assert client.get(old + MOVED).status_code == 404
    again = site.office.sign_off(_again(site, release.piece_id).id)
    site.channel.withdraw(site.post(again, "withdraw", phrase="该内容已撤下。"))
    assert client.get(old).status_code == 301
    assert client.get(f"/bulletins/{release.piece_id}.html").status_code == 410


def _again(site: Site, piece_id: int) -> Release:
    site.office.save(piece_id, title="又一版")
    return site.office.submit(piece_id, "portal")


def test_a_piece_that_moves_twice_is_found_from_both_addresses_and_one_that_comes_back_has_its_place(
    site: Site,
) -> None:
    site.column("bulletins", "公示公告")
    site.column("archive", "历史公告")
    release = site.released()
    site.publish(release)
    site.correct(_move(site, release.piece_id, "bulletins"))
    site.correct(_move(site, release.piece_id, "archive"))
    number = release.piece_id
    for slug in ("notices", "bulletins"):
        assert site.text(f"/{slug}/{number}.html{MOVED}") == f"/archive/{number}.html"
    site.correct(_move(site, number, "notices"))
    assert not (site.folder / f"notices/{number}.html{MOVED}").exists()
    assert site.text(f"/bulletins/{number}.html{MOVED}") == f"/notices/{number}.html"
    with site.office.works.read() as work:
        row = work.session.get_one(PublicPiece, number)
        assert (row.path, row.place) == (f"/notices/{number}.html", 1)
    assert f"/notices/{number}.html" in site.text("/notices/page-1.html")


def test_a_page_stays_where_it_is_until_its_new_release_is_out(site: Site) -> None:
    site.column("bulletins", "公示公告")
    release = site.released()
    site.publish(release)
    _move(site, release.piece_id, "bulletins")
    assert _client(site).get(release.content["path"]).status_code == 200
    with site.office.works.read() as work:
        assert work.session.get_one(PublicPiece, release.piece_id).path == release.content["path"]


def test_a_guide_that_moves_leaves_the_shelves_of_its_column(site: Site) -> None:
    site.column("services", "便民服务", "guide")
    fields = {
        "responsible": "云州市公安局", "audience": ["个人"], "theme": "证件办理",
        "basis": ["法"], "conditions": ["户籍"], "steps": [{"name": "受理"}], "case_type": "即办件",
        "statutory": 0, "promised": 0, "visits": 0, "mail": True,
        "place": "江滨路66号", "hours": "工作日", "phone": "0530-8811001", "supervision_phone": "0530-12345",
    }  # fmt: skip
    guide = site.released(title="身份证补领", column="guides", fields=fields)
    site.publish(guide)
    site.correct(_move(site, guide.piece_id, "services"))
    old = [name for name in site.files() if re.fullmatch(r"guides/(personal|department)-\d+/index.html", name)]
    new = [name for name in site.files() if re.fullmatch(r"services/(personal|department)-\d+/index.html", name)]
    assert len(old) == len(new) == 2
    assert all("身份证补领" not in site.text(name) for name in [*old, "/guides/index.html"])
    assert all("身份证补领" in site.text(name) for name in [*new, "/services/index.html"])


def test_a_piece_moves_to_a_column_of_its_kind_by_one_who_may_write_it(site: Site) -> None:
    piece = site.office.piece()
    for slug in ("news", "notices", "water"):
        with pytest.raises(Invalid), site.office.working("author") as (work, who):
            moving.move(work, who, work.session.get_one(Piece, piece.id), site.office.columns[slug].id)
    site.column("bulletins", "公示公告")
    with pytest.raises(NoRight), site.office.working("signer") as (work, who):
        moving.move(work, who, work.session.get_one(Piece, piece.id), site.office.columns["bulletins"].id)


def test_a_withdrawn_page_that_comes_back_elsewhere_answers_from_both(site: Site) -> None:
    site.column("bulletins", "公示公告")
    release = site.released()
    site.publish(release)
    site.channel.withdraw(site.post(release, "withdraw"))
    site.publish(_move(site, release.piece_id, "bulletins"))
    old = release.content["path"]
    assert not (site.folder / (old + GONE).lstrip("/")).exists()
    assert _client(site).get(old).status_code == 301
