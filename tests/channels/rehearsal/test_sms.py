"""The SMS gateway's stand-in takes what the product's own sender posts, once, and refuses who is not known."""

from __future__ import annotations

import httpx
import pytest

from tests.channels.rehearsal.served import Rehearsal

TOKEN = {"Authorization": "Bearer t"}
TEXT = {"id": 1, "to": "10000000001", "title": "待审", "text": "请您审签", "link": "http://127.0.0.1/s/x"}


@pytest.fixture
def platforms(rehearsal: Rehearsal) -> httpx.Client:
    """A rehearsal with one known phone."""
    config = rehearsal.app.world.config
    config.sms_token, config.sms_names = "t", {"10000000001": "赵明远"}
    return rehearsal.http


def test_a_text_arrives_once_on_its_phone(platforms: httpx.Client) -> None:
    for _time in range(2):
        assert platforms.post("/sms", json=TEXT, headers={**TOKEN, "Idempotency-Key": "a"}).status_code == 200
    entries = platforms.get("/ledger", params={"platform": "sms"}).json()["entries"]
    assert [(one["account"], one["data"]["link"]) for one in entries] == [("10000000001", "http://127.0.0.1/s/x")]
    assert platforms.get("/control/accounts").json()["sms"] == [{"number": "10000000001", "name": "赵明远"}]


def test_what_the_gateway_refuses(platforms: httpx.Client) -> None:
    assert platforms.post("/sms", json=TEXT).status_code == 401
    assert platforms.post("/sms", json={**TEXT, "to": " "}, headers=TOKEN).status_code == 422
    assert platforms.post("/sms", json={**TEXT, "more": 1}, headers=TOKEN).status_code == 422
    assert platforms.get("/ledger", params={"platform": "sms"}).json()["entries"] == []


def test_a_fault_falls_on_the_gateway_too(platforms: httpx.Client) -> None:
    platforms.post(
        "/control/faults", json={"platform": "sms", "path": "", "kind": "throttle", "seconds": 3, "count": 1}
    )
    answer = platforms.post("/sms", json=TEXT, headers=TOKEN)
    assert answer.status_code == 429, answer.text
    assert answer.headers["retry-after"] == "3"
    assert platforms.post("/sms", json=TEXT, headers=TOKEN).status_code == 200
