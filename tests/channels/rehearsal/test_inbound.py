"""What people do on their phones arrives with the fields of its kind and changes what the account may do."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from wechatpy import parse_message

from channels.rehearsal.config import Callback, RehearsalConfig
from tests.channels.rehearsal.served import APPID, CITIZEN, CallbackAddress, Rehearsal, png, serving


@pytest.fixture
def heard(config: RehearsalConfig, callback: CallbackAddress) -> Any:
    """Push one act and return what wechatpy makes of it."""
    config.wechat[0].callback = Callback(url=callback.url, token="t")
    with serving(config) as rehearsal:

        def push(**inbound: Any) -> Any:
            rehearsal.control(f"wechat/{APPID}/push", openid=CITIZEN, **inbound)
            return parse_message(callback.posts[-1].body)

        push.rehearsal = rehearsal  # type: ignore[attr-defined] # One handle for the test.
        yield push


def test_each_message_kind_carries_its_fields(heard: Any) -> None:
    text = heard(kind="text", content="你好")
    assert (text.type, text.content, text.id > 2**53) == ("text", "你好", True)
    voice = heard(kind="voice", recognition="我要办社保卡")
    assert (voice.type, voice.recognition, voice.format) == ("voice", "我要办社保卡", "amr")
    place = heard(kind="location", latitude=30.1, longitude=120.2, label="人民广场")
    assert (place.type, place.label, place.location_x) == ("location", "人民广场", "30.1")
    link = heard(kind="link", title="通知", description="d", url="https://a.cn/")
    assert (link.type, link.title, link.url) == ("link", "通知", "https://a.cn/")
    assert heard(kind="video").type == "video"
    assert heard(kind="shortvideo").type == "shortvideo"


def test_a_picture_can_be_fetched(heard: Any) -> None:
    content = png(300)
    image = heard(kind="image", file=base64.b64encode(content).decode())
    rehearsal: Rehearsal = heard.rehearsal
    assert rehearsal.http.get(image.image).content == content
    wechat = rehearsal.wechat()
    query = {"access_token": wechat.token, "media_id": image.media_id}
    assert rehearsal.http.get("/wechat/cgi-bin/media/get", params=query).content == content
    assert heard(kind="image").image.startswith(rehearsal.url)


def test_each_event_carries_its_fields(heard: Any) -> None:
    assert heard(kind="subscribe").event == "subscribe"
    scanned = heard(kind="subscribe", key="qrscene_7", ticket="T")
    assert (scanned.event, scanned.scene_id, scanned.ticket) == ("subscribe_scan", "7", "T")
    scan = heard(kind="SCAN", key="7", ticket="T")
    assert (scan.event, scan.scene_id) == ("scan", "7")
    assert heard(kind="CLICK", key="guide").key == "guide"
    assert heard(kind="VIEW", key="https://a.cn/").url == "https://a.cn/"
    place = heard(kind="LOCATION", latitude=30.5, longitude=120.5)
    assert (place.event, place.latitude) == ("location", 30.5)
    assert heard(kind="unsubscribe").event == "unsubscribe"


def test_a_message_from_an_article_says_which(heard: Any, callback: CallbackAddress) -> None:
    heard(kind="text", content="?", article="2247480001_2")
    body = callback.posts[-1].body
    assert b"<MsgDataId>2247480001</MsgDataId><Idx>2</Idx>" in body


def test_a_message_may_be_pushed_again_under_its_number(heard: Any) -> None:
    assert heard(kind="text", content="一", msg_id=23).id == heard(kind="text", content="一", msg_id=23).id == 23


def test_who_left_cannot_write_until_back(rehearsal: Rehearsal) -> None:
    door = f"/control/wechat/{APPID}/push"
    rehearsal.control(f"wechat/{APPID}/push", openid=CITIZEN, kind="unsubscribe")
    assert rehearsal.http.post(door, json={"openid": CITIZEN, "content": "在吗"}).status_code == 409
    rehearsal.control(f"wechat/{APPID}/push", openid=CITIZEN, kind="subscribe")
    assert rehearsal.http.post(door, json={"openid": CITIZEN, "content": "在吗"}).status_code == 200


def test_a_stranger_becomes_a_follower(rehearsal: Rehearsal) -> None:
    rehearsal.control(f"wechat/{APPID}/push", openid="oStranger", name="新朋友", content="你好")
    people = rehearsal.http.get("/control/accounts").json()["wechat"][0]["people"]
    stranger = {"openid": "oStranger", "name": "新朋友", "following": True, "blocked": False, "allows": {}, "keeps": {}}
    assert people[-1] == stranger
    assert rehearsal.http.post("/control/wechat/none/push", json={"openid": "x"}).status_code == 404


def test_a_fault_nobody_would_see_is_not_shown(config: RehearsalConfig, callback: CallbackAddress) -> None:
    config.wechat[0].callback = Callback(url=callback.url, token="t")
    callback.answer = lambda _: b"{}"
    with serving(config) as rehearsal:
        for kind in ("VIEW", "LOCATION", "unsubscribe"):
            rehearsal.control(f"wechat/{APPID}/push", openid=CITIZEN, kind=kind)
        assert rehearsal.ledger("service_fault") == []
        rehearsal.control(f"wechat/{APPID}/push", openid=CITIZEN, kind="subscribe")
        assert len(rehearsal.ledger("service_fault")) == 1
