"""Injected faults: what the caller sees, and whether the platform acted all the same."""

from __future__ import annotations

import threading
import time

import httpx
import pytest

from tests.channels.rehearsal.served import APPID, SERVICE_APPID, SERVICE_SECRET, Rehearsal, WeChat


def add_draft(wechat: WeChat) -> dict[str, object]:
    article = {"title": "t", "content": "c", "thumb_media_id": wechat.thumb()}
    return wechat("draft/add", articles=[article])


def drafts(wechat: WeChat) -> int:
    return int(wechat.raw("cgi-bin/draft/count")["total_count"])


def test_a_lost_answer_leaves_the_act_done(rehearsal: Rehearsal, wechat: WeChat) -> None:
    rehearsal.control("faults", kind="cut_after", platform="wechat", path="cgi-bin/draft/add")
    with pytest.raises(httpx.TransportError):
        add_draft(wechat)
    assert drafts(wechat) == 1


def test_a_connection_cut_before_does_nothing(rehearsal: Rehearsal, wechat: WeChat) -> None:
    rehearsal.control("faults", kind="cut_before", platform="wechat", path="cgi-bin/draft/add")
    with pytest.raises(httpx.TransportError):
        add_draft(wechat)
    assert drafts(wechat) == 0
    add_draft(wechat)
    assert drafts(wechat) == 1


def test_a_timeout_does_nothing_and_hangs_up(rehearsal: Rehearsal, wechat: WeChat) -> None:
    rehearsal.control("faults", kind="timeout", path="cgi-bin/draft/add", seconds=0.3)
    started = time.monotonic()
    with pytest.raises(httpx.RemoteProtocolError):
        add_draft(wechat)
    assert time.monotonic() - started >= 0.3
    assert drafts(wechat) == 0


def test_a_delayed_call_is_carried_out(rehearsal: Rehearsal, wechat: WeChat) -> None:
    rehearsal.control("faults", kind="delay", path="cgi-bin/draft/count", seconds=0.3)
    started = time.monotonic()
    assert drafts(wechat) == 0
    assert time.monotonic() - started >= 0.3


def test_a_caller_who_gives_up_on_a_delayed_call_does_not_undo_it(rehearsal: Rehearsal, wechat: WeChat) -> None:
    article = {"title": "t", "content": "c", "thumb_media_id": wechat.thumb()}
    rehearsal.control("faults", kind="delay", path="cgi-bin/draft/add", seconds=0.5)
    with pytest.raises(httpx.ReadTimeout):
        rehearsal.http.post(
            "/wechat/cgi-bin/draft/add",
            params={"access_token": wechat.token},
            json={"articles": [article]},
            timeout=0.1,
        )
    rehearsal.wait_for("draft")
    assert drafts(wechat) == 1


def test_an_answer_that_comes_late_is_that_of_an_act_already_done(rehearsal: Rehearsal, wechat: WeChat) -> None:
    rehearsal.control("faults", kind="late_answer", path="cgi-bin/draft/add", seconds=0.5)
    caller = threading.Thread(target=add_draft, args=(wechat,))
    caller.start()
    rehearsal.wait_for("draft")
    assert caller.is_alive()
    caller.join(30)
    assert drafts(wechat) == 1


def test_a_gateway_error_and_a_given_code(rehearsal: Rehearsal, wechat: WeChat) -> None:
    query = {"access_token": wechat.token}
    rehearsal.control("faults", kind="http_5xx", path="cgi-bin/draft/*", code=503)
    assert rehearsal.http.get("/wechat/cgi-bin/draft/count", params=query).status_code == 503
    rehearsal.control("faults", kind="errcode", path="cgi-bin/draft/*", code=45009)
    answer = rehearsal.http.get("/wechat/cgi-bin/draft/count", params=query)
    assert (answer.json()["errcode"], answer.headers["content-type"]) == (45009, "text/plain")
    rehearsal.control("faults", kind="throttle", path="cgi-bin/draft/*")
    assert wechat.raw("cgi-bin/draft/count")["errcode"] == 45011
    assert drafts(wechat) == 0


def test_tokens_can_be_expired_at_once(rehearsal: Rehearsal, wechat: WeChat) -> None:
    other = rehearsal.wechat(SERVICE_APPID, SERVICE_SECRET)
    rehearsal.control("faults", kind="token_expire_now", platform="wechat", path="cgi-bin/draft/*", account=APPID)
    assert wechat.raw("cgi-bin/draft/count")["errcode"] == 42001
    assert wechat.raw("cgi-bin/draft/count")["errcode"] == 42001
    assert drafts(other) == 0
    assert drafts(rehearsal.wechat()) == 0


def test_a_fault_hits_as_often_as_asked_and_may_wait(rehearsal: Rehearsal, wechat: WeChat) -> None:
    rehearsal.control("faults", kind="errcode", code=-1, path="cgi-bin/draft/count", count=2, skip=1)
    codes = [wechat.raw("cgi-bin/draft/count").get("errcode") for _ in range(4)]
    assert codes == [None, -1, -1, None]
    assert [line["data"]["fault"] for line in rehearsal.ledger("fault")] == ["errcode", "errcode"]


def test_a_fault_until_removed(rehearsal: Rehearsal, wechat: WeChat) -> None:
    number = rehearsal.control("faults", kind="errcode", code=-1, platform="wechat", count=0)["id"]
    assert [wechat.raw("cgi-bin/draft/count").get("errcode") for _ in range(3)] == [-1, -1, -1]
    assert rehearsal.http.delete(f"/control/faults/{number}").status_code == 200
    assert rehearsal.http.delete(f"/control/faults/{number}").status_code == 404
    assert drafts(wechat) == 0


def test_other_platforms_paths_and_accounts_are_not_hit(rehearsal: Rehearsal, wechat: WeChat) -> None:
    rehearsal.control("faults", kind="cut_before", platform="weibo", count=0)
    rehearsal.control("faults", kind="cut_before", path="cgi-bin/freepublish/*", count=0)
    rehearsal.control("faults", kind="cut_before", account=SERVICE_APPID, count=0)
    assert drafts(wechat) == 0
    assert rehearsal.http.delete("/control/faults").status_code == 200
    assert rehearsal.http.get("/control/faults").json() == []


@pytest.mark.parametrize("shape", ["address", "form", "parts"])
def test_an_account_is_known_wherever_its_token_stands(rehearsal: Rehearsal, shape: str) -> None:
    [user] = rehearsal.app.world.config.weibo
    rehearsal.control("faults", kind="http_5xx", platform="weibo", account=user.uid, code=503)
    token = {"access_token": user.access_token}
    more: dict[str, object] = {
        "address": {"params": token, "data": {"status": "x"}},
        "form": {"data": {"status": "x", **token}},
        "parts": {"data": token, "files": {"pic": ("a.png", b"x" * 100_000, "image/png")}},
    }[shape]
    assert rehearsal.http.post("/weibo/2/statuses/share.json", **more).status_code == 503


def test_a_fault_must_make_sense(rehearsal: Rehearsal) -> None:
    for body in ({"kind": "errcode"}, {"kind": "meteor"}, {"kind": "delay", "secs": 3}):
        assert rehearsal.http.post("/control/faults", json=body).status_code == 422
