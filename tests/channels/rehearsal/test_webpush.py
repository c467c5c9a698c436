"""The push service, tried with pywebpush and with headers made by hand for each refusal."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from pywebpush import WebPusher, WebPushException, webpush

from channels.rehearsal.config import RehearsalConfig, WebPushRules
from channels.rehearsal.webpush import base64url
from tests.channels.rehearsal.served import Rehearsal, serving


@pytest.fixture
def sender() -> Vapid02:
    """A sender's key."""
    vapid = Vapid02()
    vapid.generate_keys()
    return vapid


def key_of(sender: Vapid02) -> str:
    return base64url.encode(sender.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def subscribe(rehearsal: Rehearsal, **wish: Any) -> dict[str, Any]:
    return dict(rehearsal.control("accounts/webpush", **wish))


def authorization(sender: Vapid02, rehearsal: Rehearsal, **claims: Any) -> str:
    told = {"aud": rehearsal.url, "exp": int(time.time()) + 3600, "sub": "mailto:duty@yunhe.example.gov.cn"} | claims
    return str(sender.sign(told)["Authorization"])


def post(subscription: dict[str, Any], content: bytes = b"", **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items() if value}
    return httpx.post(subscription["endpoint"], content=content, headers=sent, trust_env=False)


def encrypted(subscription: dict[str, Any], text: bytes) -> bytes:
    return bytes(WebPusher(subscription).encode(text)["body"])


def test_pywebpush_is_understood(rehearsal: Rehearsal, sender: Vapid02) -> None:
    subscription = subscribe(rehearsal, name="王女士", application_server_key=key_of(sender))
    words = json.dumps({"title": "暴雨红色预警", "body": "请勿外出"}, ensure_ascii=False)
    answer = webpush(
        subscription, words, vapid_private_key=sender, vapid_claims={"sub": "mailto:a@b.cn"}, ttl=60, timeout=5
    )
    assert answer.status_code == 201
    assert answer.headers["Location"].startswith(f"{rehearsal.url}/webpush/messages/")
    line = rehearsal.ledger("notification")[0]["data"]
    assert (line["readable"], line["json"]) == (True, {"title": "暴雨红色预警", "body": "请勿外出"})
    assert line["sender"] == key_of(sender)


def test_pywebpush_is_refused_with_another_key(rehearsal: Rehearsal, sender: Vapid02) -> None:
    other = Vapid02()
    other.generate_keys()
    subscription = subscribe(rehearsal, application_server_key=key_of(other))
    with pytest.raises(WebPushException) as refused:
        webpush(subscription, "x", vapid_private_key=sender, vapid_claims={"sub": "mailto:a@b.cn"}, timeout=5)
    assert refused.value.response is not None
    assert refused.value.response.status_code == 403


def test_a_wrong_auth_secret_is_invisible_to_the_sender(rehearsal: Rehearsal, sender: Vapid02) -> None:
    subscription = subscribe(rehearsal)
    spoilt = subscription | {"keys": subscription["keys"] | {"auth": base64url.encode(bytes(16))}}
    answer = webpush(spoilt, "x", vapid_private_key=sender, vapid_claims={"sub": "mailto:a@b.cn"}, timeout=5)
    assert answer.status_code == 201
    assert rehearsal.ledger("notification")[0]["data"]["readable"] is False


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"TTL": ""}, 400),
        ({"TTL": "soon"}, 400),
        ({"TTL": "-1"}, 400),
        ({"Urgency": "very-low"}, 201),
        ({"Urgency": "extreme"}, 400),
        ({"Topic": "a" * 32}, 201),
        ({"Topic": "a" * 33}, 400),
        ({"Topic": "a b"}, 400),
        ({"Authorization": ""}, 401),
        ({"Authorization": "vapid t=abc"}, 401),
        ({"Authorization": "vapid t=a.b.c, k=abc"}, 401),
        ({"Authorization": "Bearer x"}, 401),
    ],
)
def test_headers(rehearsal: Rehearsal, sender: Vapid02, headers: dict[str, str], status: int) -> None:
    subscription = subscribe(rehearsal)
    sent = {"TTL": "60", "Authorization": authorization(sender, rehearsal)} | headers
    assert post(subscription, **sent).status_code == status


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"aud": "https://push.example"}, 401),
        ({"sub": "duty@yunhe.example.gov.cn"}, 401),
        ({"sub": "https://yunhe.example.gov.cn"}, 201),
    ],
)
def test_claims(rehearsal: Rehearsal, sender: Vapid02, claims: dict[str, Any], status: int) -> None:
    assert claimed(rehearsal, sender, claims) == status


@pytest.mark.parametrize(("ahead", "status"), [(-5, 401), (24 * 3600 - 5, 201), (24 * 3600 + 600, 401)])
def test_how_far_ahead_a_claim_may_end(rehearsal: Rehearsal, sender: Vapid02, ahead: int, status: int) -> None:
    assert claimed(rehearsal, sender, {"exp": int(time.time()) + ahead}) == status


def claimed(rehearsal: Rehearsal, sender: Vapid02, claims: dict[str, Any]) -> int:
    token = {"aud": rehearsal.url, "exp": int(time.time()) + 60, "sub": "mailto:a@b.cn"} | claims
    header = _signed(sender, token)
    return post(subscribe(rehearsal), TTL="60", Authorization=header).status_code


def _signed(sender: Vapid02, claims: dict[str, Any], algorithm: str = "ES256", spoil: bool = False) -> str:
    """A header made without py_vapid, which refuses to sign some of these claims."""
    head = {"typ": "JWT", "alg": algorithm}
    text = ".".join(base64url.encode(json.dumps(part).encode()) for part in (head, claims))
    r, s = decode_dss_signature(sender.private_key.sign(text.encode(), ec.ECDSA(SHA256())))
    signature = r.to_bytes(32, "big") + (s + spoil).to_bytes(32, "big")
    return f"vapid t={text}.{base64url.encode(signature)}, k={key_of(sender)}"


