"""Links lead to where the office's site really is: our portal, or the address that another platform gave the piece."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from channels.base import Item
from content.models import Piece, Release
from kernel.blobs import Blobs
from kernel.work import Works
from scheduler import elsewhere
from scheduler.booking import Order, forewarned
from scheduler.models import Placement
from scheduler.posts import at_its_address, item_of
from tests.bot.conftest import ZONE
from tests.factories import PORTAL, Office, make_office

THERE = "https://www.jiyue.example/art/77.html"


@pytest.fixture
def office(sqlite_works: Works, tmp_path: Any) -> Office:
    made = make_office(sqlite_works, Blobs(tmp_path))
    with sqlite_works.write() as work:
        site = Account(unit_id=made.bureau.id, channel="site_push", name="集约化平台", code="site", action="publish")
        work.session.add(site)
        work.session.flush()
        made.accounts["site"] = site
    return made


def _place(session: Session, release: Release, account: Account, url: str, state: str = "live") -> None:
    session.add(
        Placement(
            unit_id=release.unit_id, piece_id=release.piece_id, account_id=account.id, release_id=release.id,
            revision_id=release.revision_id, state=state, url=url, live_at=release.submitted_at,
            changed_at=release.submitted_at,
        )
    )  # fmt: skip


def _url(office: Office, release: Release) -> str:
    with office.works.read() as work:
        row = work.session.get_one(Release, release.id)
        item = item_of(row, work.session.get_one(Piece, row.piece_id), "weibo", PORTAL)
        return at_its_address(work.session, item).url


def test_the_link_is_the_address_that_the_other_platform_gave(office: Office) -> None:
    release = office.submit(office.piece().id, "site", "weibo")
    assert _url(office, release).startswith(PORTAL)
    with office.works.write() as work:
        _place(work.session, release, office.accounts["site"], THERE)
    assert _url(office, release) == THERE


@pytest.mark.parametrize(("names", "state"), [(("portal", "site", "weibo"), "live"), (("site", "weibo"), "withdrawn")])
def test_our_own_portal_comes_first_and_what_was_taken_back_is_no_address(
    office: Office, names: tuple[str, ...], state: str
) -> None:
    release = office.submit(office.piece().id, *names)
    with office.works.write() as work:
        _place(work.session, release, office.accounts["site"], THERE, state)
    assert _url(office, release).startswith(PORTAL)


def test_whoever_books_before_the_site_has_the_piece_is_told(office: Office) -> None:
    release = office.sign_off(office.submit(office.piece().id, "site", "weibo").id)
    order = Order([release.piece_id], office.accounts["weibo"].id, "publish")
    told = "在网站平台上还没有地址"
    with office.works.write() as work:
        assert any(told in one.message and not one.blocking for one in forewarned(work, order, ZONE))
        on_site = replace(order, account_id=office.accounts["site"].id)
        assert not any(told in one.message for one in forewarned(work, on_site, ZONE))
        _place(work.session, release, office.accounts["site"], THERE)
        work.session.flush()
        assert not any(told in one.message for one in forewarned(work, order, ZONE))
        assert elsewhere.address_of(work.session, release.content, release.piece_id) == THERE


def test_only_the_link_to_its_own_page_becomes_the_address_there(office: Office) -> None:
    other = f"{PORTAL}/notices/999.html"
    release = office.submit(office.piece(summary=f"另见 {other} 。").id, "site", "weibo")
    signed = release.content["variants"]["weibo"]["text"]
    assert f"{release.content['path']}?from=weibo" in signed

    def item() -> Item:
        with office.works.read() as work:
            row = work.session.get_one(Release, release.id)
            own = item_of(row, work.session.get_one(Piece, row.piece_id), "weibo", PORTAL)
            return at_its_address(work.session, own)

    assert (item().unplaced, item().text) == (True, signed)
    with office.works.write() as work:
        _place(work.session, release, office.accounts["site"], THERE)
    assert not item().unplaced
    assert item().text == signed.replace(f"{PORTAL}{release.content['path']}?from=weibo", THERE)
    assert other in item().text
