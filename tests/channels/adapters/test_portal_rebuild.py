"""`xuanda portal rebuild`: the site comes out as publishing made it, whatever lay in the folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from channels.adapters.portal import crew, rebuild, state
from channels.adapters.portal.folder import Folder
from channels.adapters.portal.rebuild import Progress, Rebuild
from content import moving, public
from content.models import Column, Piece
from scheduler.models import Delivery, DeliveryItem
from scheduler.whole_site import WholeSite
from tests.channels.adapters.portal_site import Site
from tests.channels.adapters.test_portal import POLICY, _guide


def _grown(site: Site) -> None:
    """A site with everything that can stand on one."""
    state.write(Folder(site.folder), grey=True)
    site.column("bulletins", "公示公告")
    for number in range(1, 22):
        site.clock.step(minutes=1)
        site.publish(site.released(title=f"第{number:03d}号通知"))
    policy = site.released(title="养犬管理办法", column="policies", fields=POLICY)
    site.publish(policy)
    site.publish(site.released(title="一图读懂", column="explained", fields={"policy": policy.piece_id}))
    site.publish(site.released(title="身份证补领", column="guides", fields=_guide()))
    site.publish(site.released(title="企业开办", column="guides", fields=_guide("法人", "设立变更")))
    piece = site.office.piece(title="有图的通知")
    picture = site.office.picture(piece.id)
    site.office.attachment(piece.id)
    site.office.save(
        piece.id,
        title="有图的通知",
        body=f'<p>供热站检修现场的情况如下图所示</p><img src="/media/{picture.sha256}.png" alt="站">',
    )
    site.publish(site.office.sign_off(site.office.submit(piece.id, "portal").id))
    moved = site.released(title="移动的通知")
    site.publish(moved)
    with site.office.working("author") as (work, who):
        there = site.office.columns["bulletins"].id
        moving.move(work, who, work.session.get_one(Piece, moved.piece_id), there)
    site.correct(site.office.sign_off(site.office.submit(moved.piece_id, "portal").id))
    gone = site.released(title="撤下的通知")
    site.publish(gone)
    site.withdraw(gone, "该内容已撤下。")
    site.publish(site.released(title="最后一篇"))


def _rebuild(site: Site, tell: object = None, hands: int = 1) -> Rebuild:
    channel = site.channel
    source = WholeSite(site.office.works, channel.account.id)
    return Rebuild(channel.account, channel.tools, source, tell or (lambda _progress: None), hands)


def _texts(site: Site) -> dict[str, bytes]:
    return {name: (site.folder / name).read_bytes() for name in site.files()}


def test_an_empty_folder_becomes_the_site_that_publishing_made(site: Site) -> None:
    _grown(site)
    before = _texts(site)
    for name in before:
        if name != "site-state.css":
            (site.folder / name).unlink()
    (site.folder / "stray").mkdir()
    (site.folder / "stray/old.html").write_text("x")
    os.utime(site.folder / "stray/old.html", (1, 1))
    done = _rebuild(site).run()
    after = _texts(site)
    assert after.keys() == before.keys()
    assert {name for name in after if after[name] != before[name]} == set()
    assert done.removed == 1
    assert not (site.folder / "stray").exists()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_two_processes_draw_the_same_site(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _grown(site)
    before = _texts(site)
    for name in before:
        if name != "site-state.css":
            (site.folder / name).unlink()
    monkeypatch.setattr(crew, "_may_fork", lambda: True)  # The test runner's own threads hold nothing of ours.
    monkeypatch.setattr(rebuild, "AT_ONCE", 7)
    done = _rebuild(site, hands=2).run()
    assert _texts(site) == before
    assert done.pages == _rebuild(site).run().pages


def test_a_column_that_left_the_menu_keeps_its_pages_and_every_page_has_the_new_menu(site: Site) -> None:
    release = site.released(title="停用栏目里的通知")
    site.publish(release)
    with site.office.works.write() as work:
        work.session.get_one(Column, site.office.columns["notices"].id).active = False
    assert _rebuild(site).run().removed == 0
    for page in (release.content["path"], "/notices/page-1.html"):
        assert "停用栏目里的通知" in site.text(page)
        assert 'class="nav__link" href="/notices/"' not in site.text(page)


def test_an_interrupted_one_goes_on_and_still_takes_away_what_does_not_belong(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    _grown(site)
    before = _texts(site)
    monkeypatch.setattr(rebuild, "AT_ONCE", 10)
    (site.folder / "old.html").write_text("x")
    os.utime(site.folder / "old.html", (1, 1))
    told: list[Progress] = []

    def stop(progress: Progress) -> None:
        told.append(progress)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _rebuild(site, stop).run()
    early = site.text("/.rebuild")
    assert '"notices": 20' in early
    assert (site.folder / "old.html").exists()
    first = (site.folder / "notices/1.html").stat().st_mtime_ns
    _rebuild(site).run()
    assert (site.folder / "notices/1.html").stat().st_mtime_ns == first
    assert not (site.folder / "old.html").exists()
    assert not (site.folder / ".rebuild").exists()
    assert _texts(site) == before


def test_what_is_published_and_corrected_meanwhile_is_not_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _grown(site)
    monkeypatch.setattr(rebuild, "AT_ONCE", 10)
    fresh: list[str] = []

    def meanwhile(_progress: Progress) -> None:
        if not fresh:
            release = site.released(title="其间发布的通知")
            site.publish(release)
            fresh.append(release.content["path"])

    _rebuild(site, meanwhile).run()
    assert "其间发布的通知" in site.text(fresh[0])
    for page in ("/notices/index.html", "/index.html", "/rss.xml", "/data/notices-1.json"):
        assert "其间发布的通知" in site.text(page), page


def test_a_page_whose_delivery_is_on_its_way_is_left_to_it(site: Site) -> None:
    release = site.released(title="正在更正的通知")
    site.publish(release)
    with site.office.works.write() as work:
        delivery = Delivery(
            unit_id=release.unit_id, account_id=site.channel.account.id, channel="portal", action="correct",
            identity="x", key="x", state="sending", scheduled_at=work.now, next_at=None, created_at=work.now,
        )  # fmt: skip
        work.session.add(delivery)
        work.session.flush()
        work.session.add(
            DeliveryItem(
                delivery_id=delivery.id,
                position=1,
                action=delivery.action,
                piece_id=release.piece_id,
                release_id=release.id,
            )
        )
    page = site.folder / release.content["path"].lstrip("/")
    page.write_text("新版，尚未登记")
    os.utime(page, (1, 1))
    assert _rebuild(site).run().skipped == 1
    assert page.read_text() == "新版，尚未登记"


def test_the_withdrawn_page_that_was_never_recorded_is_not_invented(site: Site) -> None:
    release = site.released(title="从未上线")
    with site.office.works.write() as work:
        public.reserve_place(work, release.id)
    _rebuild(site).run()
    assert not Path(site.folder / release.content["path"].lstrip("/")).exists()
