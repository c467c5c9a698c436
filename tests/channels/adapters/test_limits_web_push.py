"""Every outbound limit of Web Push, at the limit and one beyond: told before sending, and refused by the push service.

The push service is asked with pywebpush, and with headers made by hand where it sets none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from py_vapid import Vapid02
from pywebpush import WebPusher, WebPushException, webpush

from channels.adapters.web_push import WebPushChannel
from channels.adapters.web_push.channel import LONGEST_TTL, topic_of
from channels.adapters.web_push.encryption import PLAINTEXT
from channels.base import Live
from channels.errors import Refused
from tests.channels.harness import make_item
from tests.channels.rehearsal.served import Rehearsal
from tests.channels.sides import WebPushSide


@pytest.fixture
def side(rehearsed: Rehearsal) -> Iterator[WebPushSide]:
    """The product's account with three browsers."""
    made = WebPushSide(rehearsed)
    yield made
    made.close()


@pytest.fixture
def browser(rehearsed: Rehearsal) -> dict[str, Any]:
    """A browser that takes notices of any sender."""
    return dict(rehearsed.control("accounts/webpush", name="王女士"))


def send(browser: dict[str, Any], text: str, **headers: str) -> int:
    """The status of a message that pywebpush sends."""
    vapid = Vapid02()
    vapid.generate_keys()
    claims: Any = {"sub": "mailto:a@b.cn"}
    try:
        answer: Any = webpush(
            browser, text, vapid_private_key=vapid, vapid_claims=claims, ttl=60, timeout=5, headers=headers
        )
    except WebPushException as refused:
        answer = refused.response
    return int(answer.status_code)


def seen(side: WebPushSide) -> list[dict[str, Any]]:
    """What browsers showed."""
    return [line["data"] for line in side.rehearsal.ledger("notification")]


def sized(side: WebPushSide, more: int) -> Any:
    """A post whose notice is as long as a notice may be, and so much more."""
    item = make_item(side.files, text="")
    room = PLAINTEXT - len(json.dumps(_told(item), ensure_ascii=False).encode()) + len(item.digest.encode())
    return side.post(key=f"sized {more}", made=[make_item(side.files, text="x" * (room + more))])


def _told(item: Any) -> dict[str, str]:
    return {"title": item.title, "body": item.digest, "url": item.url, "tag": f"piece-{item.piece_id}"}


def test_a_notice_of_4096_bytes(side: WebPushSide, browser: dict[str, Any]) -> None:
    assert (send(browser, "x" * PLAINTEXT), send(browser, "x" * (PLAINTEXT + 1))) == (201, 413)
    at, beyond = sized(side, 0), sized(side, 1)
    assert WebPushChannel.check(side.settings, at) == []
    assert [one.field for one in WebPushChannel.check(side.settings, beyond)] == ["text"]
    assert isinstance(side.deliver(at).end, Live)
    assert {one["bytes"] for one in seen(side)[1:]} == {4096}
    with pytest.raises(Refused) as refused:
        side.channel.publish(beyond)
    assert refused.value.field == "text"


def test_a_topic_of_32_characters(side: WebPushSide, browser: dict[str, Any]) -> None:
    for topic, status in (("x" * 32, 201), ("x" * 33, 400), ("a+b", 400)):
        assert send(browser, "一", topic=topic) == status
    assert len(topic_of(make_item(side.files))) == 32
    side.deliver()
    assert {len(one["topic"]) for one in seen(side)[1:]} == {32}


def test_how_long_a_notice_is_kept(side: WebPushSide, browser: dict[str, Any]) -> None:
    body = bytes(WebPusher(browser).encode("一".encode())["body"])
    settings = {"subject": "mailto:a@b.cn"}
    for ttl, fields in ((0, []), (LONGEST_TTL, []), (LONGEST_TTL + 1, ["account"]), (-1, ["account"])):
        assert [one.field for one in WebPushChannel.check({**settings, "ttl": ttl}, side.post())] == fields
    vapid = Vapid02()
    vapid.generate_keys()
    signed = vapid.sign({"aud": side.rehearsal.url, "exp": "9999999999", "sub": "mailto:a@b.cn"})
    for given, status in (("", 400), ("-1", 400), ("soon", 400)):
        headers = {**signed, "Content-Encoding": "aes128gcm", **({"TTL": given} if given else {})}
        answer = httpx.post(browser["endpoint"], content=body, headers=headers, trust_env=False)
        assert answer.status_code == status
    assert send(browser, "一") == 201


@pytest.mark.parametrize(
    ("audience", "fields"),
    [
        ({"district": ["区"] * 50}, []),
        ({"district": ["区"] * 51}, ["audience"]),
        ({"column": ["c" * 60]}, []),
        ({"column": ["c" * 61]}, ["audience"]),
    ],
)
def test_audiences(side: WebPushSide, audience: dict[str, Any], fields: list[str]) -> None:
    assert [one.field for one in WebPushChannel.check({}, side.post(audience=audience))] == fields


@pytest.mark.parametrize("urgency", ["very-low", "low", "normal", "high"])
def test_each_urgency_is_taken(side: WebPushSide, urgency: str) -> None:
    account = replace(side.channel.account, settings={**side.channel.account.settings, "urgency": urgency})
    WebPushChannel(account, side.tools).publish(side.post())
    assert {one["urgency"] for one in seen(side)} == {urgency}


# --- replacing ----------------------------------------------------------------------------------------


def test_a_withdrawal_takes_the_place_of_what_waits(side: WebPushSide) -> None:
    waits, *others = side.browsers
    side.rehearsal.control(f"webpush/{waits}", online=False)
    live = side.deliver().live
    end = side.act(live, "withdraw", phrase="供热时间有调整，以新的通知为准。").end
    assert isinstance(end, Live)
    side.rehearsal.control(f"webpush/{waits}", online=True)
    told = {
        number: [line["data"]["json"] for line in side.rehearsal.ledger("notification") if line["account"] == number]
        for number in side.browsers
    }
    assert [one["title"] for one in told[waits]] == ["一条通知已撤回"]
    for number in others:
        first, last = told[number]
        # The same tag: what lies unopened is replaced, and the withdrawn words are not said again.
        assert first["tag"] == last["tag"]
        assert (last["body"], first["title"] in json.dumps(last, ensure_ascii=False)) == (
            "供热时间有调整，以新的通知为准。",
            False,
        )
