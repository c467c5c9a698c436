"""Weibo: what a post must hold, how many calls there are, and each refusal with its HTTP status."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

import httpx
import pytest

from channels.rehearsal.config import RehearsalConfig, WeiboRules
from channels.rehearsal.weibo.fans import signature
from channels.rehearsal.weibo.statuses import characters
from tests.channels.rehearsal.served import CallbackAddress, Rehearsal, png, serving

UID = "7000000001"
TOKEN = "2.00rehearsalWeiboToken"
LINK = "http://localhost/p/1"
KEY, SECRET = "3000000001", "rehearsal-secret-of-the-weibo-app"
REDIRECT = "https://media.example.gov.cn/weibo/authorised"


def call(rehearsal: Rehearsal, path: str, method: str = "POST", **fields: Any) -> httpx.Response:
    """A call with the account's token unless it has another."""
    picture = fields.pop("pic", None)
    sent = {name: str(value) for name, value in ({"access_token": TOKEN} | fields).items() if value is not None}
    if method == "GET":
        return rehearsal.http.get(f"/weibo/{path}", params=sent)
    files = {"pic": ("a.png", picture)} if picture is not None else None
    return rehearsal.http.post(f"/weibo/{path}", data=sent, files=files)


def share(rehearsal: Rehearsal, text: str = f"防汛提醒 {LINK}", **fields: Any) -> httpx.Response:
    return call(rehearsal, "2/statuses/share.json", **{"status": text, "rip": "203.0.113.7"} | fields)


def code(answer: httpx.Response) -> int:
    return int(answer.json().get("error_code", 0)) if isinstance(answer.json(), dict) else 0


def test_a_post_is_answered_as_a_status(rehearsal: Rehearsal) -> None:
    rehearsal.control("clock", to="2030-10-24T23:49:17+08:00")
    status = share(rehearsal, pic=png()).json()
    assert re.fullmatch(r"Thu Oct 24 23:49:1\d \+0800 2030", status["created_at"])
    assert status["idstr"] == status["mid"] == str(status["id"])
    assert rehearsal.http.get(status["original_pic"]).content == png()
    assert rehearsal.ledger("post")[0]["data"]["text"] == f"防汛提醒 {LINK}"


def test_characters_are_counted_as_chinese_ones() -> None:
    assert [characters(text) for text in ("汛" * 140, "a" * 280, "a" * 281, "汛a", LINK)] == [140, 140, 141, 2, 10]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("汛" * 130 + LINK, 0),
        ("汛" * 131 + LINK, 20012),
        ("没有链接", 10017),
        ("别处的链接 https://else.example/1", 10017),
        ("子域名 http://www.yunhe.example.gov.cn/1", 0),
        ("相似域名 http://evilyunhe.example.gov.cn.cn/1", 10017),
        (f"#防汛# {LINK}", 10017),
        (f"编号 # 5 {LINK}#top", 0),
        (" ", 20008),
    ],
)
def test_what_a_text_must_be(rehearsal: Rehearsal, text: str, expected: int) -> None:
    assert code(share(rehearsal, text)) == expected


def test_both_meanings_of_10017(config: RehearsalConfig) -> None:
    config.weibo[0].safe_domains = []
    with serving(config) as rehearsal:
        assert share(rehearsal).json()["error"] == "appkey not bind domain!"
        rehearsal.app.world.state.weibo.users[UID].account.safe_domains = ["else.example"]
        assert share(rehearsal).json()["error"] == "text not find domain!"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"rip": None}, 10016),
        ({"rip": "here"}, 10008),
        ({"status": None}, 10016),
        ({"access_token": None}, 10006),
        ({"access_token": "wrong"}, 21332),
        ({"pic": b"BM" + bytes(20)}, 20005),
        ({"pic": b"GIF89a" + bytes(20)}, 0),
    ],
)
def test_parameters(rehearsal: Rehearsal, fields: dict[str, Any], expected: int) -> None:
    assert code(share(rehearsal, **fields)) == expected


def test_a_picture_is_under_its_limit(config: RehearsalConfig) -> None:
    config.weibo_rules = WeiboRules(picture_bytes=200)
    with serving(config) as rehearsal:
        assert code(share(rehearsal, f"一 {LINK}", pic=png(199))) == 0
        assert code(share(rehearsal, f"二 {LINK}", pic=png(200))) == 20006


