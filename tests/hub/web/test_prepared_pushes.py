"""A tap and a word come in at the callback address and are answered in the push itself, once, with their rule shown."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot import prepared
from bot.models import Conversation, NoticeConsent
from bot.prepared import Wording
from channels.abilities.menus import Button
from channels.accounts import menus
from channels.accounts.models import Account
from kernel.clock import SystemClock
from kernel.people import Role
from tests.bot.citizens import TOKEN, wechat_account
from tests.hub.web.going_out import Desk, open_desk


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path) -> Iterator[Desk]:
    """An account with a menu on show and a reply in force."""
    with open_desk(sqlite_url, tmp_path, SystemClock()) as desk:
        with desk.hub.works.write(desk.city.actor("officer")) as work:
            account = wechat_account(work, desk.hub.seal, desk.city.bureau.id)
            say = Button("热线", "click", key="k-1", does={"act": "say", "text": "请拨打 12345"})
            version = menus.add(work, account, [say])
            version.state, version.published_at = "live", work.now
            row = prepared.write(work, account, Wording("keyword", "供热", [("暖气", "contains")], answers=["到 4 月"]))
            row.approved_at = work.now
        desk.city.grant("officer", Role.AGENT)
        yield desk


def push(desk: Desk, inside: str) -> Any:
    """What the platform pushes, signed."""
    stamp, nonce = str(int(desk.hub.clock.now().timestamp())), str(secrets.randbelow(10**9))
    signature = hashlib.sha1("".join(sorted([TOKEN, stamp, nonce])).encode()).hexdigest()  # noqa: S324  # The protocol's.
    head = f"<ToUserName>gh</ToUserName><FromUserName>o1</FromUserName><CreateTime>{stamp}</CreateTime>"
    query = {"signature": signature, "timestamp": stamp, "nonce": nonce}
    body = f"<xml>{head}{inside}</xml>".encode()
    return desk.browser().post("/callbacks/wechat/wx-test", params=query, content=body)


def event(name: str, more: str = "") -> str:
    return f"<MsgType>event</MsgType><Event>{name}</Event>{more}"


def test_a_tap_and_a_word_are_answered_and_the_agent_sees_by_what(desk: Desk) -> None:
    assert "请拨打 12345" in push(desk, event("CLICK", "<EventKey>k-1</EventKey>")).text
    word = "<MsgType>text</MsgType><Content>暖气不热</Content><MsgId>9</MsgId>"
    answer = push(desk, word).text
    assert "到 4 月" in answer
    assert push(desk, word).text == answer
    with desk.hub.works.read() as work:
        account = work.session.scalars(select(Account).where(Account.code == "wx-test")).one()
        number = work.session.scalars(select(Conversation.id).where(Conversation.account_id == account.id)).one()
    page = desk.browser().get(f"/console/desk/{number}").text
    for shown in ("[点击菜单] 热线", "自动回复 · 菜单：热线", "自动回复 · 关键词：供热"):
        assert shown in page


@pytest.mark.parametrize(
    "inside",
    [
        event("of_next_year"),
        event("subscribe_msg_popup_event", "<SubscribeMsgPopupEvent><List/></SubscribeMsgPopupEvent>"),
        event("TEMPLATESENDJOBFINISH", "<MsgID>9</MsgID><Status>success</Status>"),
        "<MsgType>of_next_year</MsgType>",
    ],
)
def test_what_is_nobodys_words_never_fails_the_callback(desk: Desk, inside: str) -> None:
    answer = push(desk, inside)
    assert (answer.status_code, answer.text) == (200, "success")


def test_a_followers_consent_is_kept_once_however_often_it_is_pushed(desk: Desk) -> None:
    listed = "<List><TemplateId>t-1</TemplateId><SubscribeStatusString>accept</SubscribeStatusString></List>"
    agreed = event("subscribe_msg_popup_event", f"<SubscribeMsgPopupEvent>{listed}</SubscribeMsgPopupEvent>")
    for _ in range(2):
        answer = push(desk, agreed)
        assert (answer.status_code, answer.text) == (200, "success")
    with desk.hub.works.read() as work:
        (row,) = work.session.scalars(select(NoticeConsent))
        assert (row.sender, row.template_id, row.left) == ("o1", "t-1", 1)
        assert work.session.scalars(select(Conversation)).all() == []
