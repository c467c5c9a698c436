"""Signed pushes in all three modes, read by wechatpy, and each way an account can answer."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pytest
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.replies import ArticlesReply, TextReply
from wechatpy.utils import check_signature

from channels.rehearsal.config import Callback, RehearsalConfig
from channels.rehearsal.wechat import crypto, xml
from tests.channels.rehearsal.served import APPID, CITIZEN, CallbackAddress, Received, Rehearsal, serving

TOKEN = "callback-token"
AES_KEY = base64.b64encode(b"a key of thirty-two bytes length").decode()[:43]


@pytest.fixture
def account(config: RehearsalConfig, callback: CallbackAddress) -> Callback:
    """The account's callback; a test may change its mode before it asks for `pushing`."""
    config.wechat[0].callback = Callback(url=callback.url, token=TOKEN, aes_key=AES_KEY)
    return config.wechat[0].callback


def say(rehearsal: Rehearsal, content: str = "社保卡怎么办", openid: str = CITIZEN) -> dict[str, object]:
    return rehearsal.control(f"wechat/{APPID}/push", openid=openid, content=content)


def reply_to(received: Received, text: str) -> bytes:
    return TextReply(message=parse_message(received.body), content=text).render().encode()


def test_a_push_is_signed_and_wechatpy_reads_it(
    account: Callback, config: RehearsalConfig, callback: CallbackAddress
) -> None:
    with serving(config) as rehearsal:
        say(rehearsal)
    push = callback.posts[0]
    check_signature(TOKEN, push.query["signature"], push.query["timestamp"], push.query["nonce"])
    message = parse_message(push.body)
    assert (message.type, message.content, message.source) == ("text", "社保卡怎么办", CITIZEN)
    assert (push.query["openid"], message.target) == (CITIZEN, "gh_yunhe_release")


def test_a_plain_reply_is_recorded(account: Callback, config: RehearsalConfig, callback: CallbackAddress) -> None:
    callback.answer = lambda received: reply_to(received, "请带身份证")
    with serving(config) as rehearsal:
        result = say(rehearsal)
        assert result["tries"] == ["200"]
        reply = rehearsal.ledger("passive_reply")[0]["data"]["reply"]
        assert (reply["MsgType"], reply["Content"], reply["ToUserName"]) == ("text", "请带身份证", CITIZEN)


@pytest.mark.parametrize("answer", [b"success", b""])
def test_nothing_to_say_is_no_fault(
    account: Callback, config: RehearsalConfig, callback: CallbackAddress, answer: bytes
) -> None:
    callback.answer = lambda _: answer
    with serving(config) as rehearsal:
        result = say(rehearsal)
        assert (result["tries"], result["reply"], result["fault"]) == (["200"], {}, "")
        assert rehearsal.ledger("passive_reply,service_fault") == []


def test_secure_mode_shows_nothing_and_wechatpy_decrypts_it(
    account: Callback, config: RehearsalConfig, callback: CallbackAddress
) -> None:
    account.mode = "secure"
    wechatpy = WeChatCrypto(TOKEN, AES_KEY, APPID)

    def answer(received: Received) -> bytes:
        query = received.query
        plain = wechatpy.decrypt_message(received.body, query["msg_signature"], query["timestamp"], query["nonce"])
        text = TextReply(message=parse_message(plain), content="加密的回答").render()
        return wechatpy.encrypt_message(text, "12345", "1700000000").encode()

    callback.answer = answer
    with serving(config) as rehearsal:
        say(rehearsal)
        assert rehearsal.ledger("passive_reply")[0]["data"]["reply"]["Content"] == "加密的回答"
    push = callback.posts[0]
    assert set(xml.parse(push.body.decode())) == {"ToUserName", "Encrypt"}
    assert push.query["encrypt_type"] == "aes"


def test_compat_mode_shows_both_forms_and_takes_a_plain_reply(
    account: Callback, config: RehearsalConfig, callback: CallbackAddress
) -> None:
    account.mode = "compat"
    callback.answer = lambda received: reply_to(received, "明文")
    with serving(config) as rehearsal:
        say(rehearsal)
        assert rehearsal.ledger("passive_reply")[0]["data"]["reply"]["Content"] == "明文"
    fields = xml.parse(callback.posts[0].body.decode())
    assert fields["Content"] == "社保卡怎么办"
    assert "社保卡怎么办" in crypto.decrypt(AES_KEY, APPID, fields["Encrypt"])


