"""The list of browsers: nobody is claimed twice for a delivery, and who is gone is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from channels.accounts.fan_outs import PROVEN, SHORTEST_REST, DatabaseSubscriptions, progress_of
from channels.accounts.models import Account, PushConsent, PushSubscription, PushTopic
from channels.accounts.subscriptions import Topics, subscribe, topics_of, unsubscribe
from channels.base import Called, Subscription, Subscriptions
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


ORIGIN = "https://push.example"


def claim(
    browsers: Subscriptions, account_id: int, key: str, most: int, **audience: list[str]
) -> Sequence[Subscription]:
    """The first step of a new round, as a process that has just started makes it."""
    walk = browsers.walk(account_id, key, audience)
    return walk.step({}, dict.fromkeys(walk.origins, most))


def test_a_browser_is_claimed_once_for_a_delivery(browsers: Subscriptions, account_id: int) -> None:
    first, second = claim(browsers, account_id, "a", 2), claim(browsers, account_id, "a", 2)
    assert [one.endpoint[-1] for one in (*first, *second)] == ["1", "2", "3"]
    assert {one.origin for one in first} == {ORIGIN}
    assert claim(browsers, account_id, "a", 2) == []
    assert len(claim(browsers, account_id, "b", 9)) == 3
    assert browsers.counts("a") == {"unknown": 3}


def test_a_stop_ends_the_round_within_one_step_and_it_goes_on_where_it_stood(works: Works, account_id: int) -> None:
    stops: set[str] = set()
    browsers = DatabaseSubscriptions(works, lambda _session, key, _now: key in stops)
    walk = browsers.walk(account_id, "a", {})
    (one,) = walk.step({}, {ORIGIN: 1})
    stops.add("a")
    assert (walk.step({one.id: Called("sent")}, {ORIGIN: 1}), walk.stopped) == ([], True)
    assert browsers.counts("a") == {"sent": 1}
    assert claim(browsers, account_id, "a", 9) == []
    stops.clear()
    assert [found.endpoint[-1] for found in claim(browsers, account_id, "a", 9)] == ["2", "3"]


def test_what_became_of_them_is_counted_and_who_is_gone_is_forgotten(
    works: Works, browsers: Subscriptions, account_id: int
) -> None:
    walk = browsers.walk(account_id, "a", {})
    one, two, three = walk.step({}, {ORIGIN: 9})
    walk.step({one.id: Called("sent"), two.id: Called("gone", "410")}, {})
    assert browsers.counts("a") == {"sent": 1, "gone": 1, "unknown": 1}
    assert {found.id for found in claim(browsers, account_id, "b", 9)} == {one.id, three.id}
    with works.read() as work:
        row = work.session.get_one(PushSubscription, two.id)
        assert (row.endpoint, row.p256dh, row.auth, row.gone_at) == ("", "", "", work.now)


def test_what_was_answered_and_what_is_claimed_next_are_one_work(browsers: Subscriptions, account_id: int) -> None:
    walk = browsers.walk(account_id, "a", {})
    (one,) = walk.step({}, {ORIGIN: 1})
    (two,) = walk.step({one.id: Called("refused", "413")}, {ORIGIN: 1})
    assert two.id != one.id
    assert browsers.counts("a") == {"refused": 1, "unknown": 1}
    walk.step({}, {ORIGIN: 1})
    assert walk.step({}, {ORIGIN: 1}) == []
    assert walk.origins == []


def test_who_was_put_back_is_due_again_at_its_hour_and_no_other(
    browsers: Subscriptions, account_id: int, clock: StillClock
) -> None:
    walk = browsers.walk(account_id, "a", {})
    one, two, _ = walk.step({}, {ORIGIN: 9})
    until = clock.now() + timedelta(minutes=5)
    walk.step({one.id: Called("sent"), two.id: Called("waiting", "429", until)}, {})
    assert claim(browsers, account_id, "a", 9) == []
    assert browsers.counts("a") == {"sent": 1, "waiting": 1, "unknown": 1}
    clock.step(minutes=5)
    assert [found.id for found in claim(browsers, account_id, "a", 9)] == [two.id]
    assert claim(browsers, account_id, "a", 9) == []


def test_how_far_it_is_counts_from_those_it_began_with(
    works: Works, browsers: Subscriptions, account_id: int, clock: StillClock
) -> None:
    walk = browsers.walk(account_id, "a", {})
    one, two = walk.step({}, {ORIGIN: 2})
    walk.step({one.id: Called("sent"), two.id: Called("refused", "413")}, {})
    with works.read() as work:
        shown = progress_of(work.session, "a")
        assert shown is not None
        assert (shown.total, shown.reached, shown.percent, shown.reasons) == (3, 2, 66, {"413": 1})
        assert progress_of(work.session, "another") is None


@pytest.mark.parametrize(
    ("audience", "expected"),
    [
        ({}, "123456"),
        ({"column": ["notices"]}, "123456"),
        ({"column": ["policies"]}, "12356"),
        ({"column": ["policies"], "district": ["青石区"]}, "1236"),
        ({"district": ["临江区"]}, "12345"),
        ({"district": ["临江区", "青石区"]}, "123456"),
    ],
)
def test_who_chose_topics_hears_of_those_alone(
    works: Works, browsers: Subscriptions, account_id: int, audience: dict[str, list[str]], expected: str
) -> None:
    chosen = (Topics(["notices"]), Topics(["policies", "notices"], ["临江区"]), Topics((), ["青石区"]))
    with works.write() as work:
        for number, topics in enumerate(chosen, 4):
            subscribe(work, account_id, f"https://push.example/{number}", "k" * 87, "a" * 22, topics)
    found = claim(browsers, account_id, "a", 9, **audience)
    assert "".join(sorted(one.endpoint[-1] for one in found)) == expected


def test_what_was_agreed_to_is_kept_and_taking_it_back_too(works: Works, account_id: int, clock: StillClock) -> None:
    endpoint = "https://push.example/2"
    with works.write() as work:
        subscribe(work, account_id, endpoint, "k" * 87, "a" * 22, Topics(["notices"], ["临江区"]), "2026-11")
    with works.read() as work:
        assert topics_of(work.session, account_id, endpoint) == Topics(("notices",), ("临江区",))
    clock.step(days=3)
    with works.write() as work:
        unsubscribe(work, account_id, endpoint)
        unsubscribe(work, account_id, endpoint)
    with works.read() as work:
        assert topics_of(work.session, account_id, endpoint) is None
        assert work.session.scalars(select(PushTopic)).all() == []
        query = select(PushConsent).where(PushConsent.subscription_id == 2).order_by(PushConsent.id)
        kept = [(row.given, row.words, row.topics, row.at) for row in work.session.scalars(query)]
    began = clock.now() - timedelta(days=3)
    assert kept == [
        (True, "2026-11", {"column": [], "district": []}, began),
        (True, "2026-11", {"column": ["notices"], "district": ["临江区"]}, began),
        (False, "2026-11", {}, clock.now()),
    ]


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
    assert [one.endpoint[-1] for one in claim(browsers, account_id, "a", 9)] == ["1", "3"]


def test_another_accounts_browsers_are_not_called(works: Works, browsers: Subscriptions, account_id: int) -> None:
    with works.write() as work:
        unit = work.session.get_one(Account, account_id).unit_id
        other = Account(unit_id=unit, channel="web_push", name="另一个", code="q")
        work.session.add(other)
        work.session.flush()
        subscribe(work, other.id, "https://push.example/1", "k" * 87, "a" * 22)
        other_id = other.id
    assert len(claim(browsers, other_id, "a", 9)) == 1


def test_four_threads_share_out_the_browsers(works: Works, browsers: Subscriptions, account_id: int) -> None:
    with works.write() as work:
        for number in range(4, 41):
            subscribe(work, account_id, f"https://push.example/{number}", "k" * 87, "a" * 22)
    got: list[int] = []

    def take() -> None:
        while batch := claim(browsers, account_id, "a", 5):
            got.extend(one.id for one in batch)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(got) == len(set(got))
    assert len(got) + len(claim(browsers, account_id, "a", 99)) == 40


def test_what_follows_a_delivery_is_for_those_it_reached_whatever_they_chose_since(
    works: Works, browsers: Subscriptions, account_id: int
) -> None:
    """Who left is left alone, who came later hears nothing; a service that surely took nothing reached nobody."""
    walk = browsers.walk(account_id, "first", {})
    one, two, three = walk.step({}, {ORIGIN: 3})
    walk.step({one.id: Called("sent"), two.id: Called("refused", "400")}, {})  # The third one's answer was lost.
    with works.write() as work:
        subscribe(work, account_id, f"{ORIGIN}/1", "k" * 87, "a" * 22, Topics(["policies"], ["青石区"]))
        subscribe(work, account_id, f"{ORIGIN}/4", "k" * 87, "a" * 22)
    assert [found.id for found in claim(browsers, account_id, "second", 9, reached=["first"])] == [one.id, three.id]
    assert not claim(browsers, account_id, "third", 9, reached=["never"])


def test_a_push_service_is_known_by_what_it_took_and_rests_longer_each_time_it_fails(
    works: Works, browsers: Subscriptions, account_id: int
) -> None:
    with works.write() as work:
        for service in ("a", "b"):
            subscribe(work, account_id, f"https://{service}.example/1", "k" * 87, "a" * 22)
    a, b = "https://a.example", "https://b.example"
    walk = browsers.walk(account_id, "d", {})
    assert list(walk.origins) == [ORIGIN, a, b], "who was known first is asked first"
    assert not walk.proven
    walk.remember({b: PROVEN, a: 1}, {ORIGIN: None})
    assert walk.held_back() == 3
    pauses = []
    for _ in range(3):
        walk = browsers.walk(account_id, "d", {})
        assert list(walk.origins) == [b, a], "then who took most, and nobody who rests"
        assert set(walk.proven) == {b}
        pause = SHORTEST_REST
        while ORIGIN not in browsers.walk(account_id, "d", {}).origins:
            assert isinstance(works.clock, StillClock)
            works.clock.step(seconds=30)
            pause += SHORTEST_REST
        pauses.append((pause - SHORTEST_REST) / SHORTEST_REST)
        walk = browsers.walk(account_id, "d", {})
        assert set(walk.failing) == {ORIGIN}
        walk.remember({}, {ORIGIN: None})
    assert pauses == [1, 2, 4]
    walk.remember({ORIGIN: 1}, {b: works.clock.now() + timedelta(hours=2)})
    walk = browsers.walk(account_id, "d", {})
    assert b not in walk.origins, "it named an hour itself"
    assert not walk.failing
