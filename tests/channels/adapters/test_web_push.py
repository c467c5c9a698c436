"""Web Push: what browsers read, who is called again and who never, and what a wrong key costs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.adapters.web_push import PLAINTEXT, Signer, WebPushChannel, encrypt, new_key, topic_of
from channels.adapters.web_push import channel as adapter
from channels.base import Accepted, Live, Subscription, Uncorrectable
from channels.errors import Refused, Unauthorised
from channels.posting import Ended, Posted, Volley
from tests.channels.harness import Courier, make_item, placed_by
from tests.channels.rehearsal.served import Rehearsal
from tests.channels.sides import WebPushSide


@pytest.fixture
def side(rehearsed: Rehearsal) -> Iterator[WebPushSide]:
    """Three browsers."""
    made = WebPushSide(rehearsed)
    yield made
    made.close()


def read(side: WebPushSide) -> list[dict[str, Any]]:
    """What browsers decrypted, in order."""
    return [line["data"] | {"browser": line["account"]} for line in side.rehearsal.ledger("notification")]


def test_every_browser_reads_it_once(side: WebPushSide) -> None:
    run = side.deliver()
    assert sorted(one["browser"] for one in read(side)) == sorted(side.browsers)
    item = side.post().items[0]
    for one in read(side):
        assert one["readable"]
        assert (one["json"]["title"], one["json"]["body"], one["json"]["url"]) == (item.title, item.text, item.url)
        assert (one["topic"], one["urgency"]) == (topic_of(item), "normal")
        assert one["sender"] == side.public
    assert run.live.remark == "已推送 3 人。"


def test_a_repeat_of_the_whole_delivery_reaches_nobody_twice(side: WebPushSide) -> None:
    side.deliver()
    side.deliver()
    assert isinstance(side.channel.reconcile(side.post()), Live)
    assert len(read(side)) == 3


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_gone_is_removed(side: WebPushSide, status: int) -> None:
    side.rehearsal.control(f"webpush/{side.browsers[1]}", gone=status)
    run = side.deliver()
    assert len(read(side)) == 2
    assert sorted(side.subscriptions.known) == [1, 3]
    assert run.live.remark == "已推送 2 人，订阅已失效 1 个。"


def test_an_answer_that_was_lost_is_unknown_and_never_repeated(side: WebPushSide) -> None:
    side.break_next("cut_after")
    run = side.deliver()
    assert len(read(side)) == 3
    assert run.live.remark == "已推送 2 人，结果不明 1 个。"


def test_a_push_service_that_wants_us_to_wait_gets_its_time(side: WebPushSide) -> None:
    side.break_next("throttle", seconds=300, count=3)
    run = side.deliver()
    assert side.clock.offset >= timedelta(minutes=5)
    assert len(read(side)) == 3
    assert run.outcomes("poll")[-1] == "Live"


def test_a_push_service_that_never_lets_us_is_given_up_after_a_day(side: WebPushSide) -> None:
    side.break_next("throttle", seconds=20_000, count=0)
    run = side.courier.deliver(side.post(), most=200)
    assert "未能送达 3 个" in run.live.remark


def test_a_service_that_fails_is_unknown(side: WebPushSide) -> None:
    side.break_next("http_5xx")
    assert side.deliver().live.remark == "已推送 2 人，结果不明 1 个。"


def test_a_browser_inside_our_network_or_with_broken_keys_is_left_out(side: WebPushSide) -> None:
    side.subscriptions.add("http://10.0.0.8/push", "A" * 87, "B" * 22)
    side.subscriptions.add("http://169.254.169.254/", *_keys(side))
    assert side.deliver().live.remark == "已推送 3 人，被拒收 2 个。"


def _keys(side: WebPushSide) -> tuple[str, str]:
    known = side.subscriptions.known[1]
    return known.p256dh, known.auth


def test_a_browser_that_belongs_to_another_key_is_refused_alone(side: WebPushSide) -> None:
    made = side.rehearsal.control("accounts/webpush", application_server_key=new_key()[1])
    side.subscriptions.add(made["endpoint"], made["keys"]["p256dh"], made["keys"]["auth"])
    assert side.deliver().live.remark == "已推送 3 人，被拒收 1 个。"


def test_when_every_service_refuses_us_nobody_is_lost(side: WebPushSide) -> None:
    wrong = replace(side.channel.account, credentials={"vapid_private_key": new_key()[0]})
    end = Courier(WebPushChannel(wrong, side.tools), side.wait, side.clock.now).deliver(side.post()).end
    assert isinstance(end, Unauthorised)
    assert read(side) == []
    assert isinstance(side.deliver().end, Live)
    assert len(read(side)) == 3


def test_a_long_list_is_served_in_rounds(rehearsed: Rehearsal) -> None:
    side = WebPushSide(rehearsed, settings={"in_flight": 3, "seconds": 0.0001})
    browsers = sorted(side.browsers + [side.subscribe() for _ in range(5)])
    run = side.deliver()
    assert run.trail[0] == ("send", "Accepted")
    assert run.trail[-1] == ("poll", "Live")
    assert len(run.trail) >= 3
    assert side.subscriptions.most_flying <= 3
    assert sorted(one["browser"] for one in read(side)) == browsers
    assert run.live.remark == "已推送 8 人。"
    side.close()


@pytest.mark.parametrize(
    ("credentials", "settings"),
    [({}, {}), ({"vapid_private_key": "no key"}, {}), ({"vapid_private_key": "A" * 43}, {}), (None, {"subject": "x"})],
)
def test_a_key_or_sender_that_is_none_is_told(
    side: WebPushSide, credentials: dict[str, str] | None, settings: dict[str, str]
) -> None:
    account = side.channel.account
    given = account.credentials if credentials is None else credentials
    channel = WebPushChannel(replace(account, credentials=given, settings={**account.settings, **settings}), side.tools)
    assert channel.health()
    with pytest.raises(Unauthorised):
        channel.publish(side.post())
    assert side.channel.health() is None, "no push service said so"


def test_one_token_serves_a_whole_push_service() -> None:
    signer = Signer(new_key()[0], "mailto:office@yunzhou.example")
    headers = {signer.header(f"https://push.example/{n}") for n in range(5)}
    assert len(headers) == 1
    assert signer.header("https://push.example:8443/1") not in headers


def test_without_a_list_of_browsers_it_says_so(side: WebPushSide) -> None:
    channel = WebPushChannel(side.channel.account, replace(side.tools, subscriptions=None))
    with pytest.raises(Refused) as refused:
        channel.publish(side.post())
    assert "订阅" in refused.value.reason


@pytest.mark.parametrize(("characters", "fits"), [(300, True), (1200, True), (1300, False)])
def test_what_fits_into_one_encrypted_record(side: WebPushSide, characters: int, fits: bool) -> None:
    item = make_item(side.files, text="供" * characters)
    assert bool(WebPushChannel.check({}, side.post(made=[item]))) is not fits
    if fits:
        side.deliver(side.post(made=[item]))
        assert {len(one["json"]["body"]) for one in read(side)} == {characters}


def test_the_largest_message_stays_below_the_services_limit(side: WebPushSide) -> None:
    one = side.subscriptions.known[1]
    assert len(encrypt(b"x" * PLAINTEXT, one)) <= 4096
    with pytest.raises(ValueError, match="malformed"):
        encrypt(b"x", Subscription(1, one.endpoint, "AAAA", one.auth))


def test_a_notice_without_words_is_told_when_it_is_submitted(side: WebPushSide) -> None:
    silent = make_item(side.files, text=" ", digest="")
    assert [one.field for one in WebPushChannel.check({}, side.post(made=[silent]))] == ["text"]
    assert WebPushChannel.check({}, side.post(made=[silent], action="withdraw")) == []


def test_a_notice_not_yet_delivered_is_replaced_by_its_correction(side: WebPushSide) -> None:
    side.rehearsal.control(f"webpush/{side.browsers[0]}", online=False)
    live = side.deliver().live
    made = [make_item(side.files, text="更正后的文字")]
    assert isinstance(side.act(live, "correct", made=made).end, Uncorrectable)
    assert isinstance(side.act(live, "correct", made=made, note={"correction": "notice"}).end, Live)
    side.rehearsal.control(f"webpush/{side.browsers[0]}", online=True)
    assert [one["json"]["body"] for one in read(side) if one["browser"] == side.browsers[0]] == ["更正后的文字"]


@pytest.mark.parametrize(
    ("after", "seconds"),
    [("120", 120), ("", 30), ("soon", 30), ("Mon, 02 Mar 2026 01:10:00 GMT", 600), ("9999999", 86_400)],
)
def test_retry_after_is_read_in_both_forms(after: str, seconds: int) -> None:
    now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    assert adapter._until(after, now) == now + timedelta(seconds=seconds)


def test_ttl_urgency_and_icon_are_settings(side: WebPushSide) -> None:
    seen: list[Mapping[str, str]] = []

    class Listening:
        def __init__(self) -> None:
            self.taken: list[Ended] = []

        @contextmanager
        def volley(self) -> Iterator[Volley]:
            yield self

        def start(
            self, tag: int, url: str, headers: Mapping[str, str], body: bytes, patience: float | None = None
        ) -> None:
            seen.append(headers)
            self.taken.append((tag, Posted(201)))

        def ended(self, timeout: float | None) -> list[Ended]:
            ended, self.taken = self.taken, []
            return ended

    settings = {**side.channel.account.settings, "ttl": 600, "urgency": "high", "icon": "/static/icon.png"}
    tools = replace(side.tools, poster=Listening())
    WebPushChannel(replace(side.channel.account, settings=settings), tools).publish(side.post())
    assert {(one["TTL"], one["Urgency"]) for one in seen} == {("600", "high")}
    assert json.loads(adapter._payload(settings, side.post().items[0]))["icon"] == "/static/icon.png"


def test_accepted_says_how_far_it_is(side: WebPushSide) -> None:
    side.break_next("throttle", seconds=60)
    accepted = side.channel.publish(side.post())
    assert isinstance(accepted, Accepted)
    assert "3 人待推送" in accepted.waiting, "the one that was asked and those that were not"


@pytest.mark.parametrize("action", ["push", "correct", "withdraw"])
def test_an_emergency_wakes_devices_whatever_the_account_says(side: WebPushSide, action: str) -> None:
    item = make_item(side.files)
    urgent = replace(item, content={**item.content, "emergency": {"level": "I"}})
    post = side.post(made=[urgent], action=action)
    assert adapter._Message({"urgency": "low"}, post).headers["Urgency"] == "high"
    assert adapter._Message({"urgency": "low"}, side.post(action=action)).headers["Urgency"] == "low"


def test_what_follows_a_notice_is_for_whoever_got_it_and_a_withdrawal_makes_no_sound(side: WebPushSide) -> None:
    live = side.deliver(side.post(key="first", audience={"district": ["临江区"]})).live
    again = side.deliver(side.post(key="second", placed=placed_by(live, side.clock.now()))).live
    corrected = side.act(again, "correct", note={"correction": "notice"}, audience={"district": ["青石区"]}).live
    side.act(corrected, "withdraw", phrase="内容有误")
    assert side.subscriptions.audiences[-2:] == [
        {"reached": ["first", "second"]},
        {"reached": ["first", "second", "correct-1"]},
    ]
    last = [one["json"] for one in read(side)][-3:]
    assert {(one["body"], one["silent"], one["tag"]) for one in last} == {("内容有误", True, "piece-1")}
    assert all("silent" not in one["json"] for one in read(side)[:-3])


@pytest.mark.parametrize(
    "after",
    ["\xb2", "9" * 5000, "Mon, 02 Mar 99999999999 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -0100", "-5", "soon"],
)
def test_a_wait_that_is_written_wrongly_is_a_wait_of_at_most_a_day(after: str) -> None:
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert now < adapter._until(after, now) <= now + timedelta(days=1)


def test_whom_a_service_that_is_down_was_not_asked_for_waits(
    side: WebPushSide,
) -> None:
    for _ in range(5):
        side.subscribe()
    post = replace(side.post(), first_attempt_at=side.clock.now())
    side.break_next("http_5xx", count=5)
    accepted = side.channel.publish(post)
    assert isinstance(accepted, Accepted)
    assert "还有 3 人待推送" in accepted.waiting
    assert accepted.held_up
    assert side.subscriptions.counts(post.key) == {"unknown": 5}
    side.clock.step(minutes=1)
    live = side.channel.poll(post, accepted.job_id)
    assert isinstance(live, Live)
    assert live.remark == "已推送 3 人，结果不明 5 个。"
