"""JPush: who a push reaches, the cid against repetition, the rate headers, and each code."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from channels.rehearsal.config import RehearsalConfig
from channels.rehearsal.jpush import payload
from tests.channels.rehearsal.served import Rehearsal, serving

KEY, SECRET = "rehearsal000000000000app", "rehearsal000000000master"
AUTH = (KEY, SECRET)
EVERYBODY: dict[str, Any] = {"platform": "all", "audience": "all", "notification": {"alert": "今晚有暴雨"}}


def push(rehearsal: Rehearsal, path: str = "v3/push", **changes: Any) -> httpx.Response:
    body = {name: value for name, value in (EVERYBODY | changes).items() if value is not None}
    return rehearsal.http.post(f"/jpush/{path}", json=body, auth=AUTH)


def code(answer: httpx.Response) -> tuple[int, int]:
    """HTTP status and JPush's own code, 0 for a success."""
    return answer.status_code, answer.json().get("error", {}).get("code", 0)


def reached(rehearsal: Rehearsal) -> list[str]:
    return sorted(rehearsal.ledger("push")[-1]["data"]["shown"])


def test_a_push_reaches_the_phones_and_is_reported(rehearsal: Rehearsal) -> None:
    answer = push(rehearsal, options={"sendno": 7})
    assert answer.json()["sendno"] == "7"
    shown = rehearsal.ledger("push")[0]["data"]["shown"]
    assert shown["r-android-1"] == {"title": "云河通", "alert": "今晚有暴雨", "silent": False}
    query = {"msg_ids": answer.json()["msg_id"]}
    report = rehearsal.http.get("/jpush/v3/received/detail", params=query, auth=AUTH).json()
    assert (report[0]["jpush_received"], report[0]["ios_apns_sent"], report[0]["hmos_hmpns_sent"]) == (1, 1, None)


@pytest.mark.parametrize(
    ("platform", "audience", "phones"),
    [
        ("all", "all", ["r-android-1", "r-ios-1"]),
        (["ios"], "all", ["r-ios-1"]),
        ("all", {"tag": ["weather", "none"]}, ["r-android-1"]),
        ("all", {"tag_and": ["yunhe", "weather"]}, ["r-android-1"]),
        ("all", {"tag_not": ["weather"]}, ["r-ios-1"]),
        ("all", {"alias": ["citizen-2"]}, ["r-ios-1"]),
        ("all", {"tag": ["yunhe"], "alias": ["citizen-1"]}, ["r-android-1"]),
        ("all", {"registration_id": ["r-ios-1", "r-none"]}, ["r-ios-1"]),
    ],
)
def test_kinds_of_audience_are_joined_by_and(rehearsal: Rehearsal, platform: Any, audience: Any, phones: Any) -> None:
    assert code(push(rehearsal, platform=platform, audience=audience)) == (200, 0)
    assert reached(rehearsal) == phones


@pytest.mark.parametrize("path", ["v3/push", "v3/push/validate"])
def test_nobody_matches(rehearsal: Rehearsal, path: str) -> None:
    answer = push(rehearsal, path, audience={"alias": ["nobody"]})
    assert code(answer) == (400, 1011)
    assert answer.json()["msg_id"]
    assert rehearsal.ledger("push") == []


def test_validating_sends_nothing(rehearsal: Rehearsal) -> None:
    assert code(push(rehearsal, "v3/push/validate")) == (200, 0)
    assert rehearsal.ledger("push") == []
    assert code(push(rehearsal, "v3/push/validate", audience=None)) == (400, 1002)


def test_the_same_cid_is_pushed_once_a_day(rehearsal: Rehearsal) -> None:
    listed = rehearsal.http.get("/jpush/v3/push/cid", params={"count": "3"}, auth=AUTH).json()["cidlist"]
    assert len(set(listed)) == 3
    assert listed[0].startswith(f"{KEY}-")
    first = push(rehearsal, cid=listed[0]).json()
    assert push(rehearsal, cid=listed[0], notification={"alert": "别的话"}).json() == first
    assert len(rehearsal.ledger("push")) == 1
    assert push(rehearsal, cid=listed[1]).json() != first
    rehearsal.step(24 * 3600)
    assert push(rehearsal, cid=listed[0]).json() != first


