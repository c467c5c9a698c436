"""Every outbound limit of JPush, at the limit and one beyond: told before sending, and refused by the platform.

The platform is asked with bare HTTP calls, as its documentation writes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from channels.adapters.jpush import CID_LIVES, JPushChannel
from channels.base import Accepted, CannotTell, Live, Placed, Uncorrectable
from channels.errors import Refused, Throttled
from tests.channels.harness import make_item, placed_by
from tests.channels.rehearsal.served import Rehearsal
from tests.channels.sides import JPushSide

KEYS = ("rehearsal000000000000app", "rehearsal000000000master")


@pytest.fixture
def side(rehearsed: Rehearsal) -> Iterator[JPushSide]:
    """The product's app."""
    made = JPushSide(rehearsed)
    yield made
    made.close()


def call(rehearsal: Rehearsal, path: str, body: Any = None, method: str = "") -> httpx.Response:
    """One call."""
    content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    verb = method or ("GET" if body is None else "POST")
    return httpx.request(verb, f"{rehearsal.url}/jpush/{path}", content=content, auth=KEYS, trust_env=False)


def code(answer: httpx.Response) -> int:
    """Its code, 0 when it is taken."""
    told = answer.json()
    return int(told["error"]["code"]) if isinstance(told, dict) and "error" in told else 0


def push(rehearsal: Rehearsal, **changes: Any) -> int:
    """The code of v3/push with these parts."""
    body = {"platform": "all", "audience": "all", "notification": {"alert": "通知"}, **changes}
    return code(call(rehearsal, "v3/push", body))


@pytest.mark.parametrize(
    ("at", "beyond"),
    [
        ({"tag": ["t"] * 20}, {"tag": ["t"] * 21}),
        ({"tag_and": ["t"] * 20}, {"tag_and": ["t"] * 21}),
        ({"tag_not": ["t"] * 20}, {"tag_not": ["t"] * 21}),
        ({"tag": ["供" * 13 + "x"]}, {"tag": ["供" * 13 + "xx"]}),
        ({"alias": ["a"] * 1000}, {"alias": ["a"] * 1001}),
        ({"alias": ["a" * 40]}, {"alias": ["a" * 41]}),
        ({"registration_id": ["r"] * 1000}, {"registration_id": ["r"] * 1001}),
    ],
    ids=["tags", "tags at once", "tags left out", "a tag's bytes", "aliases", "an alias's bytes", "phones"],
)
def test_audiences(side: JPushSide, at: dict[str, Any], beyond: dict[str, Any]) -> None:
    assert JPushChannel.check({}, side.post(audience=at)) == []
    assert [one.field for one in JPushChannel.check({}, side.post(audience=beyond))] == ["audience"]
    # Nobody has these; the platform says so only once it has understood the audience.
    assert push(side.rehearsal, audience=at) in (0, 1011)
    assert push(side.rehearsal, audience=beyond) == 1003
    assert isinstance(side.deliver(side.post(audience=at)).end, Live)
    end = side.deliver(side.post(key="beyond", audience=beyond)).end
    assert (isinstance(end, Refused), end.field) == (True, "audience")