def test_the_same_text_is_refused_for_ten_minutes_with_http_400(rehearsal: Rehearsal) -> None:
    assert share(rehearsal).status_code == 200
    again = share(rehearsal)
    assert (again.status_code, again.json()) == (
        400,
        {"request": "/2/statuses/share.json", "error_code": 20019, "error": "repeat content!"},
    )
    rehearsal.step(597)
    assert code(share(rehearsal)) == 20019
    rehearsal.step(3)
    assert code(share(rehearsal)) == 0


def test_thirty_posts_an_hour(rehearsal: Rehearsal) -> None:
    assert [code(share(rehearsal, f"{n} {LINK}")) for n in range(31)] == [0] * 30 + [20016]
    rehearsal.step(3601)
    assert code(share(rehearsal, f"31 {LINK}")) == 0


def test_a_hundred_calls_a_day_in_all(rehearsal: Rehearsal) -> None:
    rehearsal.control("clock", to="2030-03-04T09:00:00+08:00")
    rehearsal.app.world.state.weibo.users[UID].expires += 10**9
    reading = [call(rehearsal, "2/statuses/count.json", "GET", ids="1") for _ in range(100)]
    assert {answer.status_code for answer in reading} == {200}
    refused = share(rehearsal)
    assert (refused.status_code, code(refused)) == (403, 10023)
    assert rehearsal.http.get("/control/accounts").json()["weibo"][0]["requests_left"] == 0
    rehearsal.control("clock", to="2030-03-05T00:00:01+08:00")
    assert code(share(rehearsal)) == 0


def test_own_posts_are_listed_counted_and_destroyed(rehearsal: Rehearsal) -> None:
    first, second = (share(rehearsal, f"{word} {LINK}").json()["id"] for word in "一二")
    listed = call(rehearsal, "2/statuses/user_timeline.json", "GET", count=1).json()
    assert (listed["total_number"], [one["id"] for one in listed["statuses"]]) == (2, [second])
    rehearsal.control(f"weibo/{UID}/posts/{first}", comment="收到", name="市民甲", reposts=3, attitudes=4)
    counted = call(rehearsal, "2/statuses/count.json", "GET", ids=f"{first},{second}").json()
    assert counted[0] == {"id": first, "comments": 1, "reposts": 3, "attitudes": 4}
    assert call(rehearsal, "2/statuses/destroy.json", id=first).json()["id"] == first
    assert code(call(rehearsal, "2/statuses/destroy.json", id=first)) == 20101
    assert code(call(rehearsal, "2/statuses/show.json", "GET", id=first)) == 20101
    assert call(rehearsal, "2/statuses/show.json", "GET", id=second).json()["text"] == f"二 {LINK}"
    assert len(call(rehearsal, "2/statuses/count.json", "GET", ids=f"{first},{second}").json()) == 1
    too_many = ",".join(map(str, range(101)))
    assert code(call(rehearsal, "2/statuses/count.json", "GET", ids=too_many)) == 10008


def test_another_users_post_cannot_be_destroyed(rehearsal: Rehearsal) -> None:
    other = {"uid": "8", "name": "别人", "app_key": "8", "app_secret": "s", "access_token": "t8"}
    rehearsal.control("accounts/weibo", **other, safe_domains=["localhost"])
    theirs = share(rehearsal, access_token="t8").json()["id"]
    assert code(call(rehearsal, "2/statuses/destroy.json", id=theirs)) == 20102


def test_advanced_interfaces_are_closed_until_granted(config: RehearsalConfig) -> None:
    config.weibo[0].granted = []
    with serving(config) as rehearsal:
        refused = [
            call(rehearsal, "2/statuses/user_timeline.json", "GET"),
            call(rehearsal, "2/statuses/destroy.json", id=1),
            call(rehearsal, "2/comments/reply.json", id=1, cid=1, comment="好", rip="::1"),
        ]
        assert [(answer.status_code, code(answer)) for answer in refused] == [(403, 10014)] * 3


def test_unknown_addresses_and_verbs(rehearsal: Rehearsal) -> None:
    assert code(call(rehearsal, "2/statuses/update.json", status="x")) == 10020
    assert code(call(rehearsal, "2/statuses/share.json", "GET")) == 10021


