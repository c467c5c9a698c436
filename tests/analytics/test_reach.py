"""Counting reads, collecting figures, and showing channels side by side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from analytics import collect, reach
from analytics.models import PageRead
from channels.adapters.fake import FakeChannel
from channels.base import AccountInfo, Channel, Placed, Reading
from channels.errors import Unauthorised
from kernel.seal import Seal
from kernel.work import Works
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


def _writes(works: Works) -> int:
    counted = getattr(works, "counted", None)
    if counted is None:
        counted = []
        open_write = works.write

        def counting(*args: Any) -> Any:
            counted.append(1)
            return open_write(*args)

        works.write = counting  # type: ignore[method-assign]
        works.counted = counted  # type: ignore[attr-defined]
    return len(counted)


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
        hours = reach.by_hour(work.session, published.office.who("manager"), work.now - timedelta(days=1))
    assert hours["portal"] == {1: 2, 2: 1}


@pytest.mark.parametrize("path", ["/", "/notices/", "/../etc/passwd", "/notices/1.html.gone", "/notices/1.html?x"])
def test_what_is_no_article_is_not_counted(published: Published, path: str) -> None:
    assert not published.count(path, "portal")


def test_a_draft_or_an_unknown_piece_is_not_counted(published: Published) -> None:
    piece = published.office.piece(title="草稿")
    published.count(f"/notices/{piece.id}.html", "portal")
    published.count("/notices/999999.html", "portal")
    with published.works.read() as work:
        assert work.session.scalars(select(PageRead)).all() == []


def test_a_burst_of_openings_is_one_transaction(published: Published) -> None:
    works = published.works
    before = _writes(works)
    published.count(published.path, "portal", times=500)
    assert _writes(works) - before == 1
    assert _channels(published)["portal"].reads == 500


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
    assert _channels(published)["wechat"].reads is None


def test_reach_is_shown_only_to_those_who_read_reports_of_the_unit(published: Published) -> None:
    since = published.clock.now() - timedelta(days=1)
    with published.works.read() as work:
        mine, total = reach.of_recent(work.session, published.office.who("manager"), since)
        others, none = reach.of_recent(work.session, published.office.who("stranger"), since)
    assert ([piece.piece_id for piece in mine], total) == ([published.release.piece_id], 1)
    assert (others, none) == ([], 0)
