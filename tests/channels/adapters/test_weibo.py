"""Weibo: what is counted and refused beforehand, what a lost answer costs, the day's hundred calls, the fan service."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from channels.adapters.weibo import WeiboChannel
from channels.adapters.weibo.channel import PAGES, PER_PAGE
from channels.adapters.weibo.client import Status, WeiboClient, short
from channels.adapters.weibo.codes import MEANINGS, Answered, error_of
from channels.adapters.weibo.fans import signature
from channels.adapters.weibo.fit import characters
from channels.base import (
    MENTION,
    CannotTell,
    Follower,
    Inbound,
    Live,
    Message,
    NotThere,
    Post,
    Pushed,
    Reply,
    Uncorrectable,
)
from channels.errors import (
    BadPush,
    BadSignature,
    OutcomeUnknown,
    Refused,
    Retryable,
    Throttled,
    Unauthorised,
    WouldSend,
)
from tests.channels.harness import SITE, make_item, placed_by
from tests.channels.rehearsal.served import CallbackAddress, Rehearsal
from tests.channels.sides import UID, BlindWeiboSide, WeiboSide


@pytest.fixture
def side(rehearsed: Rehearsal) -> Iterator[WeiboSide]:
    """An account whose app may read its own posts."""
    made = WeiboSide(rehearsed)
    yield made
    made.close()


@pytest.fixture
def blind(rehearsed: Rehearsal) -> Iterator[BlindWeiboSide]:
    """An account whose app may read nothing."""
    made = BlindWeiboSide(rehearsed)
    yield made
    made.close()


def posts(side: WeiboSide) -> list[dict[str, Any]]:
    """What readers see."""
    return [line["data"] for line in side.rehearsal.ledger("post")]


def words(side: WeiboSide, text: str) -> list[Any]:
    """One item with this text."""
    return [make_item(side.files, text=text)]


def test_text_picture_and_operator_arrive(side: WeiboSide) -> None:
    run = side.deliver()
    (seen,) = posts(side)
    assert seen["text"] == side.post().items[0].text
    assert seen["rip"] == "203.0.113.7"
    assert side.rehearsal.http.get(seen["picture"]).headers["content-type"] == "image/png"
    assert run.live.shown[1].remote_id == str(seen["id"])
    assert run.live.shown[1].url == f"https://weibo.com/{UID}/{short(str(seen['id']))}"


def test_the_picture_can_be_left_out(rehearsed: Rehearsal) -> None:
    side = WeiboSide(rehearsed, settings={"picture": False})
    side.deliver()
    assert posts(side)[0]["picture"] == ""
    side.close()


def test_an_address_is_the_number_in_base_62_seven_digits_at_a_time() -> None:
    assert (short("3501756485200075"), short("1000000"), short("not-a-number")) == ("z0JH2lOMb", "4c92", "not-a-number")


@pytest.mark.parametrize(
    ("link", "number"),
    [
        ("https://weibo.com/77/z0JH2lOMb", "3501756485200075"),
        ("https://www.weibo.com/77/z0JH2lOMb?from=page#comment", "3501756485200075"),
        ("https://m.weibo.cn/status/3501756485200075", "3501756485200075"),
        ("https://m.weibo.cn/detail/z0JH2lOMb", "3501756485200075"),
        ("https://weibo.com/77/" + short("4900000000000001"), "4900000000000001"),
        ("https://weibo.com/78/z0JH2lOMb", ""),  # Somebody else's.
        ("https://weibo.com/77", ""),
        ("https://weibo.com/77/..%2f", ""),
        ("https://weibo.com.evil.example/77/z0JH2lOMb", ""),
        ("https://example.org/a", ""),
        ("", ""),
    ],
)
def test_a_link_tells_the_number_of_the_accounts_own_post(link: str, number: str) -> None:
    assert WeiboChannel.number_in({"uid": "77"}, link) == number


@pytest.mark.parametrize(("text", "length"), [("供热", 2), ("ab", 1), ("abc", 2), ("供a", 2), ("", 0)])
def test_length_is_counted_in_chinese_characters(text: str, length: int) -> None:
    assert characters(text) == length


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "没有微博正文"),
        ("供热延长", "链接"),
        ("供热延长 https://elsewhere.example/1.html", "localhost"),
        (f"#供热# 延长 {SITE}/1.html", "话题"),
        (f"{'供' * 140} {SITE}/1.html", "上限 140"),
    ],
)
def test_what_does_not_fit_is_told_before(side: WeiboSide, text: str, says: str) -> None:
    post = side.post(made=words(side, text))
    found = WeiboChannel.check(side.channel.account.settings, post)
    assert any(says in problem.message and problem.field == "text" for problem in found)
    end = side.deliver(post).end
    assert isinstance(end, Refused)
    assert side.rehearsal.ledger("call") == []


def test_what_just_fits_passes_both_us_and_the_platform(side: WeiboSide) -> None:
    address = f" {SITE}/1.html?a=#b"
    text = "供" * (140 - characters(address)) + address
    assert characters(text) == 140
    assert isinstance(side.deliver(side.post(made=words(side, text))).end, Live)


def test_an_account_without_a_safe_domain_is_told_before(side: WeiboSide) -> None:
    found = WeiboChannel.check({"rip": "203.0.113.7"}, side.post())
    assert [(problem.field, problem.blocking) for problem in found] == [("account", True)]


@pytest.mark.parametrize(("over", "fits"), [(0, True), (1, False)])
def test_the_length_at_the_limit_and_one_beyond_is_the_platforms_too(side: WeiboSide, over: int, fits: bool) -> None:
    address = f" {SITE}/1.html"
    text = "供" * (140 - characters(address) + over) + address
    assert (WeiboChannel.check(side.channel.account.settings, side.post(made=words(side, text))) == []) is fits
    answer = side.rehearsal.http.post(
        "/weibo/2/statuses/share.json",
        data={"access_token": "2.00rehearsalWeiboToken", "status": text, "rip": "203.0.113.7"},
    ).json()
    assert answer.get("error_code") == (None if fits else 20012)


def test_an_office_that_knows_how_weibo_counts_addresses_may_say_so() -> None:
    text = "供" * 130 + " https://www.yunzhou.example/notices/2026/a-long-address.html"
    assert characters(text) > 140
    assert characters(text, 10) == 141
    assert characters(text.replace(" ", ""), 10) == 140


@pytest.mark.parametrize(
    ("about", "says"),
    [({"size": 4_999_999, "media_type": "image/png"}, ""), ({"size": 5_000_000, "media_type": "image/png"}, "5 MB"),
     ({"size": 10, "media_type": "image/gif"}, ""), ({"size": 10, "media_type": "image/webp"}, "GIF")],
)  # fmt: skip
def test_a_picture_at_the_limit_and_beyond(side: WeiboSide, about: dict[str, Any], says: str) -> None:
    post = side.post()
    item = replace(post.items[0], cover="a" * 64, content={**post.items[0].content, "pictures": {"a" * 64: about}})
    found = WeiboChannel.check(side.channel.account.settings, replace(post, items=[item]))
    assert [problem.message for problem in found if says in problem.message] == [p.message for p in found]
    assert bool(found) is bool(says)


@pytest.mark.parametrize("size", [4_999_999, 5_000_000])
def test_the_platform_takes_a_picture_under_five_megabytes(side: WeiboSide, size: int) -> None:
    picture = b"\x89PNG\r\n\x1a\n".ljust(size, b"0")
    answer = side.rehearsal.http.post(
        "/weibo/2/statuses/share.json",
        data={"access_token": "2.00rehearsalWeiboToken", "status": f"图 {SITE}/1.html", "rip": "203.0.113.7"},
        files={"pic": ("a.png", picture, "image/png")},
    ).json()
    assert answer.get("error_code") == (None if size < 5_000_000 else 20006)


def test_an_account_without_the_operators_address_is_told_before(side: WeiboSide) -> None:
    found = WeiboChannel.check({"safe_domains": ["localhost"]}, side.post())
    assert [problem.field for problem in found] == ["account"]


# --- answers that were lost -------------------------------------------------------------------------


def test_a_post_found_on_the_timeline_brings_its_number(side: WeiboSide) -> None:
    side.break_next("cut_after")
    run = side.deliver()
    assert run.trail[-1] == ("ask", "Live")
    assert run.live.shown[1].remote_id == str(posts(side)[0]["id"])


def test_a_shortened_address_does_not_hide_a_post(side: WeiboSide, monkeypatch: pytest.MonkeyPatch) -> None:
    real = side.channel.client.timeline

    def shortened(uid: str, count: int = 50, page: int = 1) -> Any:
        shown, total = real(uid, count, page)
        changed = [one.text.replace(f"{SITE}/notices/1.html", "http://t.cn/A6x") + "\u200b" for one in shown]
        return [replace(one, text=text) for one, text in zip(shown, changed, strict=True)], total

    monkeypatch.setattr(side.channel.client, "timeline", shortened)
    side.break_next("cut_after")
    assert isinstance(side.deliver().end, Live)
    assert len(posts(side)) == 1


def _many_since(side: WeiboSide, monkeypatch: pytest.MonkeyPatch, number: int) -> Post:
    """A post whose answer was lost, and so many others of the account after it."""
    side.break_next("cut_after")
    post = replace(side.post(), attempted_at=side.clock.now())
    with pytest.raises(OutcomeUnknown):
        side.channel.publish(post)
    mine = posts(side)[0]
    after = [
        Status(f"{number}", f"此后的第{number}条", side.clock.now() + timedelta(minutes=1), "1")
        for number in range(number)
    ]
    lost = Status(str(mine["id"]), str(mine["text"]), side.clock.now(), "1")
    before = Status("1", "先前的一条", side.clock.now() - timedelta(days=2), "1")
    every = [*after, lost, before]

    def timeline(_uid: str, count: int = 50, page: int = 1) -> tuple[list[Status], int]:
        return every[(page - 1) * count : page * count], len(every)

    monkeypatch.setattr(side.channel.client, "timeline", timeline)
    return post


def test_a_lost_post_is_looked_for_behind_whatever_went_out_since(
    side: WeiboSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled = side.channel.reconcile(_many_since(side, monkeypatch, 120))
    assert isinstance(settled, Live)
    assert settled.shown[1].remote_id == str(posts(side)[0]["id"])


def test_what_cannot_be_looked_for_so_far_back_is_no_proof(side: WeiboSide, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(side.channel.reconcile(_many_since(side, monkeypatch, PER_PAGE * PAGES)), CannotTell)


def test_the_same_words_of_last_week_are_not_taken_for_it(side: WeiboSide) -> None:
    side.deliver()
    side.wait(7 * 24 * 3600)
    post = replace(side.post(key="weekly"), attempted_at=side.clock.now())
    assert isinstance(side.channel.reconcile(post), NotThere)


@pytest.mark.parametrize("hours", [2, -2])
def test_a_clock_that_was_moved_leads_to_a_question_and_to_no_second_post(side: WeiboSide, hours: int) -> None:
    side.deliver()
    post = replace(side.post(), attempted_at=side.clock.now() + timedelta(hours=hours))
    settled = side.channel.reconcile(post)
    assert isinstance(settled, CannotTell if hours > 0 else Live)
    assert len(posts(side)) == 1


def test_a_blind_account_repeats_nothing_while_it_may_only_look(blind: BlindWeiboSide) -> None:
    post = replace(blind.post(), attempted_at=blind.clock.now(), look_only=True)
    with pytest.raises(WouldSend):
        blind.channel.reconcile(post)
    assert posts(blind) == []
    assert isinstance(blind.channel.reconcile(replace(post, look_only=False)), Live)


def test_a_blind_account_repeats_inside_the_window_and_never_after(blind: BlindWeiboSide) -> None:
    blind.break_next("cut_after")
    post = replace(blind.post(), attempted_at=blind.clock.now())
    with pytest.raises(OutcomeUnknown):
        blind.channel.publish(post)
    blind.wait(8 * 60)
    settled = blind.channel.reconcile(post)
    assert isinstance(settled, Live)
    assert "补登" in settled.remark
    blind.wait(90)
    assert isinstance(blind.channel.reconcile(post), CannotTell)
    assert len(posts(blind)) == 1


def test_a_post_that_was_never_taken_goes_out_by_the_repeat(blind: BlindWeiboSide) -> None:
    blind.break_next("cut_before")
    run = blind.deliver()
    assert run.outcomes("ask") == ["Live"]
    assert run.live.shown[1].remote_id
    assert len(posts(blind)) == 1


def test_done_though_slow_is_done(side: WeiboSide) -> None:
    side.rehearsal.control("faults", kind="errcode", platform="weibo", path="2/statuses/share.json", code=20032)
    run = side.deliver()
    assert run.outcomes("send") == ["Live"]
    assert len(posts(side)) == 1
    assert run.live.shown[1].remote_id == str(posts(side)[0]["id"])


# --- the day's calls --------------------------------------------------------------------------------


def test_a_hundred_calls_a_day_are_counted_by_us(rehearsed: Rehearsal) -> None:
    side = WeiboSide(rehearsed, settings={"requests_per_day": 2})
    side.deliver(side.post(key="a"))
    side.deliver(side.post(key="b", made=words(side, f"另一条 {SITE}/2.html")))
    with pytest.raises(Throttled) as wait:
        side.channel.publish(side.post(key="c", made=words(side, f"第三条 {SITE}/3.html")))
    assert wait.value.until.hour == 0
    assert len(side.rehearsal.ledger("call")) == 2
    side.close()


def test_figures_are_not_read_with_the_calls_kept_for_posts(side: WeiboSide) -> None:
    live = side.deliver().live
    placed = list(placed_by(live, side.clock.now()).values())
    side.rehearsal.control(f"weibo/{UID}/posts/{live.shown[1].remote_id}", comment="好", reposts=3, attitudes=5)
    (reading,) = side.channel.read(placed)
    assert reading.figures == {"comments": 1, "shares": 3, "likes": 5}
    for _ in range(60):
        side.channel.health()
    assert side.channel.read(placed) == []


# --- taking back and correcting ---------------------------------------------------------------------


def test_a_correction_by_deleting_and_posting_again(side: WeiboSide) -> None:
    live = side.deliver().live
    made = words(side, f"更正：供热到4月7日 {SITE}/1.html")
    end = side.act(live, "correct", made=made, note={"correction": "republish"}).end
    assert isinstance(end, Live)
    assert (len(posts(side)), side.gone()) == (2, 1)


def test_an_app_that_may_not_delete_leaves_it_to_a_person(blind: BlindWeiboSide) -> None:
    live = blind.deliver().live
    end = blind.act(live, "withdraw").end
    assert isinstance(end, Uncorrectable)
    assert end.by_hand


# --- codes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [(10001, Retryable), (10023, Throttled), (20016, Throttled), (21327, Unauthorised), (21332, Unauthorised),
     (10006, Unauthorised), (20021, Refused), (10014, Refused), (99999, Refused)],
)  # fmt: skip
def test_a_code_says_whether_to_try_again(side: WeiboSide, code: int, kind: type[Exception]) -> None:
    now = side.clock.now()
    error = error_of(Answered(code, "english"), now, now + timedelta(hours=1))
    assert type(error) is kind
    assert error.platform_code == str(code)


def test_every_code_has_chinese_words() -> None:
    assert [code for code, meaning in MEANINGS.items() if not any(ord(one) > 0x4E00 for one in meaning.reason)] == []


def test_both_meanings_of_10017_are_told_apart(side: WeiboSide) -> None:
    now = side.clock.now()
    of_the_text = error_of(Answered(10017, "text not find domain!"), now, now)
    of_the_app = error_of(Answered(10017, "appkey not bind domain!"), now, now)
    assert (of_the_text.field, of_the_app.field) == ("text", None)
    assert "安全域名下的链接" in of_the_text.reason
    assert "应用没有绑定安全域名" in of_the_app.reason


@pytest.mark.parametrize(
    ("user", "address"),
    [
        ({"id": 42}, f"https://weibo.com/42/{short('3501756485200075')}"),
        (None, "https://m.weibo.cn/status/3501756485200075"),
    ],
)
def test_an_answer_need_not_say_whose_it_is(side: WeiboSide, user: object, address: str) -> None:
    answer = {"id": 3501756485200075, "created_at": "Wed Oct 24 23:49:17 +0800 2012", "text": "通知", "user": user}
    http = httpx.Client(transport=httpx.MockTransport(lambda _request: httpx.Response(200, json=answer)))
    assert WeiboClient(http, "https://weibo.example", "t").share("通知", "203.0.113.7").url == address


def test_an_app_that_may_not_ask_how_long_it_lasts_is_no_worse_for_it(side: WeiboSide) -> None:
    side.rehearsal.control("faults", kind="errcode", platform="weibo", path="oauth2/get_token_info", code=10014)
    assert side.channel.health() == ""


def test_a_revoked_authorisation_is_the_keepers_task(side: WeiboSide) -> None:
    side.rehearsal.control(f"weibo/{UID}/revoke")
    assert isinstance(side.deliver().end, Unauthorised)
    with pytest.raises(Unauthorised, match="撤销"):
        side.channel.health()


def test_an_authorisation_about_to_end_is_told(side: WeiboSide) -> None:
    assert side.channel.health() == ""
    account = side.rehearsal.app.world.config.weibo[0].model_copy(update={"uid": "7000000002", "access_token": "2.00b"})
    side.rehearsal.control("accounts/weibo", **{**account.model_dump(), "expires_in": 3 * 24 * 3600 + 60})
    credentials = {**side.channel.account.credentials, "access_token": "2.00b"}
    assert "3 天" in WeiboChannel(replace(side.channel.account, credentials=credentials), side.tools).health()


def test_a_person_authorises_again(side: WeiboSide) -> None:
    account = side.rehearsal.app.world.config.weibo[0]
    redirect = account.redirect_uri
    client = side.channel.client
    sent = side.rehearsal.http.get(client.authorise_url(account.app_key, redirect, "state-1"))
    assert (sent.status_code, "state=state-1" in sent.headers["location"]) == (302, True)
    code = sent.headers["location"].partition("code=")[2].partition("&")[0]
    token, seconds, uid = client.exchange(account.app_key, account.app_secret, redirect, code)
    assert (uid, seconds > 0) == (UID, True)
    credentials = {**side.channel.account.credentials, "access_token": token}
    assert WeiboChannel(replace(side.channel.account, credentials=credentials), side.tools).health() == ""


# --- the fan service --------------------------------------------------------------------------------


class Fans:
    """Our address, answered by the adapter."""

    def __init__(self, side: WeiboSide) -> None:
        self.side = side
        self.reply: Reply | None = None
        self.got: list[Inbound] = []
        self.requests: list[Pushed] = []

    def answer(self, received: Any) -> bytes:
        """What the web desk will do."""
        request = Pushed(received.method, received.query, received.body)
        if received.method == "GET":
            return self.side.channel.greet(request)
        self.requests.append(request)
        self.got = self.side.channel.read_inbound(request)
        first = self.got[0]
        assert isinstance(first, Message | Follower)
        return self.side.channel.answer(first, self.reply)

    def push(self, **message: Any) -> dict[str, Any]:
        """A fan's message; returns what the platform made of our answer."""
        made: dict[str, Any] = self.side.rehearsal.control(f"weibo/{UID}/push", **message)
        return made