def test_comments_are_shown_and_written(rehearsal: Rehearsal) -> None:
    post = share(rehearsal).json()["id"]
    for word in ("一", "二", "三"):
        rehearsal.control(f"weibo/{UID}/posts/{post}", comment=word)
    shown = call(rehearsal, "2/comments/show.json", "GET", id=post, count=2).json()
    assert (shown["total_number"], [one["text"] for one in shown["comments"]]) == (3, ["三", "二"])
    newest = shown["comments"][0]["id"]
    since = call(rehearsal, "2/comments/show.json", "GET", id=post, since_id=shown["comments"][1]["id"]).json()
    assert [one["id"] for one in since["comments"]] == [newest]
    written = call(rehearsal, "2/comments/create.json", id=post, comment="谢谢", rip="203.0.113.7").json()
    assert (written["text"], written["user"]["screen_name"]) == ("谢谢", "云河发布")
    answered = {"id": post, "cid": newest, "comment": "已转办", "rip": "203.0.113.7"}
    assert call(rehearsal, "2/comments/reply.json", **answered).status_code == 200
    assert code(call(rehearsal, "2/comments/reply.json", **answered | {"cid": 1})) == 20201
    assert code(call(rehearsal, "2/comments/create.json", id=post, comment="谢" * 141, rip="::1")) == 20012
    assert code(call(rehearsal, "2/comments/create.json", id=post, comment="谢" * 140, rip="::1")) == 0
    assert code(call(rehearsal, "2/comments/create.json", id=1, comment="谢", rip="::1")) == 20101


def test_authorising_gives_a_new_token_once_per_code(rehearsal: Rehearsal) -> None:
    asked = {"client_id": KEY, "redirect_uri": REDIRECT, "response_type": "code", "state": "s1"}
    sent_back = rehearsal.http.get("/weibo/oauth2/authorize", params=asked)
    query = dict(parse_qsl(urlsplit(sent_back.headers["location"]).query))
    assert (sent_back.status_code, query["state"]) == (302, "s1")
    wish = {"client_id": KEY, "client_secret": SECRET, "grant_type": "authorization_code", "redirect_uri": REDIRECT}

    def token(**changes: str) -> httpx.Response:
        return rehearsal.http.post("/weibo/oauth2/access_token", data=wish | changes)

    assert code(token(code=query["code"], client_secret="wrong")) == 21324
    assert code(token(code=query["code"], grant_type="password")) == 21328
    given = token(code=query["code"]).json()
    assert set(given) == {"access_token", "remind_in", "expires_in", "uid"}
    assert given["uid"] == UID
    assert code(token(code=query["code"])) == 21325
    assert code(share(rehearsal)) == 21332
    assert code(share(rehearsal, access_token=given["access_token"])) == 0
    told = rehearsal.http.post("/weibo/oauth2/get_token_info", data={"access_token": given["access_token"]}).json()
    assert told["uid"] == int(UID)


@pytest.mark.parametrize(
    ("changes", "expected"), [({"redirect_uri": "https://x.cn"}, 21322), ({"client_id": "1"}, 21324)]
)
def test_authorising_for_somebody_else(rehearsal: Rehearsal, changes: dict[str, str], expected: int) -> None:
    asked = {"client_id": KEY, "redirect_uri": REDIRECT, "response_type": "code"} | changes
    assert code(rehearsal.http.get("/weibo/oauth2/authorize", params=asked)) == expected


def test_tokens_end_and_are_revoked(config: RehearsalConfig) -> None:
    config.weibo[0].expires_in = 3600
    with serving(config) as rehearsal:
        assert code(share(rehearsal)) == 0
        rehearsal.control(f"weibo/{UID}/revoke")
        assert code(share(rehearsal)) == 21316
        rehearsal.app.world.state.weibo.users[UID].revoked = False
        rehearsal.step(3600)
        ended = share(rehearsal)
        assert (ended.status_code, code(ended)) == (403, 21327)


def test_faults_speak_weibos_language(rehearsal: Rehearsal) -> None:
    rehearsal.control("faults", kind="throttle", platform="weibo")
    assert code(share(rehearsal)) == 10023
    rehearsal.control("faults", kind="errcode", platform="weibo", path="2/statuses/*", code=20032)
    assert code(share(rehearsal)) == 20032
    assert len(rehearsal.ledger("post")) == 1
    rehearsal.control("faults", kind="errcode", platform="weibo", code=20021)
    assert code(share(rehearsal, f"别的 {LINK}")) == 20021
    assert len(rehearsal.ledger("post")) == 1
    rehearsal.control("faults", kind="cut_after", platform="weibo", path="2/statuses/share.json")
    with pytest.raises(httpx.TransportError):
        share(rehearsal, f"丢了回答 {LINK}")
    assert code(share(rehearsal, f"丢了回答 {LINK}")) == 20019
    rehearsal.control("faults", kind="token_expire_now", platform="weibo")
    assert code(share(rehearsal)) == 21327


