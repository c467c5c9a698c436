"""Pushes from the platform to our adapter and its answers back, in all three modes, and customer-service messages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.adapters.wechat.inbound import shortened
from channels.base import Consent, Follower, Inbound, JobResult, Message, Pushed, Reply
from channels.errors import BadPush, BadSignature, OutcomeUnknown, Refused, Retryable
from tests.channels.rehearsal.served import APPID, CITIZEN, CallbackAddress, Rehearsal
from tests.channels.sides import AES_KEY, TOKEN, WeChatPublishSide

MODES = ("plain", "compat", "secure")


@dataclass
class Desk:
    """Our address, answered by the adapter: what came in, and what it says next."""

    side: WeChatPublishSide
    reply: Reply | None = None
    got: list[Inbound] = field(default_factory=list)
    requests: list[Pushed] = field(default_factory=list)

    def answer(self, received: Any) -> bytes:
        """What the web desk will do with a request."""
        request = Pushed(received.method, received.query, received.body)
        if received.method == "GET":
            return self.side.channel.greet(request)
        self.requests.append(request)
        self.got = self.side.channel.read_inbound(request)
        first = self.got[0] if self.got else None
        return self.side.channel.answer(first, self.reply) if isinstance(first, Message | Follower) else b"success"

    def push(self, **what: Any) -> dict[str, Any]:
        """A person's act; returns what the platform made of our answer."""
        made: dict[str, Any] = self.side.rehearsal.control(f"wechat/{APPID}/push", **({"openid": CITIZEN} | what))
        return made