def _compact(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


@pytest.mark.parametrize(("platform", "most"), [("android", 4000), ("ios", 2000)])
def test_sizes_at_the_platform(rehearsed: Rehearsal, platform: str, most: int) -> None:
    room = most - _compact({platform: {"alert": ""}})
    fits, beyond = ({platform: {"alert": "x" * (room + more)}} for more in (0, 1))
    assert push(rehearsed, notification=fits) == 0
    assert push(rehearsed, notification=beyond) == 1005


@pytest.mark.parametrize(
    ("settings", "most"), [({"platforms": ["android"]}, 4000), ({}, 2000), ({"ios_bytes": 3584}, 3584)]
)
def test_sizes_before_sending(rehearsed: Rehearsal, settings: dict[str, Any], most: int) -> None:
    app = rehearsed.app.world.config.jpush[0].model_copy(update={"ios_bytes": int(settings.get("ios_bytes", 2000))})
    rehearsed.control("accounts/jpush", **app.model_dump())
    side = JPushSide(rehearsed, settings=settings)

    def problems(number: int) -> list[str]:
        post = side.post(made=[make_item(side.files, text="x" * number)])
        return [one.field for one in JPushChannel.check(settings, post)]

    at = next(number for number in range(most, 0, -1) if not problems(number))
    assert most - at < 250  # What stands around the words.
    assert problems(at + 1) == ["text"]
    assert isinstance(side.deliver(side.post(made=[make_item(side.files, text="x" * at)])).end, Live)
    end = side.deliver(side.post(key="beyond", made=[make_item(side.files, text="x" * (at + 1))])).end
    assert (isinstance(end, Refused), end.field) == (True, "text")
    side.close()


@pytest.mark.parametrize(
    ("option", "at", "beyond"),
    [
        ("time_to_live", 864_000, 864_001),
        ("time_to_live", 0, -1),
        ("big_push_duration", 1400, 1401),
        ("apns_collapse_id", "x" * 64, "x" * 65),
        ("sendno", 1, 0),
        ("apns_production", False, 1),
    ],
)
def test_options_at_the_platform(rehearsed: Rehearsal, option: str, at: Any, beyond: Any) -> None:
    assert push(rehearsed, options={option: at}) == 0
    assert push(rehearsed, options={option: beyond}) == 1003


@pytest.mark.parametrize(
    ("option", "at", "beyond"), [("time_to_live", 864_000, 864_001), ("big_push_duration", 1400, 1401)]
)
def test_options_before_sending(rehearsed: Rehearsal, option: str, at: int, beyond: int) -> None:
    side = JPushSide(rehearsed, settings={option: at})
    assert isinstance(side.deliver().end, Live)
    assert rehearsed.ledger("push")[0]["data"]["body"]["options"][option] == at
    side.settings[option] = beyond
    assert [one.field for one in JPushChannel.check(side.settings, side.post())] == ["account"]
    side.connect()
    with pytest.raises(Refused, match="上限"):
        side.channel.publish(side.post())
    side.close()


def test_a_push_spread_over_minutes_is_one_to_everybody(rehearsed: Rehearsal) -> None:
    side = JPushSide(rehearsed, settings={"big_push_duration": 30})
    side.deliver(side.post(audience={"tag": ["yunhe"]}))
    assert "big_push_duration" not in rehearsed.ledger("push")[0]["data"]["body"]["options"]
    side.close()


@pytest.mark.parametrize(("count", "wanted"), [(1, 0), (1000, 0), (0, 1003), (1001, 1003)])
def test_numbers_at_once(rehearsed: Rehearsal, count: int, wanted: int) -> None:
    assert code(call(rehearsed, f"v3/push/cid?count={count}")) == wanted


def test_reports_at_once(side: JPushSide) -> None:
    for number, wanted in ((100, 0), (101, 1003)):
        ids = ",".join(str(one) for one in range(1, number + 1))
        assert code(call(side.rehearsal, f"v3/received/detail?msg_ids={ids}")) == wanted
    before = len(side.rehearsal.ledger("call", platform="jpush"))
    side.channel.read([Placed(n, str(n), "", {"msg_id": str(n)}) for n in range(1, 102)])
    lines = side.rehearsal.ledger("call", platform="jpush")[before:]
    assert [line["data"]["code"] for line in lines] == [0, 0]


# --- the minute's calls -------------------------------------------------------------------------------


@pytest.fixture
def narrow(rehearsed: Rehearsal) -> Iterator[JPushSide]:
    """An app that may make three calls a minute."""
    app = rehearsed.app.world.config.jpush[0].model_copy(update={"push_per_minute": 3, "report_per_minute": 1})
    rehearsed.control("accounts/jpush", **app.model_dump())
    made = JPushSide(rehearsed)
    yield made
    made.close()


def test_the_platform_refuses_one_call_too_many(narrow: JPushSide) -> None:
    answers = [call(narrow.rehearsal, "v3/push/cid") for _ in range(4)]
    assert [code(one) for one in answers] == [0, 0, 0, 2002]
    assert [one.headers["X-Rate-Limit-Remaining"] for one in answers] == ["2", "1", "0", "0"]


def test_no_call_is_made_once_the_platform_said_that_none_is_left(narrow: JPushSide) -> None:
    # Checked, numbered, pushed: three calls, and the third is told that none is left.
    narrow.deliver()
    another = JPushSide(narrow.rehearsal, clock=narrow.clock)
    another.tools = narrow.tools
    another.connect()
    with pytest.raises(Throttled, match="已用完") as wait:
        another.channel.publish(another.post(key="another"))
    assert 0 < (wait.value.until - narrow.clock.now()).total_seconds() <= 70
    codes = [line["data"]["code"] for line in narrow.rehearsal.ledger("call", platform="jpush")]
    assert codes == [0, 0, 0]
    narrow.wait((wait.value.until - narrow.clock.now()).total_seconds() + 1)
    assert isinstance(another.deliver(another.post(key="another")).end, Live)
    codes = [line["data"]["code"] for line in narrow.rehearsal.ledger("call", platform="jpush")]
    assert 2002 not in codes


def test_the_reports_calls_are_counted_apart(narrow: JPushSide) -> None:
    live = narrow.deliver().live
    placed = list(placed_by(live, narrow.clock.now()).values())
    assert narrow.channel.read(placed)
    with pytest.raises(Throttled):
        narrow.channel.read(placed)


# --- the number of a push -----------------------------------------------------------------------------


def test_the_platform_pushes_one_number_once_within_a_day(rehearsed: Rehearsal) -> None:
    assert push(rehearsed, cid="once") == 0
    rehearsed.step(86_399)
    assert push(rehearsed, cid="once") == 0
    assert len(rehearsed.ledger("push")) == 1
    rehearsed.step(1)
    assert push(rehearsed, cid="once") == 0
    assert len(rehearsed.ledger("push")) == 2


# The adapter's clock runs on while it is asked.
STEPS = (timedelta(seconds=-1), timedelta(minutes=1))


def test_no_number_is_used_near_the_end_of_its_day(side: JPushSide) -> None:
    accepted = side.channel.publish(side.post())
    assert isinstance(accepted, Accepted)
    now = side.clock.now()
    over, not_yet = ({**accepted.data, "cid_at": (now - CID_LIVES + step).isoformat()} for step in STEPS)
    assert isinstance(side.channel.poll(side.post(note=over, doubtful=True), accepted.job_id), CannotTell)
    assert side.rehearsal.ledger("push") == []
    assert isinstance(side.channel.poll(side.post(note=not_yet), accepted.job_id), Live)
    assert timedelta(hours=24) > CID_LIVES


def test_a_number_of_sixty_four_characters(side: JPushSide) -> None:
    assert push(side.rehearsal, cid="a" * 64) == 0
    assert push(side.rehearsal, cid="a" * 65) == 1003
    given = side.channel.publish(side.post())
    assert isinstance(given, Accepted)
    assert len(given.job_id) <= 64


# --- replacing and revoking ---------------------------------------------------------------------------


def test_the_platform_replaces_within_a_day_only(rehearsed: Rehearsal) -> None:
    first = call(rehearsed, "v3/push", {"platform": "all", "audience": "all", "notification": {"alert": "旧"}}).json()
    number = int(first["msg_id"])
    rehearsed.step(86_399)
    assert push(rehearsed, options={"override_msg_id": number}) == 0
    rehearsed.step(1)
    assert push(rehearsed, options={"override_msg_id": number}) == 1003


def options(side: JPushSide) -> list[Any]:
    """What each push replaced."""
    return [line["data"]["body"]["options"].get("override_msg_id") for line in side.rehearsal.ledger("push")]


def test_corrections_replace_the_first_push_for_a_day(side: JPushSide) -> None:
    chosen = {"note": {"correction": "notice"}}
    placed = placed_by(side.deliver().live, side.clock.now())
    first = int(placed[1].data["msg_id"])
    for number in (1, 2):
        run = side.deliver(side.post(key=f"correct-{number}", action="correct", placed=placed, **chosen))
        placed = placed_by(run.live, side.clock.now())
    # The second correction names the first push as well, as the platform wants it.
    assert options(side) == [None, first, first]
    side.wait(timedelta(days=1).total_seconds())
    run = side.deliver(side.post(key="correct-3", action="correct", placed=placed, **chosen))
    assert options(side)[3] is None
    assert int(run.live.shown[1].data["original"]) != first


def test_a_correction_stands_alone_where_the_platform_no_longer_knows_the_first_push(side: JPushSide) -> None:
    live = side.deliver().live
    side.rehearsal.app.world.state.jpush.apps[KEYS[0]].messages.clear()
    assert isinstance(side.act(live, "correct", note={"correction": "notice"}).end, Live)
    assert options(side) == [None, None]


def test_a_withdrawal_revokes_what_nobody_has_opened(side: JPushSide) -> None:
    side.rehearsal.control(f"jpush/{KEYS[0]}/devices/r-ios-1/offline")
    live = side.deliver().live
    end = side.act(live, "withdraw").end
    assert isinstance(end, Live)
    assert "收不回来" in end.remark
    (line,) = side.rehearsal.ledger("push_revoked")
    assert (line["data"]["msg_id"], line["data"]["dropped"]) == (live.shown[1].data["msg_id"], ["r-android-1"])
    side.rehearsal.control(f"jpush/{KEYS[0]}/devices/r-ios-1/online")
    assert len(side.rehearsal.ledger("push")) == 1
    assert code(call(side.rehearsal, f"v3/push/{live.shown[1].data['msg_id']}", method="DELETE")) == 0
    assert code(call(side.rehearsal, "v3/push/1", method="DELETE")) == 1003


def test_a_withdrawal_says_what_it_could_not_revoke(side: JPushSide) -> None:
    live = side.deliver().live
    side.rehearsal.app.world.state.jpush.apps[KEYS[0]].messages.clear()
    assert side.act(live, "withdraw").live.remark == "极光上已没有这条推送。"
    side.wait(timedelta(days=1).total_seconds())
    assert "收不回来" in side.act(live, "withdraw").end.reason
    nobody = side.deliver(side.post(key="nobody", audience={"tag": ["nobody"]})).live
    assert "无人收到" in side.act(nobody, "withdraw").live.remark


@pytest.mark.parametrize("fault", [{"kind": "errcode", "code": 1001}, {"kind": "errcode", "code": 1020}])
def test_where_revoking_is_not_offered_a_person_is_told_to_do_it(side: JPushSide, fault: dict[str, Any]) -> None:
    live = side.deliver().live
    side.rehearsal.control("faults", platform="jpush", path="v3/push/*", **fault)
    end = side.act(live, "withdraw").end
    assert isinstance(end, Uncorrectable)
    assert (end.by_hand, "极光后台" in end.reason) == (True, True)


def test_an_address_without_revoking_is_no_outage(side: JPushSide) -> None:
    live = side.deliver().live
    post = side.post(action="withdraw", placed=placed_by(live, side.clock.now()))
    silent = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(404, json={"detail": "Not Found"})))
    channel = JPushChannel(side.channel.account, replace(side.tools, http=silent))
    end = channel.withdraw(post)
    assert isinstance(end, Uncorrectable)
    assert "HTTP 404" in end.reason
