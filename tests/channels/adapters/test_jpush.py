"""JPush: one number per delivery, checked first, counted in bytes; whom it reaches and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from channels.adapters.jpush import JPushChannel, _figures
from channels.base import Accepted, CannotTell, Live, NotThere, Uncorrectable
from channels.errors import OutcomeUnknown, Refused, Retryable, Throttled, Unauthorised
from tests.channels.harness import Courier, make_item, placed_by
from tests.channels.rehearsal.served import Rehearsal
from tests.channels.sides import JPushSide


@pytest.fixture
def side(rehearsed: Rehearsal) -> Iterator[JPushSide]:
    """An app with two phones."""
    made = JPushSide(rehearsed)
    yield made
    made.close()


def pushes(side: JPushSide) -> list[dict[str, Any]]:
    """What phones got."""
    return [line["data"] for line in side.rehearsal.ledger("push")]


def paths(side: JPushSide) -> list[str]:
    """The calls in order."""
    return [line["data"]["path"] for line in side.rehearsal.ledger("call", platform="jpush")]


def test_a_push_is_checked_numbered_and_then_sent(side: JPushSide) -> None:
    run = side.deliver()
    assert paths(side) == ["v3/push/validate", "v3/push/cid", "v3/push"]
    (seen,) = pushes(side)
    item = side.post().items[0]
    assert {one["title"] for one in seen["shown"].values()} == {item.title}
    assert {one["alert"] for one in seen["shown"].values()} == {item.text}
    assert set(seen["shown"]) == {"r-android-1", "r-ios-1"}
    assert run.live.shown[1].remote_id == seen["msg_id"]
    assert seen["body"]["options"]["apns_production"] is True
    assert seen["body"]["options"]["sendno"] != 0
    assert seen["body"]["notification"]["android"]["extras"]["url"] == item.url


def test_the_number_is_remembered_before_anything_is_pushed(side: JPushSide) -> None:
    accepted = side.channel.publish(side.post())
    assert isinstance(accepted, Accepted)
    assert pushes(side) == []
    post = side.post(note=accepted.data)
    answers = [side.channel.poll(post, accepted.job_id) for _ in range(3)]
    assert len({str(answer) for answer in answers}) == 1
    assert (len(pushes(side)), len(side.rehearsal.ledger("repeated"))) == (1, 2)
    assert side.channel.reconcile(post) == answers[0]


def test_what_phone_makers_let_through_in_a_day_is_counted_and_refuses_nothing(side: JPushSide) -> None:
    assert (JPushChannel.quotas({}), JPushChannel.rations({}, "push", {})) == ((), [])
    limited = {"vendor_per_day": 2}
    assert JPushChannel.quotas(limited) == (("push", "day", 2),)
    (one,) = JPushChannel.rations(limited, "push", {})
    assert "可能收不到" in one.beyond
    assert JPushChannel.rations(limited, "withdraw", {}) == []
    for _ in range(2):
        side.deliver()
    day = (side.clock.now() + timedelta(hours=8)).strftime("%Y-%m-%d")
    assert side.tools.quotas.left(1, "push", day, 2) == 0


def test_a_process_that_died_before_it_had_a_number_pushed_nothing(side: JPushSide) -> None:
    assert isinstance(side.channel.reconcile(side.post()), NotThere)


def test_a_number_of_yesterday_is_not_used_again(side: JPushSide) -> None:
    accepted = side.channel.publish(side.post())
    assert isinstance(accepted, Accepted)
    began = side.clock.now() - timedelta(hours=24)
    # The number counts from when it was fetched; where that was not noted yet, from the first attempt.
    for note in ({**accepted.data, "cid_at": began.isoformat()}, {"cid": accepted.job_id}):
        old = side.post(note=note, first_attempt_at=began)
        assert isinstance(side.channel.poll(replace(old, doubtful=True), accepted.job_id), CannotTell)
        assert pushes(side) == []
        # Surely nothing was pushed under it: another one is fetched, and that one is pushed.
        fresh = side.channel.reconcile(old)
        assert isinstance(fresh, Accepted)
        assert fresh.job_id != accepted.job_id
    assert pushes(side) == []
    assert isinstance(side.channel.poll(replace(old, note=fresh.data), fresh.job_id), Live)
    assert len(pushes(side)) == 1


def test_what_was_first_tried_days_ago_is_pushed_under_a_new_number(side: JPushSide) -> None:
    first = side.clock.now() - timedelta(days=3)
    accepted = side.channel.publish(side.post(first_attempt_at=first))
    assert isinstance(accepted, Accepted)
    post = side.post(first_attempt_at=first, note=accepted.data)
    assert isinstance(side.channel.poll(post, accepted.job_id), Live)
    assert len(pushes(side)) == 1


def test_only_what_surely_was_not_pushed_is_called_so(side: JPushSide) -> None:
    accepted = side.channel.publish(side.post())
    assert isinstance(accepted, Accepted)
    post = side.post(note=accepted.data)
    answers: list[Any] = [
        httpx.ReadTimeout("slow"),
        httpx.Response(502),
        _no(1030),
        httpx.ConnectError("refused"),
        _no(2002),
    ]
    channel = answered_by(side, answers)
    for expected in (OutcomeUnknown, OutcomeUnknown, OutcomeUnknown, Retryable, Throttled):
        with pytest.raises(expected):
            channel.poll(post, accepted.job_id)


@pytest.mark.parametrize(
    "said",
    [
        httpx.Response(502, json={"error": {"code": 9999, "message": "bad gateway"}}),
        httpx.Response(500, json={"error": {"message": "no code"}}),
        httpx.Response(500, json={"error": {"code": None, "message": "none"}}),
        httpx.Response(200, json={"sendno": "0"}),
        httpx.Response(200, json=[]),
    ],
)
def test_an_answer_that_says_neither_yes_nor_no_leaves_the_push_unknown(side: JPushSide, said: httpx.Response) -> None:
    accepted = side.channel.publish(side.post())
    assert isinstance(accepted, Accepted)
    with pytest.raises(OutcomeUnknown):
        answered_by(side, [said]).poll(side.post(note=accepted.data), accepted.job_id)


def test_a_number_nobody_knows_is_a_refusal_where_the_platform_found_the_fault_with_us(side: JPushSide) -> None:
    with pytest.raises(Refused) as refused:
        answered_by(side, [_no(9999)]).poll(side.post(), "cid-1")
    assert refused.value.platform_code == "9999"


@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"{}"])
def test_a_door_that_only_shuts_has_surely_taken_nothing(side: JPushSide, body: bytes) -> None:
    limited = httpx.Response(429, content=body, headers={"X-Rate-Limit-Reset": "20"})
    channel = answered_by(side, [httpx.Response(401, content=body), limited])
    with pytest.raises(Unauthorised):
        channel.poll(side.post(), "cid-1")
    with pytest.raises(Throttled) as throttled:
        channel.poll(side.post(), "cid-1")
    assert timedelta(seconds=15) < throttled.value.until - side.clock.now() < timedelta(seconds=25)


@pytest.mark.parametrize("said", [{}, {"cidlist": []}])
def test_where_no_number_is_given_out_it_is_asked_for_again(side: JPushSide, said: dict[str, Any]) -> None:
    checked = httpx.Response(200, json={"sendno": "0", "msg_id": "1"})
    with pytest.raises(Retryable):
        answered_by(side, [checked, httpx.Response(200, json=said)]).publish(side.post())


def answered_by(side: JPushSide, answers: list[Any]) -> JPushChannel:
    """The app before a platform that gives these answers, one after another."""

    def answer(_request: httpx.Request) -> httpx.Response:
        said = answers.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    tools = replace(side.channel.tools, http=httpx.Client(transport=httpx.MockTransport(answer)))
    return JPushChannel(side.channel.account, tools)


def _no(code: int) -> httpx.Response:
    return httpx.Response(400, json={"error": {"code": code, "message": "no"}})


@pytest.mark.parametrize(
    ("audience", "reached"),
    [
        ({}, {"r-android-1", "r-ios-1"}),
        ({"tag": ["weather"]}, {"r-android-1"}),
        ({"tag": ["yunhe"], "tag_not": ["weather"]}, {"r-ios-1"}),
        ({"alias": "citizen-2"}, {"r-ios-1"}),
        ({"registration_id": ["r-android-1"]}, {"r-android-1"}),
    ],
)
def test_the_audience_is_the_one_that_was_chosen(side: JPushSide, audience: dict[str, Any], reached: set[str]) -> None:
    side.deliver(side.post(audience=audience))
    assert set(pushes(side)[0]["targets"]) == reached


def test_nobody_matched_is_done_and_said(side: JPushSide) -> None:
    run = side.deliver(side.post(audience={"tag": ["nobody"]}))
    assert "无人收到" in run.live.remark
    assert "v3/push" not in paths(side)


@pytest.mark.parametrize(
    "audience",
    [{"city": ["yunhe"]}, {"tag": ["t"] * 21}, {"tag": ["供" * 14]}, {"alias": []}, {"registration_id": ["x"] * 1001}],
)
def test_an_audience_that_does_not_fit_is_refused_before(side: JPushSide, audience: dict[str, Any]) -> None:
    post = side.post(audience=audience)
    assert [problem.field for problem in JPushChannel.check({}, post)] == ["audience"]
    end = side.deliver(post).end
    assert isinstance(end, Refused)
    assert end.field == "audience"
    assert paths(side) == []


@pytest.mark.parametrize(("characters", "fits"), [(500, True), (640, False), (2000, False)])
def test_sizes_are_measured_as_the_platform_does(side: JPushSide, characters: int, fits: bool) -> None:
    item = make_item(side.files, text="供" * characters)
    found = JPushChannel.check({}, side.post(made=[item]))
    assert not found if fits else "text" in {problem.field for problem in found}
    if fits:
        assert isinstance(side.deliver(side.post(made=[item])).end, Live)


def test_the_newer_reading_of_apples_limit_is_a_setting(side: JPushSide) -> None:
    item = make_item(side.files, text="供" * 900)
    assert JPushChannel.check({"ios_bytes": 3584}, side.post(made=[item])) == []


def test_only_the_chosen_platforms_are_meant(rehearsed: Rehearsal) -> None:
    side = JPushSide(rehearsed, settings={"platforms": ["android"], "time_to_live": 60, "apns_production": False})
    side.deliver()
    (seen,) = pushes(side)
    assert seen["targets"] == ["r-android-1"]
    assert (seen["body"]["options"]["time_to_live"], seen["body"]["options"]["apns_production"]) == (60, False)
    side.close()


def test_the_platform_says_how_long_to_wait(side: JPushSide) -> None:
    side.break_next("throttle", early=True, seconds=42)
    with pytest.raises(Throttled) as wait:
        side.channel.publish(side.post())
    assert 40 < (wait.value.until - side.clock.now()).total_seconds() < 45


def test_wrong_keys_are_the_keepers_task(side: JPushSide) -> None:
    wrong = replace(side.channel.account, credentials={"app_key": "x", "master_secret": "y"})
    channel = JPushChannel(wrong, side.tools)
    with pytest.raises(Unauthorised):
        channel.publish(side.post())
    with pytest.raises(Unauthorised, match="Master Secret"):
        channel.health()
    assert side.channel.health() == ""


def test_a_correction_is_pushed_only_where_a_person_chose_it(side: JPushSide) -> None:
    live = side.deliver().live
    assert isinstance(side.act(live, "correct").end, Uncorrectable)
    assert isinstance(side.act(live, "correct", note={"correction": "notice"}).end, Live)
    assert len(pushes(side)) == 2


def test_the_report_tells_how_many_phones_got_it(side: JPushSide) -> None:
    live = side.deliver().live
    (reading,) = side.channel.read(list(placed_by(live, side.clock.now()).values()))
    assert reading.figures == {"delivered": 2, "sent": 1}
    assert side.channel.read([]) == []


def test_phones_that_the_makers_service_woke_are_counted_and_none_twice(side: JPushSide) -> None:
    phones = [
        {"registration_id": "r-android-1"},
        {"registration_id": "r-android-2", "vendor": True},
        {"registration_id": "r-android-3", "vendor": True},
        {"registration_id": "r-ios-1", "platform": "ios"},
    ]
    keys = {"app_key": "vendor00000000000000app0", "master_secret": "vendor0000000000master00"}
    side.rehearsal.control("accounts/jpush", **keys, devices=phones)
    account = replace(side.channel.account, credentials=keys)
    channel = JPushChannel(account, side.tools)
    live = Courier(channel, side.wait, side.clock.now).deliver(side.post()).live
    (reading,) = channel.read(list(placed_by(live, side.clock.now()).values()))
    assert reading.figures == {"delivered": 4, "sent": 3}


def test_what_a_report_tells_of_another_push_is_passed_over(side: JPushSide) -> None:
    live = side.deliver().live
    lines = [{"msg_id": "1", "jpush_received": 4}, {"jpush_received": 2}, {"msg_id": "2", "jpush_received": 1}]
    known = placed_by(live, side.clock.now())
    (one,) = known.values()
    told = answered_by(side, [httpx.Response(200, json=[*lines, {**lines[0], "msg_id": one.data["msg_id"]}])])
    assert [reading.figures for reading in told.read([one])] == [{"delivered": 4}]


def test_a_phone_that_got_a_notice_and_a_message_is_one_phone() -> None:
    line = {"jpush_received": 62, "android_pns_sent": 12, "android_pns_received": 11, "ios_apns_sent": 11}
    line |= {"ios_apns_received": 5, "ios_msg_received": 3, "hmos_hmpns_received": 1, "hmos_msg_received": 2}
    assert _figures(line | {"quickapp_jpush_received": None}) == {"delivered": 62 + 11 + 5 + 2, "sent": 12 + 11}


def test_an_emergency_goes_to_all_phones_at_once_where_others_are_spread(rehearsed: Rehearsal) -> None:
    side = JPushSide(rehearsed, settings={"big_push_duration": 60})
    item = make_item(side.files)
    urgent = replace(item, content={**item.content, "emergency": {"level": "I"}})
    side.deliver(side.post(key="spread"))
    side.deliver(side.post(key="urgent", made=[urgent]))
    assert [one["body"]["options"].get("big_push_duration") for one in pushes(side)] == [60, None]
    side.close()
