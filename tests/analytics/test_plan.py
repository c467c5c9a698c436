"""Advice follows the readings, has its reason, and waits for a person."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from analytics import plan
from analytics.models import Suggestion
from channels.accounts.models import Account
from content.errors import NoRight
from content.models import Revision
from content.search_misses import record_miss
from kernel.errors import Invalid, WrongState
from scheduler.models import Delivery, Placement
from tests.analytics.conftest import Published

ZONE = ZoneInfo("Asia/Shanghai")


def _refresh(published: Published) -> list[Suggestion]:
    with published.works.write() as work:
        plan.refresh(work, [published.office.bureau.id], ZONE)
    with published.works.read() as work:
        return list(work.session.scalars(select(Suggestion).where(Suggestion.state == "open").order_by(Suggestion.id)))


def _read(published: Published, times: int, channel: str = "wechat") -> None:
    published.count(published.path, channel, times)


def _of(found: list[Suggestion], kind: str) -> list[Suggestion]:
    return [one for one in found if one.kind == kind]


def test_other_readings_give_other_advice(published: Published) -> None:
    _read(published, 40)
    (morning,) = _of(_refresh(published), "best_hours")
    assert "9–10 时" in morning.title
    published.clock.step(hours=11)
    _read(published, 200)
    (evening,) = _of(_refresh(published), "best_hours")
    assert "20–21 时" in evening.title
    assert evening.facts["hours"] == {"9": 40, "20": 200}
    assert "240 次" in evening.reason


def test_too_few_readings_give_no_advice(published: Published) -> None:
    _read(published, plan.ENOUGH_READS - 1)
    assert _of(_refresh(published), "best_hours") == []


def test_a_column_is_named_before_its_limit_is_reached(published: Published) -> None:
    published.clock.step(days=143)
    assert not any("通知公告" in one.title for one in _of(_refresh(published), "silent_column"))
    published.clock.step(days=1)
    (silent,) = [one for one in _of(_refresh(published), "silent_column") if "通知公告" in one.title]
    assert silent.facts == {"days": 144, "limit": 180}
    assert "144 天" in silent.reason


def test_an_empty_column_is_named(published: Published) -> None:
    titles = [one.title for one in _of(_refresh(published), "silent_column")]
    assert any("工作动态" in title and "还没有内容" in title for title in titles)


def test_accepting_opens_a_draft_in_the_column(published: Published) -> None:
    (silent,) = [one for one in _of(_refresh(published), "silent_column") if "工作动态" in one.title]
    with published.office.working("author") as (work, who):
        piece = plan.accept(work, who, work.session.get_one(Suggestion, silent.id))
    assert piece is not None
    with published.works.read() as work:
        kept = work.session.get_one(Suggestion, silent.id)
        assert (kept.state, kept.piece_id, kept.decided_by) == ("accepted", piece.id, piece.author_id)
        assert work.session.get_one(Revision, piece.revision_id).number == 1
    with published.office.working("author") as (work, who), pytest.raises(WrongState):
        plan.accept(work, who, work.session.get_one(Suggestion, silent.id))


def test_what_was_looked_for_in_vain_becomes_a_draft_of_the_unit_that_keeps_the_site(published: Published) -> None:
    for query in ("老年卡怎么办", "老年卡怎么办", "查 13800138000", "老年卡怎么办", "只搜过一次"):
        with published.works.write() as work:
            record_miss(work, query)
    city, other = published.office.city.id, published.office.other.id
    with published.works.read() as work:
        (found,) = plan.not_found(work.session, city, work.now)
        assert plan.not_found(work.session, other, work.now) == []
    assert (found.facts["question"], found.facts["asked"]) == ("老年卡怎么办", 3)
    assert found.draft == {"title": "老年卡怎么办", "fields": {"wordings": ["老年卡怎么办"]}}
    with published.works.write() as work:  # The site may stand on another platform.
        work.session.add(Account(unit_id=other, channel="site_manual", name="网站", code="site", action="publish"))
        work.session.flush()
        assert [one.facts["asked"] for one in plan.not_found(work.session, other, work.now)] == [3]
    published.clock.step(days=29)
    with published.works.read() as work:
        assert plan.not_found(work.session, city, work.now) == []


def test_a_silent_column_opens_with_what_people_ask_for(published: Published) -> None:
    (silent,) = [one for one in _of(_refresh(published), "silent_column") if "工作动态" in one.title]
    assert silent.draft == {"title": "工作动态（2026年3月）"}
    with published.works.write() as work:
        for _ in range(3):
            record_miss(work, "老年卡怎么办")
    (silent,) = [one for one in _of(_refresh(published), "silent_column") if "工作动态" in one.title]
    assert silent.draft == {"title": "老年卡怎么办"}
    assert "老年卡怎么办" in silent.reason
    with published.office.working("author") as (work, who):
        piece = plan.accept(work, who, work.session.get_one(Suggestion, silent.id))
        assert piece is not None
        assert work.session.get_one(Revision, piece.revision_id).title == "老年卡怎么办"


def test_a_silent_account_opens_a_draft_in_the_column_it_shows_most(published: Published) -> None:
    published.clock.step(days=20)
    wechat = published.office.accounts["wechat"].id
    (silent,) = [one for one in _of(_refresh(published), "silent_account") if one.facts["account"] == wechat]
    assert silent.column_id == published.office.columns["notices"].id
    assert silent.draft["title"].startswith("通知公告（")


def test_dismissed_advice_stays_away_until_its_reason_changes(published: Published) -> None:
    (silent,) = [one for one in _of(_refresh(published), "silent_column") if "工作动态" in one.title]
    with published.office.working("author") as (work, who):
        row = work.session.get_one(Suggestion, silent.id)
        with pytest.raises(Invalid):
            plan.dismiss(work, who, row, " ")
        plan.dismiss(work, who, row, "栏目即将合并")
    assert not any(one.id == silent.id for one in _refresh(published))


def test_another_unit_does_not_decide(published: Published) -> None:
    (silent,) = [one for one in _of(_refresh(published), "silent_column") if "工作动态" in one.title]
    with published.office.working("stranger") as (work, who), pytest.raises(NoRight):
        plan.accept(work, who, work.session.get_one(Suggestion, silent.id))


def test_advice_without_its_reason_goes(published: Published) -> None:
    _read(published, 40)
    assert _of(_refresh(published), "best_hours")
    published.clock.step(days=29)
    assert _of(_refresh(published), "best_hours") == []
    assert timedelta(days=29) > plan.LOOK_BACK


def _by(published: Published, action: str) -> None:
    """The piece showed first on WeChat alone, in this way."""
    with published.works.write() as work:
        portal, wechat = work.session.scalars(select(Placement).order_by(Placement.id))
        work.session.delete(portal)
        delivery = Delivery(
            unit_id=wechat.unit_id, account_id=wechat.account_id, channel="wechat", action=action, identity=action,
            key=action, state="done", scheduled_at=work.now, next_at=None, created_at=work.now, done_at=work.now,
        )  # fmt: skip
        work.session.add(delivery)
        work.session.flush()
        wechat.delivery_id = delivery.id


@pytest.mark.parametrize(("action", "silent"), [("publish", True), ("mass_send", False)])
def test_what_no_follower_is_told_of_ends_no_silence(published: Published, action: str, silent: bool) -> None:
    _by(published, action)
    found = _refresh(published)
    assert any("通知公告" in one.title for one in _of(found, "silent_column")) == silent
    account = [
        one for one in _of(found, "silent_account") if one.facts["account"] == published.office.accounts["wechat"].id
    ]
    assert bool(account) == silent
    if silent:
        assert (account[0].facts["days"], account[0].facts["limit"]) == (None, 14)
        assert "还没有更新" in account[0].title


def test_an_account_is_named_before_its_limit_is_reached(published: Published) -> None:
    _by(published, "mass_send")
    wechat = published.office.accounts["wechat"].id
    published.clock.step(days=11)
    assert not [one for one in _of(_refresh(published), "silent_account") if one.facts["account"] == wechat]
    published.clock.step(days=1)
    (silent,) = [one for one in _of(_refresh(published), "silent_account") if one.facts["account"] == wechat]
    assert silent.facts == {"days": 12, "limit": 14, "account": wechat}