def test_http_status_is_a_setting(config: RehearsalConfig) -> None:
    config.weibo_rules = WeiboRules(http_status={"10006": 401})
    with serving(config) as rehearsal:
        assert share(rehearsal, access_token=None).status_code == 401


def test_the_published_example_of_a_signature() -> None:
    assert signature("xyz123xyz", "1397022061823", "57155157") == "90e4c22c90a58f26526c2dd5b6c56c8822edeaa1"


@pytest.fixture
def fans(config: RehearsalConfig, callback: CallbackAddress) -> Any:
    """The rehearsal with the fan service switched on."""
    config.weibo[0].fan_service_url = callback.url
    config.weibo_rules = WeiboRules(reply_seconds=0.4)
    with serving(config) as rehearsal:
        yield rehearsal


def passive(data: dict[str, Any], kind: str = "text", **changes: Any) -> bytes:
    body = {"result": True, "receiver_id": 9000000001, "sender_id": int(UID), "type": kind}
    return json.dumps(body | {"data": quote_plus(json.dumps(data, ensure_ascii=False))} | changes).encode()


def test_a_fans_message_is_signed_and_answered(fans: Rehearsal, callback: CallbackAddress) -> None:
    callback.answer = lambda _: passive({"text": "请看办事指南"})
    result = fans.control(f"weibo/{UID}/push", text="公积金怎么提")
    push = callback.posts[0]
    body = json.loads(push.body)
    assert push.query["signature"] == signature(SECRET, push.query["timestamp"], push.query["nonce"])
    assert (body["type"], body["text"], body["receiver_id"], "id" in body) == ("text", "公积金怎么提", int(UID), False)
    assert (result["tries"], result["fault"]) == (["200"], "")
    assert fans.ledger("fan_reply")[0]["data"]["text"] == "请看办事指南"


ARTICLE = {"display_name": "指南", "summary": "s", "image": "i", "url": "u"}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"", ""),
        (b"success", "not the JSON of a reply"),
        (passive({"text": "好" * 299}), ""),
        (passive({"text": "好" * 300}), "text not under 300 characters"),
        (passive({"text": ""}), "text missing"),
        (passive({"text": "好"}, result=False), "result is not true"),
        (passive({"text": "好"}, receiver_id=1), "receiver_id or sender_id is not the other's"),
        (passive({"articles": [ARTICLE] * 8}, "articles"), ""),
        (passive({"articles": [ARTICLE] * 9}, "articles"), "articles takes 1 to 8"),
        (passive({"articles": [{"url": "u"}]}, "articles"), "an article lacks a field"),
        (passive({}, "poem"), "unknown type"),
    ],
)
def test_passive_answers(fans: Rehearsal, callback: CallbackAddress, answer: bytes, fault: str) -> None:
    callback.answer = lambda _: answer
    assert fans.control(f"weibo/{UID}/push", text="在吗")["fault"] == fault


def test_a_fans_message_is_pushed_three_times(fans: Rehearsal, callback: CallbackAddress) -> None:
    callback.answer = lambda _: 500
    assert fans.control(f"weibo/{UID}/push", text="在吗")["tries"] == ["500"] * 3
    assert len({push.body for push in callback.posts}) == 1


def test_events_carry_their_subtype(fans: Rehearsal, callback: CallbackAddress) -> None:
    callback.answer = lambda _: b""
    fans.control(f"weibo/{UID}/push", type="event", subtype="click", key="guide")
    assert json.loads(callback.posts[0].body)["data"] == {"subtype": "click", "key": "guide"}


def test_an_active_answer_needs_48_hours_or_a_mention(fans: Rehearsal, callback: CallbackAddress) -> None:
    callback.answer = lambda _: b""
    data = quote_plus(json.dumps({"text": "已办结"}))

    def active() -> int:
        return code(call(fans, "2/messages/reply.json", receiver_id="9000000001", type="text", data=data))

    assert active() == 10014
    fans.control(f"weibo/{UID}/push", text="在吗")
    assert [active(), active()] == [0, 0]
    fans.step(48 * 3600)
    assert active() == 10014
    fans.control(f"weibo/{UID}/push", type="mention", text="@云河发布")
    assert [active(), active()] == [0, 10014]


def test_the_fan_service_address_must_echo(rehearsal: Rehearsal, callback: CallbackAddress) -> None:
    rehearsal.control(f"weibo/{UID}/fan-service", url=callback.url)
    callback.answer = lambda _: b"no"
    refused = rehearsal.http.post(f"/control/weibo/{UID}/fan-service", json={"url": callback.url})
    assert refused.status_code == 400