def test_a_lost_answer_is_settled_by_the_cid(rehearsal: Rehearsal) -> None:
    rehearsal.control("faults", kind="cut_after", platform="jpush", path="v3/push")
    with pytest.raises(httpx.TransportError):
        push(rehearsal, cid="once")
    assert code(push(rehearsal, cid="once")) == (200, 0)
    assert len(rehearsal.ledger("push")) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"platform": None}, 1002),
        ({"audience": None}, 1002),
        ({"notification": None}, 1002),
        ({"platform": ["fax"]}, 1003),
        ({"platform": []}, 1003),
        ({"audience": {}}, 1003),
        ({"audience": {"town": ["x"]}}, 1009),
        ({"audience": {"tag": ["yunhe", *"abcdefghijklmnopqrs"]}}, 0),
        ({"audience": {"tag": ["yunhe", *"abcdefghijklmnopqrst"]}}, 1003),
        ({"audience": {"alias": ["citizen-1"] * 1000}}, 0),
        ({"audience": {"alias": ["citizen-1"] * 1001}}, 1003),
        ({"audience": {"registration_id": ["r-ios-1"] * 1001}}, 1003),
        ({"audience": {"tag": ["yunhe", "a" * 40]}}, 0),
        ({"audience": {"tag": ["yunhe", "a" * 41]}}, 1003),
        ({"audience": {"tag": ["yunhe", "汛" * 13]}}, 0),
        ({"audience": {"tag": ["yunhe", "汛" * 14]}}, 1003),
        ({"options": {"sendno": 0}}, 1003),
        ({"options": {"time_to_live": 864_000}}, 0),
        ({"options": {"time_to_live": 864_001}}, 1003),
        ({"options": {"big_push_duration": 1400}}, 0),
        ({"options": {"big_push_duration": 1401}}, 1003),
        ({"options": {"apns_collapse_id": "a" * 64}}, 0),
        ({"options": {"apns_collapse_id": "a" * 65}}, 1003),
        ({"options": {"apns_production": 1}}, 1003),
        ({"options": {"override_msg_id": 5}}, 1003),
        ({"cid": "a" * 64}, 0),
        ({"cid": "a" * 65}, 1003),
        ({"cid": "with space"}, 1003),
        ({"notification": None, "message": {"title": "t"}}, 1002),
        ({"notification": None, "message": {"msg_content": "m"}}, 0),
        ({"notification": {"android": {"title": "t"}}}, 1002),
        ({"colour": "red"}, 1003),
    ],
)
def test_each_limit_at_it_and_one_beyond(rehearsal: Rehearsal, changes: dict[str, Any], expected: int) -> None:
    assert code(push(rehearsal, **changes)) == (400 if expected else 200, expected)


def body_of(size: int, platform: str) -> dict[str, Any]:
    """A notification whose own part has exactly `size` bytes."""
    empty = len(json.dumps({platform: {"alert": ""}}, separators=(",", ":")))
    return {platform: {"alert": "a" * (size - empty)}}


@pytest.mark.parametrize(("platform", "limit"), [("android", 4000), ("ios", 2000)])
def test_sizes(rehearsal: Rehearsal, platform: str, limit: int) -> None:
    assert code(push(rehearsal, notification=body_of(limit, platform))) == (200, 0)
    assert code(push(rehearsal, notification=body_of(limit + 1, platform))) == (400, 1005)


def test_notification_and_message_count_together_on_android(rehearsal: Rehearsal) -> None:
    message = {"msg_content": "m" * 100}
    rest = payload.ANDROID_BYTES - len(json.dumps(message, separators=(",", ":")))
    assert code(push(rehearsal, notification=body_of(rest, "android"), message=message)) == (200, 0)
    assert code(push(rehearsal, notification=body_of(rest + 1, "android"), message=message)) == (400, 1005)


def test_an_earlier_message_is_overridden_within_a_day(rehearsal: Rehearsal) -> None:
    first = int(push(rehearsal).json()["msg_id"])
    assert code(push(rehearsal, options={"override_msg_id": first})) == (200, 0)
    rehearsal.step(24 * 3600)
    assert code(push(rehearsal, options={"override_msg_id": first})) == (400, 1003)


def test_an_iphone_in_development_gets_nothing_from_production(rehearsal: Rehearsal) -> None:
    developer = {"registration_id": "r-dev", "platform": "ios", "alias": "dev", "production": False}
    rehearsal.control(f"jpush/{KEY}/devices", **developer)
    assert code(push(rehearsal, audience={"alias": ["dev"]})) == (400, 1011)
    assert code(push(rehearsal, audience={"alias": ["dev"]}, options={"apns_production": False})) == (200, 0)


def test_a_phone_that_is_off_gets_it_later_or_never(rehearsal: Rehearsal) -> None:
    rehearsal.control(f"jpush/{KEY}/devices/r-android-1/offline")
    long = push(rehearsal, audience={"alias": ["citizen-1"]}, notification={"alert": "还来得及"})
    push(rehearsal, audience={"alias": ["citizen-1"]}, options={"time_to_live": 0})
    push(rehearsal, audience={"alias": ["citizen-1"]}, options={"time_to_live": 10})
    assert reached(rehearsal) == []
    rehearsal.step(11)
    rehearsal.control(f"jpush/{KEY}/devices/r-android-1/online")
    late = [line["data"]["shown"] for line in rehearsal.ledger("push") if line["data"]["late"]]
    assert [show["r-android-1"]["alert"] for show in late] == ["还来得及"]
    query = {"msg_ids": long.json()["msg_id"]}
    assert rehearsal.http.get("/jpush/v3/received/detail", params=query, auth=AUTH).json()[0]["jpush_received"] == 1


@pytest.mark.parametrize("auth", [None, (KEY, "wrong"), ("wrong", SECRET)])
def test_wrong_credentials(rehearsal: Rehearsal, auth: Any) -> None:
    answer = rehearsal.http.post("/jpush/v3/push", json=EVERYBODY, auth=auth)
    assert code(answer) == (401, 1004)


