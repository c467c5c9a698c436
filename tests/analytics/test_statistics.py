"""Figures day by day against the rehearsal platform: nothing added up, nothing twice, everything after an outage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select

from analytics import collect as readings
from analytics import reach
from analytics.models import AccountDay, ChannelReading, PlacementDay, StatisticsMark
from analytics.statistics import collect
from channels.accounts import store as accounts
from channels.accounts.models import Account, QuotaUse
from channels.accounts.quotas import DatabaseQuotas
from channels.accounts.tokens import DatabaseTokens
from channels.adapters.calling import PLATFORM_ZONE
from channels.adapters.wechat import WeChatChannel
from channels.base import AccountInfo, Channel
from channels.rehearsal.config import RehearsalConfig
from kernel.seal import Seal
from kernel.work import Works
from scheduler.models import Placement
from tests.analytics.conftest import Published
from tests.channels.harness import MovingClock, host_of, make_tools
from tests.channels.rehearsal.served import APPID, SECRET, Rehearsal, serving
from tests.factories import picture_bytes


@pytest.fixture(scope="module")
def running() -> Iterator[Rehearsal]:
    """The platforms."""
    with serving(RehearsalConfig.demo()) as rehearsal:
        yield rehearsal


@dataclass
class Counted:
    """One published article whose readers come on different days."""

    works: Works
    rehearsal: Rehearsal
    clock: MovingClock
    make: Any
    seal: Seal
    page: str
    first: date

    def at(self, days: int, hour: int = 9) -> None:
        """Some days after publication, at an hour in China."""
        moment = f"{(self.first + timedelta(days=days)).isoformat()}T{hour:02d}:00:00+08:00"
        self.clock.offset = timedelta(seconds=self.rehearsal.control("clock", to=moment)["offset"])

    def read(self, *readers: str, act: str = "read") -> None:
        """People open the page."""
        for reader in readers:
            self.rehearsal.control(f"wechat/{APPID}/pages/{self.page}", act=act, reader=reader)

    def collect(self) -> int:
        """The duty, once."""
        return collect(self.works, self.seal, self.make)

    def rows(self, model: Any) -> dict[str, dict[str, int]]:
        """Figures by day."""
        with self.works.read() as work:
            return {row.day.isoformat(): row.figures for row in work.session.scalars(select(model).order_by(model.day))}

    def day(self, after: int) -> str:
        """A day after publication."""
        return (self.first + timedelta(days=after)).isoformat()


@pytest.fixture
def counted(published: Published, works: Works, running: Rehearsal) -> Iterator[Counted]:
    """On each kind of database."""
    running.control("reset")
    start = running.control("clock", to="2030-03-04T10:00:00+08:00")
    clock = MovingClock()
    clock.offset = timedelta(seconds=start["offset"])
    works.clock = clock
    caller = running.wechat()
    cover = caller.raw(
        "cgi-bin/material/add_material", params={"type": "image"}, files={"media": ("a.png", picture_bytes())}
    )
    article = {"title": "标题", "content": "<p>正文</p>", "thumb_media_id": cover["media_id"]}
    draft = caller("draft/add", articles=[article])["media_id"]
    made = caller("freepublish/submit", media_id=draft)
    (line,) = running.wait_for("publish")
    seal = Seal(Fernet.generate_key())
    url = line["data"]["articles"][0]["url"]
    with works.write() as work:
        about = {"base_url": f"{running.url}/wechat", "credentials": {"appid": APPID, "secret": SECRET}}
        made_account = accounts.add(
            work, seal, unit_id=published.release.unit_id, channel="wechat", name="号", code="wx", **about
        )
        for other in work.session.scalars(select(Account).where(Account.id != made_account.id)):
            other.active = False
        row = work.session.scalars(select(Placement).where(Placement.url == "https://wechat.example")).one()
        row.account_id, row.url, row.live_at = made_account.id, url, work.now
        row.data = {"msg_data_id": made["msg_data_id"], "idx": 1, "article_id": line["data"]["article_id"]}
    tools = replace(
        make_tools(host_of(running), clock=clock, timeout=5.0),
        tokens=DatabaseTokens(works, seal),
        quotas=DatabaseQuotas(works),
    )

    def make(about: AccountInfo) -> Channel:
        return WeChatChannel(about, tools)

    yield Counted(works, running, clock, make, seal, url.rsplit("/", 1)[1], date(2030, 3, 4))
    tools.http.close()


def test_each_day_holds_the_sum_since_publication_and_that_day_alone(counted: Counted) -> None:
    counted.read("a", "b", "c")
    counted.at(1)
    counted.read("d", "e")
    counted.read("d", act="share")
    counted.at(2)
    counted.collect()
    sums, days = counted.rows(ChannelReading), counted.rows(PlacementDay)
    assert [sums[counted.day(n)]["readers"] for n in (0, 1)] == [3, 5]
    assert [days[counted.day(n)]["readers"] for n in (0, 1)] == [3, 2]
    assert days[counted.day(1)]["shares"] == 1
    with counted.works.read() as work:
        placement = work.session.scalars(select(Placement).where(Placement.url.contains("/wechat/s/"))).one()
        found = reach.of_piece(work.session, placement.piece_id)
    assert {one.reads for one in found.channels if one.channel == "wechat"} == {5}


def test_twice_changes_nothing_and_asks_nothing(counted: Counted) -> None:
    counted.read("a", "b")
    counted.at(1)
    assert counted.collect() > 0
    before = [counted.rows(model) for model in (ChannelReading, PlacementDay, AccountDay)]
    with counted.works.read() as work:
        used = work.session.scalar(select(func.sum(QuotaUse.used)).where(QuotaUse.quota == "datacube"))
    assert counted.collect() == 0
    assert [counted.rows(model) for model in (ChannelReading, PlacementDay, AccountDay)] == before
    with counted.works.read() as work:
        assert work.session.scalar(select(func.sum(QuotaUse.used)).where(QuotaUse.quota == "datacube")) == used


def test_an_outage_of_ten_days_is_filled_day_by_day(counted: Counted) -> None:
    for day in range(1, 11):
        counted.read(f"reader-{day}")
        counted.at(day)
    counted.collect()
    sums = counted.rows(ChannelReading)
    assert [sums[counted.day(n)]["readers"] for n in range(10)] == list(range(1, 11))
    assert len(counted.rows(PlacementDay)) == 10


def test_before_eight_yesterday_is_not_asked_for(counted: Counted) -> None:
    counted.read("a")
    counted.at(1, hour=7)
    counted.collect()
    assert counted.rows(ChannelReading) == {}
    counted.at(1, hour=8)
    counted.collect()
    assert list(counted.rows(ChannelReading)) == [counted.day(0)]


def test_what_is_still_being_counted_is_asked_for_again(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    counted.at(1)
    counted.collect()
    with counted.works.write() as work:
        for mark in work.session.scalars(select(StatisticsMark).where(StatisticsMark.day == counted.first)):
            mark.delayed = True
    assert counted.collect() == 3
    assert counted.collect() == 0


def test_the_accounts_own_number_of_calls_is_kept(counted: Counted) -> None:
    with counted.works.write() as work:
        account = work.session.scalars(select(Account).where(Account.code == "wx")).one()
        account.settings = {**account.settings, "datacube_per_day": 10}
    counted.at(1)
    counted.collect()
    counted.collect()
    with counted.works.read() as work:
        assert work.session.scalar(select(QuotaUse.used).where(QuotaUse.quota == "datacube")) == 10
    done = 0
    for day in range(2, 20):
        counted.at(day)
        done += counted.collect()
    assert done > 10, "what was missing is asked for on the days after"


def test_followers_are_those_of_every_source(counted: Counted) -> None:
    for number in range(3):
        counted.rehearsal.control(f"wechat/{APPID}/people", openid=f"oNew_{number:024d}", name="新")
    counted.at(1)
    counted.collect()
    told = counted.rows(AccountDay)[counted.day(0)]
    assert told["joined"] >= 3
    assert told["followers"] >= 3
    assert told["articles"] == 1


def test_one_account_that_fails_stops_no_other_and_the_older_way_is_not_used(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted.at(1)
    with monkeypatch.context() as broken:
        broken.setattr(WeChatChannel, "article_sums", lambda *_: {}["list"])
        assert counted.collect() == 0
    counted.rehearsal.control("faults", kind="http_5xx", platform="wechat", path="datacube/getarticletotaldetail")
    assert counted.collect() == 0
    assert counted.collect() > 0
    assert readings.collect(counted.works, counted.seal, counted.make, PLATFORM_ZONE) == 0