@pytest.fixture
def desk(rehearsed: Rehearsal, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """An address in the mode asked for, plain unless told otherwise."""
    mode = getattr(request, "param", "plain")
    address, desk = CallbackAddress(), Desk(WeChatPublishSide(rehearsed))
    address.answer = desk.answer
    rehearsed.control(f"wechat/{APPID}/callback", url=address.url, token=TOKEN, aes_key=AES_KEY, mode=mode)
    yield desk
    rehearsed.http.delete(f"/control/wechat/{APPID}/callback")
    address.close()
    desk.side.close()


def message(desk: Desk) -> Message:
    """The message that came."""
    (found,) = desk.got
    assert isinstance(found, Message)
    return found


@pytest.mark.parametrize("desk", MODES, indirect=True)
def test_a_question_comes_in_and_the_answer_is_read_by_the_citizen(desk: Desk) -> None:
    desk.reply = Reply("供热到 4 月 7 日为止 <b>&]]>")
    outcome = desk.push(kind="text", content="暖气几号停？<x>&")
    assert (message(desk).text, message(desk).sender) == ("暖气几号停？<x>&", CITIZEN)
    assert message(desk).key == str(outcome["msg_id"])
    assert abs((message(desk).at - datetime.now(UTC)).total_seconds()) < 60
    assert (outcome["fault"], outcome["reply"]["Content"]) == ("", "供热到 4 月 7 日为止 <b>&]]>")


@pytest.mark.parametrize("desk", MODES, indirect=True)
def test_nothing_to_say_is_said_at_once(desk: Desk) -> None:
    outcome = desk.push(kind="text", content="你好")
    assert (outcome["answered"], outcome["reply"], outcome["tries"]) == (True, {}, ["200"])


@pytest.mark.parametrize("desk", ["secure"], indirect=True)
def test_a_card_is_one_article(desk: Desk) -> None:
    desk.reply = Reply("点此查看", title="供热服务", url="https://www.yunzhou.example/a?b=1&c=2")
    reply = desk.push(kind="text", content="供热")["reply"]
    assert reply["ArticleCount"] == "1"
    assert reply["Articles"]["item"]["Url"] == "https://www.yunzhou.example/a?b=1&c=2"


def test_a_long_answer_is_cut_at_a_whole_character(desk: Desk) -> None:
    desk.reply = Reply("热" * 1000)
    content = desk.push(kind="text", content="?")["reply"]["Content"]
    assert content.endswith("热……")
    assert len(content.encode()) <= 2048


def test_shortening_leaves_short_texts_alone() -> None:
    assert shortened("热" * 10, 30) == "热" * 10
    assert shortened("热" * 11, 30) == "热" * 8 + "……"


@pytest.mark.parametrize(
    ("what", "kind", "text", "media"),
    [
        ({"kind": "voice", "recognition": "暖气不热"}, "voice", "暖气不热", {"media_id", "format"}),
        ({"kind": "image"}, "image", "", {"url", "media_id"}),
        ({"kind": "video"}, "video", "", {"media_id", "thumb_media_id"}),
        ({"kind": "shortvideo"}, "shortvideo", "", {"media_id", "thumb_media_id"}),
        ({"kind": "location", "latitude": 23.5, "label": "解放路"}, "location", "解放路", {"latitude", "label"}),
        ({"kind": "link", "title": "网页", "url": "https://a.example"}, "link", "网页", {"title", "url"}),
        ({"kind": "SCAN", "key": "hall-3", "ticket": "t"}, "scan", "hall-3", {"ticket"}),
        ({"kind": "CLICK", "key": "menu-1"}, "click", "menu-1", set()),
        ({"kind": "VIEW", "key": "https://a.example"}, "view", "https://a.example", {"menu_id"}),
        ({"kind": "LOCATION", "latitude": 23.5}, "position", "", {"latitude", "precision"}),
    ],
)
def test_every_kind_is_read(desk: Desk, what: dict[str, Any], kind: str, text: str, media: set[str]) -> None:
    desk.push(**what)
    assert (message(desk).kind, message(desk).text) == (kind, text)
    assert media <= set(message(desk).media)


def test_a_message_from_an_article_names_it(desk: Desk) -> None:
    desk.push(kind="text", content="?", article="2247480001_2")
    assert message(desk).media == {"article": "2247480001_2"}


def test_coming_and_going_is_a_follower_with_its_scene(desk: Desk) -> None:
    desk.push(kind="subscribe", key="qrscene_hall-3", ticket="t")
    (came,) = desk.got
    desk.push(kind="unsubscribe")
    (left,) = desk.got
    assert isinstance(came, Follower)
    assert isinstance(left, Follower)
    assert (came.joined, came.scene, left.joined) == (True, "hall-3", False)


def test_a_follower_is_welcomed(desk: Desk) -> None:
    desk.reply = Reply("欢迎关注云河发布")
    assert desk.push(kind="subscribe")["reply"]["Content"] == "欢迎关注云河发布"


def test_a_repeated_push_has_the_same_key(desk: Desk) -> None:
    for kind in ("text", "CLICK"):
        desk.push(kind=kind, content="同一条", key="k")
        first, again = message(desk).key, desk.side.channel.read_inbound(desk.requests[-1])[0]
        assert isinstance(again, Message)
        assert again.key == first


# --- what must not come in --------------------------------------------------------------------------


@pytest.mark.parametrize("desk", MODES, indirect=True)
@pytest.mark.parametrize("name", ["signature", "timestamp", "nonce", "msg_signature"])
def test_a_changed_signature_is_refused(desk: Desk, name: str) -> None:
    desk.push(kind="text", content="你好")
    request = desk.requests[-1]
    if name not in request.query or (name == "signature" and "msg_signature" in request.query):
        return
    with pytest.raises(BadSignature):
        desk.side.channel.read_inbound(replace(request, query={**request.query, name: "0"}))


@pytest.mark.parametrize("desk", ["secure"], indirect=True)
def test_a_changed_body_is_refused(desk: Desk) -> None:
    desk.push(kind="text", content="你好")
    request = desk.requests[-1]
    with pytest.raises(BadSignature):
        desk.side.channel.read_inbound(replace(request, body=request.body.replace(b"[CDATA[", b"[CDATA[A", 2)))


@pytest.mark.parametrize("desk", ["secure"], indirect=True)
@pytest.mark.parametrize("wrong", [{"aes_key": AES_KEY[::-1]}, {"appid": "wx-another"}, {"aes_key": ""}])
def test_a_body_sealed_for_another_account_is_not_read(desk: Desk, wrong: dict[str, str]) -> None:
    desk.push(kind="text", content="你好")
    account = desk.side.channel.account
    channel = type(desk.side.channel)(replace(account, credentials={**account.credentials, **wrong}), desk.side.tools)
    with pytest.raises(BadPush):
        channel.read_inbound(desk.requests[-1])


def signed(body: str, token: str = TOKEN) -> Pushed:
    """A plain push signed as the platform would."""
    parts = "".join(sorted([token, "1700000000", "77"]))
    signature = hashlib.sha1(parts.encode()).hexdigest()  # noqa: S324 - the protocol's own choice
    query = {"signature": signature, "timestamp": "1700000000", "nonce": "77"}
    return Pushed("POST", query, body.encode())


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><xml><Content>&b;</Content></xml>'


@pytest.mark.parametrize(
    "body",
    ["", "not xml", "<xml></xml>", "<other><a>1</a></other>", "<xml><MsgType>text</MsgType></xml>", BOMB,
     "<xml><MsgType>text</MsgType><MsgId>1</MsgId><FromUserName>a</FromUserName><ToUserName>b</ToUserName>"
     "<CreateTime>soon</CreateTime></xml>"],
)  # fmt: skip
def test_a_malformed_push_is_refused_in_words(desk: Desk, body: str) -> None:
    with pytest.raises(BadPush):
        desk.side.channel.read_inbound(signed(body))


def test_an_account_without_a_token_takes_nothing(desk: Desk) -> None:
    account = desk.side.channel.account
    channel = type(desk.side.channel)(replace(account, credentials={"appid": APPID}), desk.side.tools)
    with pytest.raises(BadSignature):
        channel.read_inbound(signed("<xml/>", token=""))


def test_a_secure_account_takes_no_plain_push(desk: Desk) -> None:
    desk.push(kind="text", content="你好")
    account = replace(desk.side.channel.account, settings={"mode": "secure"})
    channel = type(desk.side.channel)(account, desk.side.tools)
    with pytest.raises(BadPush):
        channel.read_inbound(desk.requests[-1])
    request = desk.requests[-1]
    with pytest.raises(BadSignature):
        channel.read_inbound(replace(request, query={**request.query, "signature": "0" * 40}))


@pytest.mark.parametrize("desk", ["secure"], indirect=True)
@pytest.mark.parametrize("body", [b"", b"not xml", b"<xml></xml>"])
def test_what_cannot_be_read_was_signed_by_nobody(desk: Desk, body: bytes) -> None:
    desk.push(kind="text", content="你好")
    with pytest.raises(BadSignature):
        desk.side.channel.read_inbound(replace(desk.requests[-1], body=body))


@pytest.mark.parametrize(
    "inside",
    [
        "<MsgType>event</MsgType><Event>user_authorize_invoice</Event><FromUserName>a</FromUserName>",
        "<MsgType>event</MsgType><Event>subscribe_msg_popup_event</Event><CreateTime>soon</CreateTime>",
        "<MsgType>event</MsgType>",
        "<MsgType>of_next_year</MsgType>",
    ],
)
def test_a_kind_of_no_meaning_is_nothing_and_no_failure(desk: Desk, inside: str) -> None:
    assert desk.side.channel.read_inbound(signed(f"<xml>{inside}</xml>")) == []


HEAD = "<FromUserName>a</FromUserName><ToUserName>b</ToUserName><CreateTime>1700000000</CreateTime>"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("CLICK", "click"),
        ("VIEW", "view"),
        ("view_miniprogram", "view"),
        ("scancode_push", "view"),
        ("scancode_waitmsg", "click"),
        ("pic_sysphoto", "view"),
        ("pic_photo_or_album", "view"),
        ("pic_weixin", "view"),
        ("location_select", "view"),
    ],
)
def test_every_touch_of_the_menu_is_read(desk: Desk, event: str, kind: str) -> None:
    scan = "<ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>hall-3</ScanResult></ScanCodeInfo>"
    more = scan if event.startswith("scancode") else ""
    body = f"<xml>{HEAD}<MsgType>event</MsgType><Event>{event}</Event><EventKey>k</EventKey>{more}</xml>"
    (found,) = desk.side.channel.read_inbound(signed(body))
    assert isinstance(found, Message)
    assert (found.kind, found.text, found.media.get("scanned", "")) == (kind, "k", "hall-3" if more else "")


