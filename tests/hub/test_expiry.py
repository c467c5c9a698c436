"""What ends by itself, on the whole hub: pages, lists, feeds, open data, search and bot follow within a minute."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot import knowledge
from channels.accounts.models import Account
from content.models import Piece, PublicPiece, Release
from kernel.clock import StillClock
from kernel.duties import run_due
from scheduler import booking
from scheduler.booking import Order
from scheduler.models import Delivery
from tests.channels.adapters.test_portal import POLICY
from tests.hub.web.going_out import Desk, open_desk

MINUTE = timedelta(minutes=1)


@dataclass
class Running:
    """A hub whose engine is moved on by the clock alone."""

    desk: Desk
    clock: StillClock

    def pass_time(self, **by: float) -> None:
        """Lets time pass, then one minute of the engine: its duties and its lanes, every ten seconds."""
        self.clock.step(**by)
        for _ in range(6):
            run_due(self.desk.hub.works, [duty for duty in self.desk.hub.duties if duty.name == "public.expiry"])
            self.desk.run()
            self.clock.step(seconds=10)

    def act(self, release: Release, action: str, **more: Any) -> None:
        """Books an act on the portal and has it done."""
        works = self.desk.hub.works
        city = self.desk.city
        with works.write(city.actor("officer")) as work:
            account = work.session.scalars(select(Account).where(Account.channel == "portal")).one()
            order = Order((release.piece_id,), account.id, action, again=True, **more)
            piece = work.session.get_one(Piece, release.piece_id)
            if action == "publish":
                booking._insert(work, None, order, account, [(release, piece)], work.now)
            else:
                booking.book_act(work, city.who("officer"), order)
        self.desk.run()

    def publish(self, column: str = "notices", **words: Any) -> Release:
        """A signed piece that shows on the portal."""
        release = self.desk.city.signed_release("portal", column=column, **words)
        self.act(release, "publish")
        return release

    def text(self, path: str) -> str:
        """A page as it lies in the folder."""
        return (self.desk.hub.settings.site_folder / path.lstrip("/")).read_text("utf-8")

    def found(self, query: str) -> str:
        """The search page for some words."""
        return str(self.desk.office.browser().get("/search", params={"q": query}).text)


@pytest.fixture
def running(database_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Running]:
    with open_desk(database_url, tmp_path, clock) as desk:
        yield Running(desk, clock)


def test_a_policy_says_by_itself_that_its_last_day_is_over(running: Running) -> None:
    fields = {**POLICY, "valid_until": "2026-03-10"}
    policy = running.publish("policies", title="养犬管理办法", fields=fields)
    path = policy.content["path"]
    running.pass_time(days=7)
    assert "已失效" not in running.text("/policies/index.html")
    running.pass_time(days=2)
    assert "本文件已不再有效" in running.text(path)
    assert "有效期至2026年3月10日，已期满。" in running.text(path)
    for page in ("/policies/index.html", "/policies/page-1.html", "/index.html"):
        assert "已失效" in running.text(page), page
    assert json.loads(running.text("/data/policies-1.json"))["items"][0]["status"] == "已失效"
    assert "已失效" in running.found("养犬管理办法")
    before = len(running.desk.deliveries())
    running.pass_time(days=1)
    assert len(running.desk.deliveries()) == before


def test_a_later_day_that_was_signed_puts_it_in_force_again(running: Running) -> None:
    policy = running.publish("policies", title="养犬管理办法", fields={**POLICY, "valid_until": "2026-03-10"})
    running.pass_time(days=9)
    assert "已失效" in running.text("/policies/index.html")
    city = running.desk.city
    city.save(policy.piece_id, title="养犬管理办法", fields={**POLICY, "valid_until": "2026-12-31"})
    running.act(city.sign_off(city.submit(policy.piece_id, "portal").id), "correct")
    assert "已失效" not in running.text("/policies/index.html")
    running.pass_time(days=300)
    assert "已失效" in running.text("/policies/index.html")


def test_a_signer_who_puts_it_in_force_again_is_not_contradicted(running: Running) -> None:
    policy = running.publish("policies", title="养犬管理办法", fields={**POLICY, "valid_until": "2026-03-10"})
    running.pass_time(days=9)
    signer = running.desk.browser("signer")
    signer.send_form(f"/console/pieces/{policy.piece_id}/standing", standing="", note="经批准继续执行")
    running.pass_time(days=9)
    assert "已失效" not in running.text("/policies/index.html")
    assert "有效期至2026年3月10日，已期满" not in running.text(policy.content["path"])


def test_the_last_day_itself_counts_in_the_offices_own_zone(running: Running) -> None:
    running.publish("policies", title="养犬管理办法", fields={**POLICY, "valid_until": "2026-03-02"})
    running.pass_time(hours=13)  # 22:00 of that day, by the wall of the office.
    assert "已失效" not in running.text("/policies/index.html")
    running.pass_time(hours=3)
    assert "已失效" in running.text("/policies/index.html")


def test_what_a_signer_marked_is_not_overwritten(running: Running) -> None:
    policy = running.publish("policies", title="养犬管理办法", fields={**POLICY, "valid_until": "2026-03-10"})
    desk = running.desk
    answer = desk.browser("signer").send_form(
        f"/console/pieces/{policy.piece_id}/standing", standing="repealed", note="由云政办发〔2026〕9号废止"
    )
    assert answer.status_code == 303
    running.pass_time(days=30)
    with desk.hub.works.read() as work:
        row = work.session.get_one(PublicPiece, policy.piece_id)
        assert (row.standing, row.standing_note) == ("repealed", "由云政办发〔2026〕9号废止")


def test_an_expired_notice_is_marked_in_the_archive_and_leaves_everything_else(running: Running) -> None:
    ends = running.clock.now() + timedelta(days=3)
    running.publish(title="一直有效的通知")
    notice = running.publish(title="临时停水通知", expires_at=ends)
    path = notice.content["path"]
    for page in ("/index.html", "/rss.xml", "/notices/rss.xml"):
        assert path in running.text(page), page
    running.pass_time(days=3, seconds=1)
    assert "本内容已过有效期" in running.text(path)
    for page in ("/index.html", "/rss.xml", "/atom.xml", "/notices/rss.xml", "/notices/atom.xml"):
        assert path not in running.text(page), page
        assert "一直有效的通知" in running.text(page), page
    assert "已过期" in running.text("/notices/page-1.html")
    rows = json.loads(running.text("/data/notices-1.json"))["items"]
    assert {row["title"]: row["status"] for row in rows}["临时停水通知"] == "已过期"
    assert path not in running.found("临时停水通知")
    with running.desk.hub.works.read() as work:
        assert knowledge.answer_of(work.session, notice.piece_id, work.now) is None
        redrawn = work.session.scalars(select(Delivery).where(Delivery.action == "refresh")).all()
        assert {row.state for row in redrawn} == {"done"}


def test_a_withdrawn_notice_leaves_everything_at_once(running: Running) -> None:
    running.publish(title="留下的通知")
    notice = running.publish(title="撤下的通知")
    path = notice.content["path"]
    assert path in running.found("撤下的通知")
    running.act(notice, "withdraw", phrase="该内容已撤下。")
    pages = ("/index.html", "/rss.xml", "/atom.xml", "/notices/rss.xml", "/notices/index.html", "/notices/page-1.html")
    for page in (*pages, "/sitemap/notices-1.xml", "/data/notices-1.json", "/data/notices-1.csv"):
        assert path not in running.text(page), page
    assert path not in running.found("撤下的通知")
    assert running.desk.office.browser().get(path).status_code == 410
    with running.desk.hub.works.read() as work:
        assert knowledge.answer_of(work.session, notice.piece_id, work.now) is None