def text_reply(**changes: object) -> bytes:
    fields = {
        "ToUserName": CITIZEN,
        "FromUserName": "gh_yunhe_release",
        "CreateTime": 1_700_000_000,
        "MsgType": "text",
        "Content": "好",
    }
    return xml.build(fields | changes).encode()


ITEM = {"Title": "办事指南", "Description": "", "PicUrl": "", "Url": "https://yunhe.example.gov.cn/"}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b'{"content": "JSON"}', "not XML"),
        (b"<xml><ToUserName></xml>", "not XML"),
        (b"\xff\xfe", "not UTF-8"),
        (text_reply(ToUserName="someone"), "ToUserName or FromUserName is not the other's"),
        (text_reply(FromUserName="gh_other"), "ToUserName or FromUserName is not the other's"),
        (text_reply(CreateTime="now"), "CreateTime is no number"),
        (text_reply(MsgType="poem"), "unknown MsgType"),
        (text_reply(Content=""), "Content missing"),
        (text_reply(Content="a" * 2048), ""),
        (text_reply(Content="a" * 2049), "Content over 2048 bytes"),
        (text_reply(MsgType="news", ArticleCount=1, Articles={"item": ITEM}), ""),
        (text_reply(MsgType="news", ArticleCount=2, Articles={"item": [ITEM, ITEM]}), "news takes exactly one article"),
        (text_reply(MsgType="image", Image=""), "Image missing"),
        (text_reply(MsgType="transfer_customer_service"), ""),
    ],
)
def test_each_malformed_reply_shows_the_citizen_a_fault_and_is_not_asked_again(
    account: Callback, config: RehearsalConfig, callback: CallbackAddress, answer: bytes, reason: str
) -> None:
    callback.answer = lambda _: answer
    with serving(config) as rehearsal:
        result = say(rehearsal)
        assert (result["fault"], len(callback.posts)) == (reason, 1)
        faults = [line["data"]["text"] for line in rehearsal.ledger("service_fault")]
        assert faults == (["该公众号提供的服务出现故障，请稍后再试"] if reason else [])


def encrypted(change: Callable[[dict[str, str]], None]) -> Callable[[Received], bytes]:
    """An encrypted reply spoilt by `change`."""

    def answer(_: Received) -> bytes:
        ciphertext = crypto.encrypt(AES_KEY, APPID, text_reply().decode())
        fields = {"Encrypt": ciphertext, "TimeStamp": "1700000000", "Nonce": "7"}
        change(fields)
        signed = crypto.signature(TOKEN, fields["TimeStamp"], fields["Nonce"], fields["Encrypt"])
        return xml.build({"MsgSignature": signed} | fields).encode()

    return answer


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"MsgSignature": "0" * 40}, "wrong MsgSignature"),
        ({"Encrypt": "AAAA"}, "cannot decrypt"),
        ({"Encrypt": crypto.encrypt(AES_KEY, "wx-other", text_reply().decode())}, "cannot decrypt"),
    ],
)
def test_encrypted_replies_are_checked(
    account: Callback, config: RehearsalConfig, callback: CallbackAddress, change: dict[str, str], reason: str
) -> None:
    account.mode = "secure"
    callback.answer = encrypted(lambda fields: fields.update(change))
    with serving(config) as rehearsal:
        assert say(rehearsal)["fault"] == reason


def test_secure_mode_takes_no_plain_reply(
    account: Callback, config: RehearsalConfig, callback: CallbackAddress
) -> None:
    account.mode = "secure"
    callback.answer = lambda _: text_reply()
    with serving(config) as rehearsal:
        assert say(rehearsal)["fault"] == "plain reply in secure mode"


def test_three_pushes_of_one_message_when_no_answer_comes(
    account: Callback, config: RehearsalConfig, callback: CallbackAddress
) -> None:
    def slow(_: Received) -> bytes:
        time.sleep(0.8)
        return b"success"

    callback.answer = slow
    config.wechat_rules.reply_seconds = 0.4
    with serving(config) as rehearsal:
        result = say(rehearsal)
        assert result["tries"] == ["timeout", "timeout", "timeout"]
        assert rehearsal.ledger("service_fault")[0]["data"]["reason"] == "no answer in time"
    bodies = {received.body for received in callback.posts}
    assert (len(callback.posts), len(bodies)) == (3, 1)
    assert len({received.query["nonce"] for received in callback.posts}) == 3
    gaps = [later.at - earlier.at for earlier, later in zip(callback.posts, callback.posts[1:], strict=False)]
    assert all(0.35 <= gap <= 0.75 for gap in gaps)