@pytest.fixture
def fans(side: WeiboSide) -> Iterator[Fans]:
    """The address in the platform's console."""
    address, made = CallbackAddress(), Fans(side)
    address.answer = made.answer
    side.rehearsal.control(f"weibo/{UID}/fan-service", url=address.url)
    yield made
    address.close()


def test_a_fans_question_is_answered(fans: Fans) -> None:
    fans.reply = Reply("供热到 4 月 7 日 & “为止”")
    outcome = fans.push(text="暖气几号停？")
    (message,) = fans.got
    assert isinstance(message, Message)
    assert (message.text, message.sender, message.to) == ("暖气几号停？", "9000000001", UID)
    assert (outcome["fault"], outcome["reply"]["data"]) == ("", {"text": "供热到 4 月 7 日 & “为止”"})


def test_who_names_the_account_in_public_asks_in_words_too(fans: Fans) -> None:
    fans.reply = Reply("已派人查看")
    outcome = fans.push(type="mention", text="@云州发布 人民路停水了", data={"subtype": "status", "key": "5011"})
    (message,) = fans.got
    assert isinstance(message, Message)
    assert (message.kind, message.text, message.media) == (
        "text", "@云州发布 人民路停水了", {"subtype": "status", "key": "5011", MENTION: "status"},
    )  # fmt: skip
    assert outcome["reply"]["data"] == {"text": "已派人查看"}


