"""The list of browsers: nobody is claimed twice for a delivery, and who is gone is forgotten."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from channels.accounts.models import Account, PushSubscription
from channels.accounts.subscriptions import DatabaseSubscriptions, subscribe, unsubscribe
from channels.base import Subscriptions
from kernel.clock import StillClock
from kernel.people import add_unit
from kernel.work import Works


@pytest.fixture
def account_id(works: Works) -> int:
    """An account on each kind of database, with three browsers."""
    with works.write() as work:
        unit = add_unit(work.session, "云州市人民政府", "city")
        account = Account(unit_id=unit.id, channel="web_push", name="浏览器通知", code="p")
        work.session.add(account)
        work.session.flush()
        for number in (1, 2, 3):
            subscribe(work, account.id, f"https://push.example/{number}", "k" * 87, "a" * 22)
        return account.id


@pytest.fixture
def browsers(works: Works) -> Subscriptions:
    """The list."""
    return DatabaseSubscriptions(works)


def test_a_browser_is_claimed_once_for_a_delivery(browsers: Subscriptions, account_id: int) -> None:
    first = browsers.due(account_id, "a", {}, 2)
    second = browsers.due(account_id, "a", {}, 2)
    assert [one.endpoint[-1] for one in (*first, *second)] == ["1", "2", "3"]
    assert browsers.due(account_id, "a", {}, 2) == []
    assert len(browsers.due(account_id, "b", {}, 9)) == 3
    assert browsers.counts("a") == {"unknown": 3}


def test_what_became_of_them_is_counted_and_who_is_gone_is_forgotten(
    works: Works, browsers: Subscriptions, account_id: int
) -> None:
    one, two, three = browsers.due(account_id, "a", {}, 9)
    browsers.record("a", {one.id: "sent", two.id: "gone"})
    assert browsers.counts("a") == {"sent": 1, "gone": 1, "unknown": 1}
    assert {found.id for found in browsers.due(account_id, "b", {}, 9)} == {one.id, three.id}
    with works.read() as work:
        row = work.session.get_one(PushSubscription, two.id)
        assert (row.endpoint, row.p256dh, row.auth, row.gone_at) == ("", "", "", work.now)


def test_who_was_put_back_is_due_again_at_its_hour_and_no_other(
    browsers: Subscriptions, account_id: int, clock: StillClock
) -> None:
    one, two, _ = browsers.due(account_id, "a", {}, 9)
    browsers.record("a", {one.id: "sent"})
    browsers.wait("a", [two.id], clock.now() + timedelta(minutes=5))
    assert browsers.due(account_id, "a", {}, 9) == []
    assert browsers.counts("a") == {"sent": 1, "waiting": 1, "unknown": 1}
    clock.step(minutes=5)
    assert [found.id for found in browsers.due(account_id, "a", {}, 9)] == [two.id]
    assert browsers.due(account_id, "a", {}, 9) == []


def test_the_same_address_again_is_the_same_browser_with_new_keys(works: Works, account_id: int) -> None:
    with works.write() as work:
        unsubscribe(work, account_id, "https://push.example/2")
    with works.write() as work:
        subscribe(work, account_id, "https://push.example/2", "n" * 87, "b" * 22)
    with works.read() as work:
        rows = work.session.scalars(select(PushSubscription).order_by(PushSubscription.id)).all()
        assert [(row.endpoint[-1], row.p256dh[0], row.gone_at) for row in rows] == [
            ("1", "k", None), ("2", "n", None), ("3", "k", None),
        ]  # fmt: skip


def test_who_no_longer_wants_it_is_not_called(works: Works, browsers: Subscriptions, account_id: int) -> None:
    with works.write() as work:
        unsubscribe(work, account_id, "https://push.example/2")
    assert [one.endpoint[-1] for one in browsers.due(account_id, "a", {}, 9)] == ["1", "3"]


def test_another_accounts_browsers_are_not_called(works: Works, browsers: Subscriptions, account_id: int) -> None:
    with works.write() as work:
        unit = work.session.get_one(Account, account_id).unit_id
        other = Account(unit_id=unit, channel="web_push", name="另一个", code="q")
        work.session.add(other)
        work.session.flush()
        subscribe(work, other.id, "https://push.example/1", "k" * 87, "a" * 22)
        other_id = other.id
    assert len(browsers.due(other_id, "a", {}, 9)) == 1


def test_four_threads_share_out_the_browsers(works: Works, browsers: Subscriptions, account_id: int) -> None:
    with works.write() as work:
        for number in range(4, 41):
            subscribe(work, account_id, f"https://push.example/{number}", "k" * 87, "a" * 22)
    got: list[int] = []

    def take() -> None:
        while batch := browsers.due(account_id, "a", {}, 5):
            got.extend(one.id for one in batch)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(got) == len(set(got))
    assert len(got) + len(browsers.due(account_id, "a", {}, 99)) == 40
