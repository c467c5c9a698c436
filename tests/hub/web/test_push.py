"""订阅提醒 over HTTP: topics, consent, leaving, whoever asks and however he asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from channels.accounts import store as accounts
from channels.accounts.models import Account, PushConsent, PushSubscription
from channels.adapters.web_push import new_key
from kernel.clock import StillClock
from kernel.office_rules import set_rule
from tests.hub.web.newsroom import Newsroom, open_newsroom

ENDPOINT = "https://push.example/secret-of-a-browser"
WISH = {"endpoint": ENDPOINT, "keys": {"p256dh": "k" * 87, "auth": "a" * 22}, "consent": "2026-11"}


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    """The running hub with an account for browser notices."""
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        with room.hub.works.write() as work:
            city = room.office.city.id
            accounts.add(work, room.hub.seal, unit_id=city, channel="web_push", name="浏览器通知", code="p",
                         credentials={"vapid_private_key": new_key()[0]})  # fmt: skip
            set_rule(work, "push.districts", city, ["临江区", "青石区"])
        yield room


def send(room: Newsroom, path: str, body: Any) -> Any:
    return room.browser().post(path, json=body, headers={"accept": "application/json"})


def test_the_page_offers_topics_and_shows_what_is_agreed_to(room: Newsroom) -> None:
    html = room.browser().get("/push").text
    assert 'name="column" value="notices"' in html
    assert 'name="district" value="青石区"' in html
    assert "只用于发送您选择的通知" in html
    offered = room.browser().get("/push/key").json()
    assert offered["topics"]["district"] == ["临江区", "青石区"]
    assert (offered["consent"], len(offered["key"])) == ("2026-11", 87)


def test_a_wish_is_kept_with_its_consent_changed_and_taken_back(room: Newsroom) -> None:
    assert send(room, "/push/known", {"endpoint": ENDPOINT}).status_code == 404
    first = {**WISH, "topics": {"column": ["notices"], "district": ["临江区"]}}
    assert send(room, "/push/subscriptions", first).status_code == 201
    known = send(room, "/push/known", {"endpoint": ENDPOINT})
    assert known.json() == {"column": ["notices"], "district": ["临江区"]}
    assert known.headers["cache-control"] == "no-store"
    assert send(room, "/push/subscriptions", WISH).status_code == 201
    assert send(room, "/push/known", {"endpoint": ENDPOINT}).json() == {"column": [], "district": []}
    for _ in range(2):
        assert send(room, "/push/farewells", {"endpoint": ENDPOINT}).status_code == 204
    with room.hub.works.read() as work:
        row = work.session.scalars(select(PushSubscription)).one()
        assert (row.endpoint, row.p256dh) == ("", "")
        given = work.session.scalars(select(PushConsent.given).order_by(PushConsent.id)).all()
    assert given == [True, True, False]


def test_a_new_subscription_takes_the_place_of_the_old_with_what_was_chosen_and_agreed(room: Newsroom) -> None:
    chosen = {"column": ["notices"], "district": ["临江区"]}
    send(room, "/push/subscriptions", {**WISH, "topics": chosen})
    fresh = f"{ENDPOINT}-new"
    renewed = {"former": ENDPOINT, "endpoint": fresh, "keys": {"p256dh": "n" * 87, "auth": "b" * 22}}
    assert send(room, "/push/replacements", {**renewed, "endpoint": "http://10.0.0.8/x"}).status_code == 422
    assert send(room, "/push/replacements", {**renewed, "former": f"{ENDPOINT}?"}).status_code == 404, "never guessed"
    assert send(room, "/push/replacements", renewed).status_code == 204
    assert send(room, "/push/replacements", renewed).status_code == 404, "the old address is forgotten"
    assert send(room, "/push/known", {"endpoint": ENDPOINT}).status_code == 404
    assert send(room, "/push/known", {"endpoint": fresh}).json() == chosen
    with room.hub.works.read() as work:
        row = work.session.scalars(select(PushSubscription)).one()
        assert (row.endpoint, row.p256dh, row.origin) == (fresh, "n" * 87, "https://push.example")
        assert work.session.scalars(select(PushConsent.given)).all() == [True]


@pytest.mark.parametrize("left_before", [True, False])
def test_a_new_subscription_that_is_known_already_is_one_browser(room: Newsroom, left_before: bool) -> None:
    chosen = {"column": ["notices"], "district": []}
    send(room, "/push/subscriptions", {**WISH, "topics": chosen})
    fresh = f"{ENDPOINT}-new"
    send(room, "/push/subscriptions", {**WISH, "endpoint": fresh})
    if left_before:
        send(room, "/push/farewells", {"endpoint": fresh})
    renewed = {"former": ENDPOINT, "endpoint": fresh, "keys": WISH["keys"]}
    assert send(room, "/push/replacements", renewed).status_code == 204
    kept = chosen if left_before else {"column": [], "district": []}
    assert send(room, "/push/known", {"endpoint": fresh}).json() == kept
    with room.hub.works.read() as work:
        left = select(PushSubscription.endpoint).where(PushSubscription.gone_at.is_(None))
        assert work.session.scalars(left).all() == [fresh]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"consent": "2020-01"}, "consent"),
        ({"consent": ""}, "consent"),
        ({"topics": {"column": ["no-such"]}}, "column"),
        ({"topics": {"district": ["别处"]}}, "district"),
        ({"topics": {"column": ["notices"] * 51}}, "column"),
        ({"topics": {"tag": ["a"]}}, "tag"),
        ({"endpoint": "http://10.0.0.8/push"}, "endpoint"),
        ({"endpoint": "javascript:alert(1)"}, "endpoint"),
        ({"endpoint": "https://" + "x" * 1000}, "endpoint"),
        ({"keys": {"p256dh": "<script>", "auth": "a" * 22}}, "p256dh"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_field(room: Newsroom, change: dict[str, Any], field: str) -> None:
    answer = send(room, "/push/subscriptions", {**WISH, **change})
    assert answer.status_code == 422
    assert field in answer.text
    with room.hub.works.read() as work:
        assert work.session.scalars(select(PushSubscription)).all() == []


def test_a_wish_without_consent_is_none(room: Newsroom) -> None:
    assert send(room, "/push/subscriptions", {key: WISH[key] for key in ("endpoint", "keys")}).status_code == 422


def test_one_address_subscribes_so_often_and_no_more(room: Newsroom) -> None:
    answers = [
        send(room, "/push/subscriptions", {**WISH, "endpoint": f"{ENDPOINT}{number}"}).status_code
        for number in range(31)
    ]
    assert answers == [201] * 30 + [429]


def test_an_office_without_browser_notices_has_no_page(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        assert room.browser().get("/push").status_code == 404
        assert room.browser().get("/push/key").status_code == 404


@pytest.mark.parametrize("key", ["", "no key", "A" * 43, "AAAA"])
def test_without_a_key_that_is_one_there_is_no_key_to_give(room: Newsroom, key: str) -> None:
    with room.hub.works.write() as work:
        account = work.session.scalars(select(Account).where(Account.channel == "web_push")).one()
        account.credentials = ""
        accounts.set_credentials(work, room.hub.seal, account, {"vapid_private_key": key})
    assert room.browser().get("/push/key").status_code == 404
    assert room.browser().get("/push").status_code == 200