def test_a_card_and_a_long_text_fit(fans: Fans) -> None:
    fans.reply = Reply("点此查看", title="供热服务", url=f"{SITE}/1.html", picture_url=f"{SITE}/1.jpg")
    assert fans.push(text="?")["reply"]["type"] == "articles"
    fans.reply = Reply("热" * 400)
    assert len(fans.push(text="?")["reply"]["data"]["text"]) < 300


def test_nothing_to_say_is_an_empty_body(fans: Fans) -> None:
    outcome = fans.push(text="你好")
    assert (outcome["fault"], outcome["reply"], outcome["tries"]) == ("", {}, ["200"])


@pytest.mark.parametrize(("subtype", "joined"), [("follow", True), ("subscribe", True), ("unfollow", False)])
def test_coming_and_going(fans: Fans, subtype: str, joined: bool) -> None:
    fans.push(type="event", subtype=subtype)
    (found,) = fans.got
    assert isinstance(found, Follower)
    assert found.joined is joined


def test_a_touch_and_a_place(fans: Fans) -> None:
    fans.push(type="event", subtype="click", key="menu-1")
    (click,) = fans.got
    fans.push(type="position", data={"longitude": "116.3", "latitude": "39.9"})
    (place,) = fans.got
    assert isinstance(click, Message)
    assert isinstance(place, Message)
    assert (click.kind, click.text) == ("click", "menu-1")
    assert (place.kind, place.media["latitude"]) == ("location", "39.9")