@pytest.mark.parametrize("spoilt", [{"algorithm": "none"}, {"spoil": True}])
def test_a_signature_that_does_not_hold(rehearsal: Rehearsal, sender: Vapid02, spoilt: dict[str, Any]) -> None:
    claims = {"aud": rehearsal.url, "exp": int(time.time()) + 60, "sub": "mailto:a@b.cn"}
    assert post(subscribe(rehearsal), TTL="60", Authorization=_signed(sender, claims)).status_code == 201
    header = _signed(sender, claims, **spoilt)
    assert post(subscribe(rehearsal), TTL="60", Authorization=header).status_code == 401


def test_the_largest_body(rehearsal: Rehearsal, sender: Vapid02) -> None:
    subscription = subscribe(rehearsal)
    headers = {"TTL": "60", "Authorization": authorization(sender, rehearsal), "Content_Encoding": "aes128gcm"}
    fits, beyond = encrypted(subscription, b"a" * 3993), encrypted(subscription, b"a" * 3994)
    assert (len(fits), len(beyond)) == (4096, 4097)
    assert [post(subscription, body, **headers).status_code for body in (fits, beyond)] == [201, 413]
    assert rehearsal.ledger("notification")[0]["data"]["text"] == "a" * 3993


def test_a_body_says_how_it_is_encrypted(rehearsal: Rehearsal, sender: Vapid02) -> None:
    subscription = subscribe(rehearsal)
    headers = {"TTL": "60", "Authorization": authorization(sender, rehearsal)}
    body = encrypted(subscription, b"x")
    assert post(subscription, body, **headers).status_code == 400
    assert post(subscription, body, **headers, Content_Encoding="aesgcm").status_code == 400


@pytest.mark.parametrize("body", [b"short", bytes(200), b"\x00" * 20 + b"\x41" + b"\x04" + bytes(100)])
def test_broken_bodies_are_taken_and_unreadable(rehearsal: Rehearsal, sender: Vapid02, body: bytes) -> None:
    headers = {"TTL": "60", "Authorization": authorization(sender, rehearsal), "Content_Encoding": "aes128gcm"}
    assert post(subscribe(rehearsal), body, **headers).status_code == 201
    assert rehearsal.ledger("notification")[0]["data"]["readable"] is False


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_gone(rehearsal: Rehearsal, sender: Vapid02, status: int) -> None:
    subscription = subscribe(rehearsal)
    rehearsal.control(f"webpush/{subscription['id']}", gone=status)
    header = authorization(sender, rehearsal)
    assert post(subscription, TTL="60", Authorization=header).status_code == status
    unknown = subscription | {"endpoint": f"{rehearsal.url}/webpush/unknown"}
    assert post(unknown, TTL="60", Authorization=header).status_code == 404


def test_topics_replace_what_was_not_delivered(rehearsal: Rehearsal, sender: Vapid02) -> None:
    subscription = subscribe(rehearsal)
    rehearsal.control(f"webpush/{subscription['id']}", online=False)
    header = authorization(sender, rehearsal)
    sent = [("一", "60", "t"), ("二", "60", ""), ("三", "60", "t"), ("过期", "5", ""), ("立即", "0", "")]
    for text, ttl, topic in sent:
        body = encrypted(subscription, text.encode())
        headers = {"TTL": ttl, "Topic": topic, "Authorization": header, "Content_Encoding": "aes128gcm"}
        assert post(subscription, body, **headers).status_code == 201
    assert rehearsal.ledger("notification") == []
    rehearsal.step(6)
    rehearsal.control(f"webpush/{subscription['id']}", online=True)
    assert [line["data"]["text"] for line in rehearsal.ledger("notification")] == ["二", "三"]


def test_a_longer_ttl_is_lowered_and_said_so(rehearsal: Rehearsal, sender: Vapid02) -> None:
    header = authorization(sender, rehearsal)
    answer = post(subscribe(rehearsal), TTL="99999999", Authorization=header)
    assert answer.headers["TTL"] == str(30 * 24 * 3600)


def test_the_service_throttles(rehearsal: Rehearsal, sender: Vapid02) -> None:
    rehearsal.control("faults", kind="throttle", platform="webpush", seconds=30)
    subscription, header = subscribe(rehearsal), authorization(sender, rehearsal)
    answer = post(subscription, TTL="60", Authorization=header)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    rehearsal.control("faults", kind="errcode", code=413, platform="webpush")
    assert post(subscription, TTL="60", Authorization=header).status_code == 413
    rehearsal.control("faults", kind="cut_after", platform="webpush", account=subscription["id"])
    with pytest.raises(httpx.TransportError):
        post(subscription, TTL="60", Authorization=header)
    assert len(rehearsal.ledger("notification")) == 1


def test_readings_of_the_rules(config: RehearsalConfig, sender: Vapid02) -> None:
    config.webpush_rules = WebPushRules(vapid_required=False, bad_sender_status=403)
    with serving(config) as rehearsal:
        assert post(subscribe(rehearsal), TTL="60").status_code == 201
        assert post(subscribe(rehearsal, application_server_key=key_of(sender)), TTL="60").status_code == 403
        assert post(subscribe(rehearsal), TTL="60", Authorization="vapid x").status_code == 403


def test_a_senders_clock_is_not_moved_with_the_platforms(rehearsal: Rehearsal, sender: Vapid02) -> None:
    rehearsal.step(48 * 3600)
    header = authorization(sender, rehearsal)
    assert post(subscribe(rehearsal), TTL="60", Authorization=header).status_code == 201