def test_a_message_of_a_new_kind_is_kept_as_one(desk: Desk) -> None:
    body = f"<xml>{HEAD}<MsgType>miniprogrampage</MsgType><MsgId>7</MsgId></xml>"
    (found,) = desk.side.channel.read_inbound(signed(body))
    assert isinstance(found, Message)
    assert (found.kind, found.key, found.text) == ("miniprogrampage", "7", "")


def test_the_mass_event_as_the_platform_sends_it(desk: Desk) -> None:
    body = (
        "<xml><ToUserName><![CDATA[gh_4d00ed8d6399]]></ToUserName><FromUserName><![CDATA[oV5Crj]]></FromUserName>"
        "<CreateTime>1481013459</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        "<Event><![CDATA[MASSSENDJOBFINISH]]></Event><MsgID>1000001625</MsgID><Status><![CDATA[err(30003)]]></Status>"
        "<TotalCount>0</TotalCount><FilterCount>0</FilterCount><SentCount>0</SentCount><ErrorCount>0</ErrorCount>"
        "<CopyrightCheckResult><Count>2</Count></CopyrightCheckResult></xml>"
    )
    (found,) = desk.side.channel.read_inbound(signed(body))
    assert isinstance(found, JobResult)
    assert (found.job_id, found.done, found.code) == ("mass:1000001625", False, "30003")
    assert "转载" in found.reason