@pytest.mark.parametrize(("counts_as_none", "pushes"), [(True, 3), (False, 1)])
def test_a_server_error_counts_as_no_answer_or_as_a_bad_one(
    account: Callback, config: RehearsalConfig, callback: CallbackAddress, counts_as_none: bool, pushes: int
) -> None:
    config.wechat_rules.http_error_is_no_answer = counts_as_none
    callback.answer = lambda _: 500
    with serving(config) as rehearsal:
        assert len(say(rehearsal)["tries"]) == pushes


def test_an_answer_to_the_second_push_is_taken(
    account: Callback, config: RehearsalConfig, callback: CallbackAddress
) -> None:
    callback.answer = lambda received: 500 if len(callback.posts) == 1 else reply_to(received, "第二次")
    with serving(config) as rehearsal:
        assert say(rehearsal)["tries"] == ["500", "200"]
        assert rehearsal.ledger("passive_reply")[0]["data"]["reply"]["Content"] == "第二次"


def test_an_address_nobody_listens_at(config: RehearsalConfig) -> None:
    config.wechat[0].callback = Callback(url="http://127.0.0.1:9/callback", token=TOKEN)
    with serving(config) as rehearsal:
        tries = say(rehearsal)["tries"]
        assert isinstance(tries, list)
        assert ["ConnectionRefusedError" in one for one in tries] == [True] * 3


def test_an_address_is_entered_only_after_it_echoed(rehearsal: Rehearsal, callback: CallbackAddress) -> None:
    body = {"url": callback.url, "token": TOKEN, "aes_key": AES_KEY, "mode": "secure"}
    rehearsal.control(f"wechat/{APPID}/callback", **body)
    check = callback.received[0]
    check_signature(TOKEN, check.query["signature"], check.query["timestamp"], check.query["nonce"])
    assert rehearsal.http.get("/control/accounts").json()["wechat"][0]["callback"] == body
    callback.answer = lambda _: b"success"
    refused = rehearsal.http.post(f"/control/wechat/{APPID}/callback", json=body | {"token": "other"})
    assert refused.status_code == 400
    assert rehearsal.http.get("/control/accounts").json()["wechat"][0]["callback"]["token"] == TOKEN
    assert rehearsal.http.delete(f"/control/wechat/{APPID}/callback").status_code == 200
    assert rehearsal.http.get("/control/accounts").json()["wechat"][0]["callback"] is None


def test_without_an_address_nothing_is_pushed(rehearsal: Rehearsal) -> None:
    assert say(rehearsal)["tries"] == []
    assert rehearsal.ledger("service_fault") == []


def test_wechatpys_article_reply_is_understood(
    account: Callback, config: RehearsalConfig, callback: CallbackAddress
) -> None:
    def answer(received: Received) -> bytes:
        reply = ArticlesReply(message=parse_message(received.body))
        reply.add_article({"title": "指南", "description": "怎么办", "image": "", "url": "https://a.cn/"})
        return reply.render().encode()

    callback.answer = answer
    with serving(config) as rehearsal:
        say(rehearsal)
        assert rehearsal.ledger("passive_reply")[0]["data"]["reply"]["Articles"]["item"]["Title"] == "指南"


def test_xml_keeps_what_cdata_holds_and_refuses_the_rest() -> None:
    fields = {"Content": "a]]>b<c>&amp;", "CreateTime": 5, "List": {"item": ["一", "二"]}}
    expected = {"Content": "a]]>b<c>&amp;", "CreateTime": "5", "List": {"item": ["一", "二"]}}
    assert xml.parse(xml.build(fields)) == expected
    for bad in (
        "",
        "<xml>",
        "<a></a>",
        "<xml></xml><xml></xml>",
        "text",
        "<xml>x</xml>y<",
        "<xml></a>",
        "<!DOCTYPE x>",
    ):
        with pytest.raises(xml.Malformed):
            xml.parse(bad)
