"""The 12345 stand-in takes what the product signs, once per key, and refuses what is forged."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hub.hotline import signature
from tests.channels.rehearsal.served import Rehearsal

BODY = json.dumps({"number": "20260302-ABC234", "kind": "投诉", "text": "路灯坏了"}).encode()


def test_a_signed_case_gets_one_number_and_is_shown(rehearsal: Rehearsal) -> None:
    rehearsal.app.world.config.hotline_secret = "t"  # Of the stand-in only.
    now = datetime.fromtimestamp(rehearsal.app.world.clock.now(), UTC)
    head = {**signature.headers("t", BODY, now), "Idempotency-Key": "k"}
    given = {rehearsal.http.post("/hotline", content=BODY, headers=head).json()["number"] for _time in range(2)}
    assert len(given) == 1
    (entry,) = rehearsal.http.get("/ledger", params={"platform": "hotline"}).json()["entries"]
    assert (entry["data"]["case"]["text"], {entry["data"]["given"]}) == ("路灯坏了", given)
    assert rehearsal.http.get("/control/accounts").json()["hotline"] == [{"name": "12345"}]


def test_a_forged_case_is_refused(rehearsal: Rehearsal) -> None:
    rehearsal.app.world.config.hotline_secret = "t"  # Of the stand-in only.
    now = datetime.fromtimestamp(rehearsal.app.world.clock.now(), UTC)
    forged = signature.headers("guess", BODY, now)
    assert rehearsal.http.post("/hotline", content=BODY, headers=forged).status_code == 401
    assert rehearsal.http.get("/ledger", params={"platform": "hotline"}).json()["entries"] == []