def test_a_failed_publication_names_the_articles_at_fault(desk: Desk) -> None:
    body = (
        "<xml><ToUserName>gh</ToUserName><FromUserName>o</FromUserName><CreateTime>1481013459</CreateTime>"
        "<MsgType>event</MsgType><Event>PUBLISHJOBFINISH</Event><PublishEventInfo><publish_id>2247503051</publish_id>"
        "<publish_status>2</publish_status><fail_idx>1</fail_idx><fail_idx>2</fail_idx></PublishEventInfo></xml>"
    )
    (found,) = desk.side.channel.read_inbound(signed(body))
    assert isinstance(found, JobResult)
    assert found.reason == "原创声明未通过（第 1、2 条）"


def test_a_template_message_tells_its_end(desk: Desk) -> None:
    head = "<FromUserName>a</FromUserName><ToUserName>b</ToUserName><CreateTime>1</CreateTime><MsgType>event</MsgType>"
    body = f"<xml>{head}<Event>TEMPLATESENDJOBFINISH</Event><MsgID>9</MsgID><Status>failed:user block</Status></xml>"
    (found,) = desk.side.channel.read_inbound(signed(body))
    assert isinstance(found, JobResult)
    assert (found.job_id, found.done, found.reason) == ("template:9", False, "用户拒收")


# --- customer-service messages ----------------------------------------------------------------------


def sent(desk: Desk) -> list[Any]:
    """What citizens got by customer-service messages."""
    return [line["data"]["content"] for line in desk.side.rehearsal.ledger("custom_message")]


def test_an_agents_words_card_and_picture_arrive(desk: Desk) -> None:
    desk.push(kind="text", content="在吗")
    picture = desk.side.post().items[0].cover
    desk.side.channel.reply(CITIZEN, Reply("您好，我是坐席 3 号"))
    desk.side.channel.reply(CITIZEN, Reply("点此办理", title="报修", url="https://www.yunzhou.example/"))
    desk.side.channel.reply(CITIZEN, Reply(picture=picture))
    words, card, shown = sent(desk)
    assert words == {"content": "您好，我是坐席 3 号"}
    assert card["articles"][0]["title"] == "报修"
    assert "/wechat/mmbiz/" in str(shown)


def test_a_reply_out_of_time_is_refused_in_words(desk: Desk) -> None:
    with pytest.raises(Refused) as late:
        desk.side.channel.reply(CITIZEN, Reply("您好"))
    assert (late.value.platform_code, "48 小时" in late.value.reason) == ("45015", True)


