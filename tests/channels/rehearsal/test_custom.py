"""Customer-service messages: the window, the count, the kinds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.channels.rehearsal.served import APPID, CITIZEN, Rehearsal, WeChat


def act(rehearsal: Rehearsal, kind: str = "text") -> None:
    rehearsal.control(f"wechat/{APPID}/push", openid=CITIZEN, kind=kind, content="在吗")


def send(wechat: WeChat, openid: str = CITIZEN, **changes: Any) -> int:
    body: dict[str, Any] = {"touser": openid, "msgtype": "text", "text": {"content": "您好"}}
    return wechat.code("message/custom/send", **body | changes)


def test_five_messages_in_48_hours_after_a_message(rehearsal: Rehearsal, wechat: WeChat) -> None:
    assert send(wechat) == 45015
    act(rehearsal)
    assert [send(wechat) for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    act(rehearsal)
    assert send(wechat) == 0
    rehearsal.step(48 * 3600 - 5)
    assert send(rehearsal.wechat()) == 0
    rehearsal.step(5)
    assert send(rehearsal.wechat()) == 45015


@pytest.mark.parametrize("kind", ["CLICK", "subscribe", "SCAN"])
def test_three_messages_in_a_minute_after_a_click(rehearsal: Rehearsal, wechat: WeChat, kind: str) -> None:
    act(rehearsal, kind)
    assert [send(wechat) for _ in range(4)] == [0, 0, 0, 45047]
    act(rehearsal, kind)
    rehearsal.step(60)
    assert send(wechat) == 45015


@pytest.mark.parametrize("kind", ["VIEW", "LOCATION"])
def test_opening_a_link_opens_no_window(rehearsal: Rehearsal, wechat: WeChat, kind: str) -> None:
    act(rehearsal, kind)
    assert send(wechat) == 45015


def test_a_click_and_a_message_add_up_and_the_shorter_is_spent_first(rehearsal: Rehearsal, wechat: WeChat) -> None:
    act(rehearsal)
    act(rehearsal, "CLICK")
    assert [send(wechat) for _ in range(3)] == [0, 0, 0]
    rehearsal.step(61)
    assert [send(wechat) for _ in range(6)] == [0, 0, 0, 0, 0, 45047]


def test_who_cannot_be_written_to(rehearsal: Rehearsal, wechat: WeChat) -> None:
    assert send(wechat, openid="unknown") == 40003
    act(rehearsal)
    rehearsal.control(f"wechat/{APPID}/people", openid=CITIZEN, blocked=True)
    assert send(wechat) == 48002
    act(rehearsal, "unsubscribe")
    assert send(wechat) == 45015


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"msgtype": "text", "text": {"content": "a" * 2048}}, 0),
        ({"msgtype": "text", "text": {"content": "a" * 2049}}, 45002),
        ({"msgtype": "text", "text": {"content": ""}}, 44004),
        ({"msgtype": "text", "text": None}, 47003),
        ({"msgtype": "poem", "poem": {}}, 40008),
        ({"msgtype": "image", "image": {"media_id": "unknown"}}, 40007),
        ({"msgtype": "news", "news": {"articles": [{"title": "一", "url": "https://a.cn/"}]}}, 0),
        ({"msgtype": "news", "news": {"articles": [{"title": "一", "url": "https://a.cn/"}] * 2}}, 45008),
        ({"msgtype": "news", "news": {"articles": []}}, 44003),
        ({"msgtype": "news", "news": {"articles": [{"title": "一"}]}}, 47003),
        ({"msgtype": "msgmenu", "msgmenu": {"head_content": "请选", "list": [{"id": "1", "content": "满意"}]}}, 0),
        ({"msgtype": "msgmenu", "msgmenu": {"list": []}}, 47003),
        ({"msgtype": "mpnews", "mpnews": {"media_id": "unknown"}}, 40007),
        ({"msgtype": "mpnewsarticle", "mpnewsarticle": {"article_id": "unknown"}}, 53600),
        ({"msgtype": "wxcard", "wxcard": {"card_id": "c"}}, 0),
    ],
)
def test_the_kinds_and_their_refusals(rehearsal: Rehearsal, wechat: WeChat, message: dict[str, Any], code: int) -> None:
    act(rehearsal)
    assert send(wechat, **message) == code
    assert len(rehearsal.ledger("custom_message")) == (0 if code else 1)


def test_media_and_published_articles_are_sent(rehearsal: Rehearsal, wechat: WeChat) -> None:
    act(rehearsal)
    temporary = wechat.upload("media/upload", b"\xff\xd8\xff" + bytes(20), type="image")["media_id"]
    assert send(wechat, msgtype="image", image={"media_id": temporary}) == 0
    wechat("freepublish/submit", media_id=wechat.draft())
    article = rehearsal.wait_for("publish")[0]["data"]["article_id"]
    assert send(wechat, msgtype="mpnewsarticle", mpnewsarticle={"article_id": article}) == 0
    assert send(wechat, msgtype="mpnews", mpnews={"media_id": wechat.draft()}) == 0
    sent = [line["data"]["msgtype"] for line in rehearsal.ledger("custom_message")]
    assert sent == ["image", "mpnewsarticle", "mpnews"]


def test_the_typing_line_needs_an_open_window(rehearsal: Rehearsal, wechat: WeChat) -> None:
    assert wechat.code("message/custom/typing", touser=CITIZEN, command="Typing") == 45080
    act(rehearsal)
    assert wechat.code("message/custom/typing", touser=CITIZEN, command="Typing") == 0
    assert wechat.code("message/custom/typing", touser=CITIZEN, command="Dance") == 45072