def test_a_repeated_push_has_the_same_key_and_other_words_another(fans: Fans) -> None:
    fans.push(text="同一条")
    (first,) = fans.got
    (again,) = fans.side.channel.read_inbound(fans.requests[-1])
    other = replace(fans.requests[-1], body=fans.requests[-1].body.replace("同一条".encode(), "另一条".encode()))
    (third,) = fans.side.channel.read_inbound(other)
    assert isinstance(first, Message)
    assert isinstance(again, Message)
    assert isinstance(third, Message)
    assert first.key == again.key != third.key


def test_the_signature_is_the_published_example() -> None:
    assert signature("xyz123xyz", "1397022061823", "57155157") == "90e4c22c90a58f26526c2dd5b6c56c8822edeaa1"


def test_a_changed_signature_and_a_malformed_body_are_refused(fans: Fans) -> None:
    fans.push(text="你好")
    request = fans.requests[-1]
    with pytest.raises(BadSignature):
        fans.side.channel.read_inbound(replace(request, query={**request.query, "nonce": "0"}))
    for body in (b"", b"[]", b'{"type":"text"}', json.dumps({"type": "text", "sender_id": "x"}).encode()):
        with pytest.raises(BadPush):
            fans.side.channel.read_inbound(replace(request, body=body))


def test_an_account_without_a_secret_takes_nothing(fans: Fans) -> None:
    joined = hashlib.sha1("".join(sorted(["", "1", "2"])).encode()).hexdigest()  # noqa: S324 - the protocol's own choice
    request = Pushed("POST", {"signature": joined, "timestamp": "1", "nonce": "2"}, b"{}")
    channel = WeiboChannel(replace(fans.side.channel.account, credentials={}), fans.side.tools)
    with pytest.raises(BadSignature):
        channel.read_inbound(request)