def test_the_sixth_reply_is_refused(desk: Desk) -> None:
    desk.push(kind="text", content="在吗")
    for n in range(5):
        desk.side.channel.reply(CITIZEN, Reply(f"第 {n} 条"))
    with pytest.raises(Refused) as refused:
        desk.side.channel.reply(CITIZEN, Reply("第六条"))
    assert refused.value.platform_code == "45047"
    assert len(sent(desk)) == 5


def test_a_lost_reply_is_never_repeated(desk: Desk) -> None:
    desk.push(kind="text", content="在吗")
    desk.side.break_next("cut_after", path="cgi-bin/message/custom/send")
    with pytest.raises(OutcomeUnknown):
        desk.side.channel.reply(CITIZEN, Reply("您好"))
    assert len(sent(desk)) == 1


def test_a_reply_whose_token_cannot_be_had_was_surely_not_sent(desk: Desk) -> None:
    desk.push(kind="text", content="在吗")
    desk.side.break_next("http_5xx", path="cgi-bin/stable_token")
    with pytest.raises(Retryable):
        desk.side.channel.reply(CITIZEN, Reply("您好"))
    assert sent(desk) == []


ALLOWED = """<Event>subscribe_msg_popup_event</Event><SubscribeMsgPopupEvent>
<List><TemplateId>t-1</TemplateId><SubscribeStatusString>accept</SubscribeStatusString><PopupScene>2</PopupScene></List>
<List><TemplateId>t-2</TemplateId><SubscribeStatusString>reject</SubscribeStatusString><PopupScene>2</PopupScene></List>
</SubscribeMsgPopupEvent>"""
TAKEN_BACK = """<Event>subscribe_msg_change_event</Event><SubscribeMsgChangeEvent>
<List><TemplateId>t-1</TemplateId><SubscribeStatusString>reject</SubscribeStatusString></List>
</SubscribeMsgChangeEvent>"""
SENT = """<Event>subscribe_msg_sent_event</Event><SubscribeMsgSentEvent><List><TemplateId>t-1</TemplateId>
<MsgID>1700</MsgID><ErrorCode>{code}</ErrorCode><ErrorStatus>{status}</ErrorStatus></List></SubscribeMsgSentEvent>"""


@pytest.mark.parametrize(
    ("inside", "decided"), [(ALLOWED, [("t-1", True), ("t-2", False)]), (TAKEN_BACK, [("t-1", False)])]
)
def test_what_a_follower_agrees_to_and_takes_back_is_read_form_by_form(
    desk: Desk, inside: str, decided: list[tuple[str, bool]]
) -> None:
    found = desk.side.channel.read_inbound(signed(f"<xml>{HEAD}<MsgType>event</MsgType>{inside}</xml>"))
    assert [(one.template_id, one.agreed) for one in found if isinstance(one, Consent)] == decided
    assert len({one.key for one in found if isinstance(one, Consent)}) == len(found) == len(decided)
    assert {(one.sender, one.at.timestamp()) for one in found if isinstance(one, Consent)} == {("a", 1_700_000_000.0)}


@pytest.mark.parametrize(("code", "status", "done", "reason"), [(0, "success", True, ""), (43, "拒收", False, "拒收")])
def test_the_end_of_a_subscribe_message_names_to_whom_and_of_which_form(
    desk: Desk, code: int, status: str, done: bool, reason: str
) -> None:
    inside = SENT.format(code=code, status=status)
    (found,) = desk.side.channel.read_inbound(signed(f"<xml>{HEAD}<MsgType>event</MsgType>{inside}</xml>"))
    assert isinstance(found, JobResult)
    assert (found.job_id, found.done, found.reason) == ("subscribe:1700", done, reason)
    assert found.data == {"sender": "a", "template_id": "t-1"}
    assert (
        desk.side.channel.read_inbound(
            signed(f"<xml>{HEAD}<MsgType>event</MsgType><Event>subscribe_msg_sent_event</Event></xml>")
        )
        == []
    )
