"""Counting reads, collecting figures, and showing channels side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import event, select

from analytics import collect, reach
from analytics.models import PageRead
from channels.adapters.fake import FakeChannel
from channels.base import AccountInfo, Channel, Live, Placed, Reading, Shown
from channels.errors import Unauthorised
from kernel.seal import Seal
from kernel.work import Works
from scheduler import placements
from scheduler.models import Delivery, DeliveryItem, Placement
from tests.analytics.conftest import Published

ZONE = ZoneInfo("Asia/Shanghai")


def _make(answer: Any) -> Any:
    class Told(FakeChannel):
        def read(self, placed: Sequence[Placed]) -> list[Reading]:
            if isinstance(answer, Exception):
                raise answer
            return [Reading(one.piece_id, answer, self.tools.clock.now()) for one in placed]

    def make(account: AccountInfo, published: Published) -> Channel:
        tools: Any = type("Tools", (), {"clock": published.clock})()
        return Told(account, tools)

    return make


def _collect(published: Published, answer: Any) -> int:
    make = _make(answer)
    seal = Seal(Fernet.generate_key())
    return collect.collect(published.works, seal, lambda account: make(account, published), ZONE)


@contextmanager
def _commits(works: Works) -> Iterator[list[object]]:
    """What was committed inside the block, one entry a transaction."""
    seen: list[object] = []
    hear = seen.append
    event.listen(works.engine, "commit", hear)
    yield seen
    event.remove(works.engine, "commit", hear)


def _channels(published: Published) -> dict[str, reach.ChannelReach]:
    with published.works.read() as work:
        return {one.channel: one for one in reach.of_piece(work.session, published.release.piece_id).channels}


def test_an_opening_is_counted_by_hour_and_by_the_channel_that_led_there(published: Published) -> None:
    for channel in ("portal", "portal", "wechat"):
        assert published.count(published.path, channel)
    published.clock.step(hours=1)
    published.count(published.path, "portal")
    shown = _channels(published)
    assert shown["portal"].reads == 4
    assert shown["wechat"].led_here == 1
    with published.works.read() as work:
        hours = reach.by_hour(work.session, published.office.who("manager"), reach.Wanted(work.now - timedelta(days=1)))
    assert hours["portal"] == {1: 2, 2: 1}


@pytest.mark.parametrize(
    "path",
    ["/", "/notices/", "/../etc/passwd", "/notices/1.html.gone", "/notices/1.html?x", "/n/12345678901234567890.html"],
)
def test_what_is_no_article_is_not_counted(published: Published, path: str) -> None:
    assert not published.count(path, "portal")


def test_a_draft_or_an_unknown_piece_is_not_counted(published: Published) -> None:
    piece = published.office.piece(title="草稿")
    published.count(f"/notices/{piece.id}.html", "portal")
    published.count("/notices/999999.html", "portal")
    with published.works.read() as work:
        assert work.session.scalars(select(PageRead)).all() == []


def test_a_burst_of_openings_is_one_transaction(published: Published) -> None:
    with _commits(published.works) as commits:
        published.count(published.path, "portal", times=500)
    assert len(commits) == 1
    assert _channels(published)["portal"].reads == 500


def test_made_up_addresses_do_not_fill_the_memory(published: Published, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "MOST_WAITING", 3)
    counter = collect.ReadCounter(published.works)
    assert [counter.count(f"/notices/{number}.html", "portal") for number in (1, 2, 3, 4, 3)] == [
        *[True] * 3,
        False,
        True,
    ]
    counter.flush()
    assert counter.count("/notices/4.html", "portal")
    counter.flush()


def test_a_days_figures_are_replaced_and_the_newest_shown(published: Published) -> None:
    assert _collect(published, {"reads": 10}) == 1
    assert _collect(published, {"reads": 12, "shares": 1}) == 1
    published.clock.step(days=1)
    _collect(published, {"reads": 30, "shares": 2})
    wechat = _channels(published)["wechat"]
    assert (wechat.reads, wechat.figures["shares"]) == (30, 2)


def test_no_answer_yet_is_shown_as_none_and_not_as_zero(published: Published) -> None:
    assert _channels(published)["wechat"].reads is None
    assert _collect(published, Unauthorised("凭证失效")) == 0
    assert _collect(published, KeyError("an answer of another shape")) == 0
    assert _channels(published)["wechat"].reads is None


def test_days_and_hours_are_those_of_the_office(published: Published) -> None:
    published.clock.step(hours=16)
    published.count(published.path, "portal", 3)
    published.clock.step(days=2)
    published.count(published.path, "wechat", 2)
    wanted = reach.Wanted(published.clock.now() - timedelta(days=7), column_id=published.office.columns["notices"].id)
    with published.works.read() as work:
        who = published.office.who("manager")
        days = reach.days_read(work.session, who, wanted, ZONE)
        hours = reach.by_hour(work.session, who, wanted, ZONE)
        elsewhere = reach.Wanted(wanted.since, column_id=published.office.columns["news"].id)
        assert reach.days_read(work.session, who, elsewhere, ZONE) == []
    assert [(day.isoformat(), reads) for day, reads in days] == [
        ("2026-03-03", 3),
        ("2026-03-04", 0),
        ("2026-03-05", 2),
    ]
    assert hours == {"portal": {1: 3}, "wechat": {1: 2}}


def test_reach_is_shown_only_to_those_who_read_reports_of_the_unit(published: Published) -> None:
    since = reach.Wanted(published.clock.now() - timedelta(days=1))
    with published.works.read() as work:
        mine, total = reach.of_recent(work.session, published.office.who("manager"), since)
        others, none = reach.of_recent(work.session, published.office.who("stranger"), since)
    assert ([piece.piece_id for piece in mine], total) == ([published.release.piece_id], 1)
    assert (others, none) == ([], 0)


def _correct(published: Published, way: str, **data: Any) -> None:
    """A correction of what shows on WeChat that makes a further article."""
    with published.works.write() as work:
        place = work.session.scalars(select(Placement).where(Placement.url == "https://wechat.example")).one()
        delivery = Delivery(
            unit_id=place.unit_id, account_id=place.account_id, channel="wechat", action="correct", identity="c",
            key="c", state="sending", scheduled_at=work.now, next_at=None, created_at=work.now,
            note={"correction": way},
        )  # fmt: skip
        work.session.add(delivery)
        work.session.flush()
        place.remote_id = "old"
        work.session.add(
            DeliveryItem(
                delivery_id=delivery.id,
                position=1,
                action=delivery.action,
                piece_id=place.piece_id,
                release_id=place.release_id,
            )
        )
        work.session.flush()
        placements.remember(work, delivery, Live({place.piece_id: Shown("new", "https://wechat.example/new", data)}))


@pytest.mark.parametrize("way", ["notice", "republish"])
def test_a_correction_that_publishes_again_goes_on_counting_what_still_stands(published: Published, way: str) -> None:
    """Each article is asked for while it stands, and its sums are added to the other's once."""
    sums = {"": 100, "old": 100, "new": 7}

    class Counting(FakeChannel):
        def read(self, placed: Sequence[Placed]) -> list[Reading]:
            assert len({one.piece_id for one in placed}) == len(placed)
            now = self.tools.clock.now()
            return [Reading(one.piece_id, {"reads": sums[one.remote_id]}, now) for one in placed]

    def collected() -> int | None:
        tools: Any = type("Tools", (), {"clock": published.clock})()
        collect.collect(published.works, Seal(Fernet.generate_key()), lambda account: Counting(account, tools), ZONE)
        return _channels(published)["wechat"].reads

    assert collected() == 100
    _correct(published, way)
    assert collected() == 107
    published.clock.step(days=1)
    sums |= {"old": 130, "new": 50}
    assert (collected(), collected()) == (180 if way == "notice" else 150, 180 if way == "notice" else 150)


def test_an_article_published_again_keeps_the_figures_of_the_one_before(published: Published) -> None:
    """The platform counts the new article from nothing; the last sums of the old one stay part of the piece's."""
    _collect(published, {"reads": 100, "likes": 3})
    published.clock.step(days=1)
    _collect(published, {"reads": 150, "likes": 4})
    published.clock.step(days=1)
    _correct(published, "republish")
    shown = _channels(published)["wechat"]
    assert (shown.reads, shown.republished, shown.url) == (150, 1, "https://wechat.example/new")
    _collect(published, {"reads": 20, "shares": 2})
    shown = _channels(published)["wechat"]
    assert shown.figures == {"reads": 170, "likes": 4, "shares": 2}
    published.clock.step(days=1)
    _collect(published, {"reads": 60, "shares": 2})
    assert _channels(published)["wechat"].reads == 210
    assert _channels(published)["portal"].republished == 0