def test_verbs_and_bodies(rehearsal: Rehearsal) -> None:
    assert code(rehearsal.http.get("/jpush/v3/push", auth=AUTH)) == (405, 1001)
    assert code(rehearsal.http.post("/jpush/v3/push", content=b"{", auth=AUTH)) == (400, 1003)
    assert code(rehearsal.http.post("/jpush/v3/push", content=b"[]", auth=AUTH)) == (400, 1003)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"count": "1000"}, (200, 0)),
        ({"count": "1001"}, (400, 1003)),
        ({"count": "0"}, (400, 1003)),
        ({"type": "schedule"}, (200, 0)),
        ({"type": "other"}, (400, 1003)),
    ],
)
def test_cids(rehearsal: Rehearsal, query: dict[str, str], expected: tuple[int, int]) -> None:
    assert code(rehearsal.http.get("/jpush/v3/push/cid", params=query, auth=AUTH)) == expected


def test_reports(rehearsal: Rehearsal) -> None:
    def report(ids: str) -> httpx.Response:
        return rehearsal.http.get("/jpush/v3/received/detail", params={"msg_ids": ids}, auth=AUTH)

    assert report(",".join(map(str, range(100)))).status_code == 200
    assert code(report(",".join(map(str, range(101))))) == (400, 1003)
    assert code(report("")) == (400, 1002)
    assert report("5").json()[0]["jpush_received"] is None


def test_calls_a_minute_and_their_headers(config: RehearsalConfig) -> None:
    config.jpush[0].push_per_minute = 2
    with serving(config) as rehearsal:
        answers = [push(rehearsal) for _ in range(3)]
        assert [code(answer) for answer in answers] == [(200, 0), (200, 0), (429, 2002)]
        assert [answer.headers["X-Rate-Limit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert answers[0].headers["X-Rate-Limit-Quota"] == "2"
        assert 50 <= int(answers[2].headers["X-Rate-Limit-Reset"]) <= 60
        report = rehearsal.http.get("/jpush/v3/received/detail", params={"msg_ids": "1"}, auth=AUTH)
        assert report.headers["X-Rate-Limit-Quota"] == "2400"
        rehearsal.step(60)
        assert code(push(rehearsal)) == (200, 0)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "throttle", "seconds": 20}, (429, 2002)),
        ({"kind": "errcode", "code": 1030}, (503, 1030)),
        ({"kind": "errcode", "code": 2003}, (403, 2003)),
        ({"kind": "errcode", "code": 1000}, (500, 1000)),
    ],
)
def test_faults_speak_jpushs_language(rehearsal: Rehearsal, fault: dict[str, Any], expected: tuple[int, int]) -> None:
    rehearsal.control("faults", platform="jpush", account=KEY, **fault)
    answer = push(rehearsal)
    assert code(answer) == expected
    if expected[0] == 429:
        assert answer.headers["X-Rate-Limit-Reset"] == "20"


def test_tags_and_aliases_are_set_through_the_device_interface(rehearsal: Rehearsal) -> None:
    def device(method: str, path: str, **body: Any) -> Any:
        parts: dict[str, Any] = {"json": body} if body else {}
        return rehearsal.http.request(method, f"/jpush/v3/{path}", auth=AUTH, **parts)

    changes = {"tags": {"add": ["flood"], "remove": ["weather"]}, "alias": "new"}
    assert device("POST", "devices/r-android-1", **changes).status_code == 200
    told = device("GET", "devices/r-android-1").json()
    assert told == {"tags": ["yunhe", "flood"], "alias": "new", "mobile": ""}
    assert device("GET", "tags/").json() == {"tags": ["flood", "yunhe"]}
    assert device("GET", "aliases/new").json() == {"registration_ids": ["r-android-1"]}
    assert device("GET", "tags/flood/registration_ids/r-ios-1").json() == {"result": False}
    assert device("POST", "tags/flood", registration_ids={"add": ["r-ios-1"]}).status_code == 200
    assert device("GET", "tags/flood/registration_ids/r-ios-1").json() == {"result": True}
    assert device("DELETE", "aliases/new").status_code == 200
    assert device("GET", "aliases/new").json() == {"registration_ids": []}
    assert code(device("GET", "devices/r-none")) == (400, 7002)
    assert device("POST", "devices/r-ios-1", tags="").status_code == 200
    assert device("GET", "devices/r-ios-1").json()["tags"] == []


def test_silent_messages_and_rich_alerts(rehearsal: Rehearsal) -> None:
    push(rehearsal, notification=None, message={"msg_content": "刷新"})
    assert rehearsal.ledger("push")[0]["data"]["shown"]["r-ios-1"]["silent"] is True
    push(rehearsal, notification={"ios": {"alert": {"title": "预警", "body": "暴雨"}}, "android": {"alert": "安卓"}})
    shown = rehearsal.ledger("push")[1]["data"]["shown"]
    assert (shown["r-ios-1"]["title"], shown["r-android-1"]["alert"]) == ("预警", "安卓")
