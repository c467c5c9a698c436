"""What is left of an account's quotas: by what the platform took and said, what is booked, and whom it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pytest

from channels.accounts.models import Account, QuotaUse
from channels.accounts.quotas import DatabaseQuotas
from kernel.people import Unit
from kernel.work import Works
from scheduler.models import Delivery
from scheduler.preflight import beyond, crowded, full, spent

DAY = date(2026, 3, 2)
TAG: Mapping[str, Any] = {"tag_id": [{"id": 2, "name": "物业"}]}
OTHER: Mapping[str, Any] = {"tag_id": [{"id": 7, "name": "街道"}]}


def account_of(works: Works, type_: str = "service", **values: Any) -> Account:
    with works.write() as work:
        unit = Unit(name="住建局", code="zj", path="")
        work.session.add(unit)
        work.session.flush()
        account = Account(unit_id=unit.id, channel="wechat", name="云州发布", code="wx", action="mass_send", **values)
        account.settings = {"type": type_}
        work.session.add(account)
    return account


def book(works: Works, account: Account, at: str, number: int, **values: Any) -> None:
    moment = datetime.fromisoformat(at)
    with works.write() as work:
        work.session.add(
            Delivery(
                unit_id=account.unit_id, account_id=account.id,
                identity=str(number), key=str(number), scheduled_at=moment, created_at=moment,
                **{"channel": "wechat", "action": "mass_send", "state": "booked", **values},
            )
        )  # fmt: skip


def left(works: Works, account: Account, audience: Mapping[str, Any], day: date = DAY) -> dict[str, int]:
    with works.read() as work:
        return {one.period: one.left for one in spent(work.session, account, day, audience) if one.limit < 100}


def test_a_send_to_a_tag_counts_for_those_who_bear_it(works: Works) -> None:
    account, ledger = account_of(works), DatabaseQuotas(works)
    ledger.count(account.id, "mass_send", "2026-03")
    for _ in range(2):
        ledger.count(account.id, "mass_send.tag.2", "2026-03")
    book(works, account, "2026-03-20T10:00+08:00", 1, audience=TAG)
    assert left(works, account, TAG) == {"month": 0}
    assert left(works, account, OTHER) == {"month": 3}
    assert left(works, account, {}) == {"day": 1, "month": 3}
    assert left(works, account, TAG, date(2026, 4, 1)) == {"month": 4}
    at = datetime.fromisoformat("2026-03-21T10:00+08:00")
    with works.read() as work:
        (full,) = crowded(work.session, account, "mass_send", at, TAG)
        assert "额度为 4 次，已安排 4 次" in full.message
        (some,) = crowded(work.session, account, "mass_send", at)
        assert "有的粉丝" in some.message
        assert crowded(work.session, account, "publish", at, TAG) == []


@pytest.mark.parametrize(("type_", "audience"), [("subscription", {}), ("subscription", TAG), ("service", {})])
def test_what_the_platform_said_is_remembered_until_the_period_ends(
    sqlite_works: Works, type_: str, audience: Mapping[str, Any]
) -> None:
    account, ledger = account_of(sqlite_works, type_), DatabaseQuotas(sqlite_works)
    assert left(sqlite_works, account, audience)["day"] == 1
    ledger.use_up(account.id, "mass_send", "2026-03-02")
    assert left(sqlite_works, account, audience)["day"] == 0
    assert ledger.left(account.id, "mass_send", "2026-03-02", 9) == 0
    assert ledger.take(account.id, "mass_send", "2026-03-02", 9) is False
    assert left(sqlite_works, account, audience, date(2026, 3, 3))["day"] == 1
    with sqlite_works.read() as work:
        told = crowded(work.session, account, "mass_send", datetime.fromisoformat("2026-03-02T23:59+08:00"), audience)
        assert [("还剩 0 次" in one.message, one.blocking) for one in told] == [(True, False)]
        assert not crowded(work.session, account, "mass_send", datetime.fromisoformat("2026-03-03T00:00+08:00"))


def test_the_day_is_that_of_the_platform_and_what_a_person_sent_counts(sqlite_works: Works) -> None:
    account = account_of(sqlite_works, "subscription")
    # 17:00 in London is 01:00 of the next day where the platform counts.
    book(sqlite_works, account, "2026-03-02T17:00+00:00", 1)
    assert [left(sqlite_works, account, {}, date(2026, 3, day))["day"] for day in (2, 3)] == [1, 0]
    book(sqlite_works, account, "2026-03-05T09:00+08:00", 2, state="done")
    book(sqlite_works, account, "2026-03-06T09:00+08:00", 3, state="done", job_id="mass:7")
    book(sqlite_works, account, "2026-03-07T09:00+08:00", 4, state="cancelled")
    assert [left(sqlite_works, account, {}, date(2026, 3, day))["day"] for day in (5, 6, 7)] == [0, 1, 1]


def test_an_accounts_own_lower_limit_holds_for_its_tags_too(sqlite_works: Works) -> None:
    account = account_of(sqlite_works, limits={"mass_send.month": 1})
    with sqlite_works.write() as work:
        work.session.add(QuotaUse(account_id=account.id, quota="mass_send.tag.2", period="2026-03", used=1))
    assert (left(sqlite_works, account, TAG), left(sqlite_works, account, OTHER)) == ({"month": 0}, {"month": 1})
    assert DatabaseQuotas(sqlite_works).left(account.id, "mass_send.tag.2", "2026-03", 4, ["mass_send"]) == 0


def test_where_nobody_refuses_what_is_too_much_it_is_only_told(sqlite_works: Works) -> None:
    account = account_of(sqlite_works)
    with sqlite_works.write() as work:
        row = work.session.get_one(Account, account.id)
        row.channel, row.settings = "jpush", {"vendor_per_day": 1}
        account = row
    book(sqlite_works, account, "2026-03-02T10:00+08:00", 1, channel="jpush", action="push")
    at = datetime.fromisoformat("2026-03-02T15:00+08:00")
    with sqlite_works.read() as work:
        assert [one.left for one in spent(work.session, account, DAY)] == [0]
        (told,) = crowded(work.session, account, "push", at)
        assert "为 1 次，已安排 1 次；超出的" in told.message
        assert beyond(work.session, account, "push", at, {}, 0) == ""
        assert not full(work.session, account, "push", at, {})
