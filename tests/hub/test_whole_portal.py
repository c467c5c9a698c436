"""What is printed on every page reaches every page when the office changes it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from channels.accounts import store
from channels.accounts.models import Account
from content.models import Column
from hub import whole_portal
from kernel.clock import StillClock
from tests.hub.web.going_out import Desk, open_desk


def portal_of(desk: Desk) -> Account:
    with desk.hub.works.read() as work:
        return work.session.scalars(select(Account).where(Account.channel == "portal")).one()


def change(desk: Desk, **settings: str) -> None:
    with desk.hub.works.write() as work:
        account = work.session.get_one(Account, portal_of(desk).id)
        account.settings = {**account.settings, **settings}


def test_a_changed_mark_and_a_new_column_reach_the_pages(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        hub, folder = desk.hub, desk.hub.settings.site_folder
        with hub.works.write() as work:
            if work.session.scalars(select(Account).where(Account.channel == "portal")).first() is None:
                store.add(work, hub.seal, unit_id=desk.city.bureau.id, channel="portal", name="云州市人民政府",
                          code="site", base_url="", settings={}, credentials={})  # fmt: skip
        assert not whole_portal.keep_frame(hub)  # There is no folder yet.
        whole_portal.rebuild_site(hub, lambda _progress: None)
        assert not whole_portal.keep_frame(hub)  # As it was drawn.
        assert "云ICP备0001号" not in (folder / "index.html").read_text("utf-8")

        change(desk, icp="云ICP备0001号")
        assert whole_portal.keep_frame(hub)
        assert "云ICP备0001号" in (folder / "index.html").read_text("utf-8")
        drawn = (folder / "index.html").stat().st_mtime_ns
        assert not whole_portal.keep_frame(hub)
        assert (folder / "index.html").stat().st_mtime_ns == drawn

        with hub.works.write() as work:
            work.session.add(Column(unit_id=desk.city.bureau.id, name="新栏目", slug="new", kind="notice", active=True))
        assert whole_portal.keep_frame(hub)
        assert "新栏目" in (folder / "index.html").read_text("utf-8")
        assert (folder / "new" / "index.html").exists()
        assert (folder / whole_portal.MARK).exists()
        whole_portal.rebuild_site(hub, lambda _progress: None)
        assert (folder / whole_portal.MARK).exists()


def test_without_a_portal_nothing_is_drawn(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        with desk.hub.works.write() as work:
            for account in work.session.scalars(select(Account).where(Account.channel == "portal")):
                account.active = False
        assert not whole_portal.keep_frame(desk.hub)