def test_an_active_reply_arrives_within_48_hours_and_is_never_repeated(fans: Fans) -> None:
    with pytest.raises(Refused):
        fans.side.channel.reply("9000000001", Reply("您好"))
    fans.push(text="在吗")
    fans.side.channel.reply("9000000001", Reply("您好，我是坐席"))
    fans.side.break_next("cut_after", path="2/messages/reply.json")
    with pytest.raises(OutcomeUnknown):
        fans.side.channel.reply("9000000001", Reply("还在吗"))
    assert [line["data"]["text"] for line in fans.side.rehearsal.ledger("fan_reply")] == ["您好，我是坐席", "还在吗"]


def test_a_withdrawal_takes_back_the_notice_of_correction_and_what_it_corrected(side: WeiboSide) -> None:
    live = side.deliver().live
    other = [make_item(side.files, text=f"更正：供热至4月8日。 {SITE}/notices/1.html")]
    noticed = side.act(live, "correct", note={"correction": "notice"}, made=other).live
    assert noticed.shown[1].data["earlier"] == [live.shown[1].remote_id]
    assert isinstance(side.act(noticed, "withdraw").end, Live)
    assert side.gone() == 2


def test_unchanged_words_published_again_wait_until_the_platform_forgot_the_deleted_post(side: WeiboSide) -> None:
    live = side.deliver().live
    run = side.act(live, "correct", note={"correction": "republish"})
    assert run.outcomes("send") == ["Throttled", "Live"]
    assert run.live.shown[1].remote_id not in ("", live.shown[1].remote_id)
    assert run.live.shown[1].data["earlier"] == []
    assert (side.arrived(), side.gone()) == (2, 1)
