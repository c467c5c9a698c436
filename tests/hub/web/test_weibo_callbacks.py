"""Weibo's fan service at our address: checked, stored once without a number of its own, answered in its format."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from bot.models import Conversation, InboundMessage
from channels.accounts import store as accounts
from channels.adapters.weibo.fans import signature
from kernel.clock import StillClock
from kernel.people import Role
from tests.hub.web.going_out import Desk, open_desk

SECRET = "xyz123xyz"  # The published example's.


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    """An office with a Weibo account."""
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        with desk.hub.works.write() as work:
            accounts.add(
                work, desk.hub.seal, unit_id=desk.city.bureau.id, channel="weibo", name="住建微博", code="wb",
                settings={"uid": "7000000001"}, credentials={"app_secret": SECRET},
            )  # fmt: skip
        yield desk


def query(at: datetime, nonce: str = "57155157", **more: str) -> dict[str, str]:
    """A signed query; Weibo's timestamps count milliseconds."""
    stamp = str(int(at.timestamp() * 1000))
    return {"signature": signature(SECRET, stamp, nonce), "timestamp": stamp, "nonce": nonce, **more}


def message(at: datetime, **fields: Any) -> bytes:
    """What a fan said."""
    written = f"{at.astimezone():%a %b %d %H:%M:%S %z %Y}"
    base = {"type": "text", "receiver_id": 7000000001, "sender_id": 9000000001, "created_at": written, "data": {}}
    return json.dumps({**base, "text": "人工", **fields}, ensure_ascii=False).encode()


def heard(desk: Desk) -> list[InboundMessage]:
    """What was stored."""
    with desk.hub.works.read() as work:
        return list(work.session.scalars(select(InboundMessage).order_by(InboundMessage.id)))


def test_the_check_of_our_address_is_answered_exactly(desk: Desk, clock: StillClock) -> None:
    browser = desk.office.browser()
    answer = browser.get("/callbacks/weibo/wb", params=query(clock.now(), echostr="12345"))
    assert (answer.status_code, answer.text) == (200, "12345")
    assert browser.get("/callbacks/weibo/wb", params={**query(clock.now()), "signature": "0"}).status_code == 403


def test_a_message_is_stored_once_and_answered_in_weibos_format(desk: Desk, clock: StillClock) -> None:
    browser, body = desk.office.browser(), message(clock.now())
    first = browser.post("/callbacks/weibo/wb", params=query(clock.now()), content=body)
    again = browser.post("/callbacks/weibo/wb", params=query(clock.now(), nonce="2"), content=body)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert first.headers["content-type"].startswith("application/json")
    answer = json.loads(first.content)
    assert (answer["result"], answer["receiver_id"], answer["sender_id"]) == (True, 9000000001, 7000000001)
    assert json.loads(unquote(answer["data"]))["text"]
    assert [row.text for row in heard(desk)] == ["人工"]


def test_a_fans_picture_is_stored_and_where_to_see_it_is_said(desk: Desk, clock: StillClock) -> None:
    body = message(clock.now(), type="image", text="分享图片", data={"vfid": 1, "tovfid": 2})
    assert desk.office.browser().post("/callbacks/weibo/wb", params=query(clock.now()), content=body).status_code == 200
    (row,) = heard(desk)
    desk.city.grant("officer", Role.AGENT)
    page = desk.browser("officer").get(f"/console/desk/{row.conversation_id}").text
    assert "请到该账号的平台后台查看" in page


def test_a_fan_can_be_written_to_for_48_hours_however_often(desk: Desk, clock: StillClock) -> None:
    desk.office.browser().post("/callbacks/weibo/wb", params=query(clock.now()), content=message(clock.now()))
    with desk.hub.works.read() as work:
        conversation = work.session.scalars(select(Conversation)).one()
    assert conversation.window_until == clock.now().replace(microsecond=0) + timedelta(hours=48)
    assert conversation.messages_left is None
    desk.city.grant("officer", Role.AGENT)
    page = desk.browser("officer").get(f"/console/desk/{conversation.id}").text
    assert "前可以回复，不限条数" in page
    assert "None" not in page


def test_nothing_to_say_is_an_empty_body(desk: Desk, clock: StillClock) -> None:
    body = message(clock.now(), type="event", text="", data={"subtype": "view", "key": "https://a.example"})
    answer = desk.office.browser().post("/callbacks/weibo/wb", params=query(clock.now()), content=body)
    assert (answer.status_code, answer.content) == (200, b"")


def test_an_old_a_changed_and_a_foreign_request_are_refused(desk: Desk, clock: StillClock) -> None:
    browser, signed = desk.office.browser(), query(clock.now())
    old = query(clock.now() - timedelta(minutes=11))
    assert browser.post("/callbacks/weibo/wb", params=old, content=message(clock.now())).status_code == 403
    browser.post("/callbacks/weibo/wb", params=signed, content=message(clock.now()))
    other = message(clock.now(), text="换了内容")
    assert browser.post("/callbacks/weibo/wb", params=signed, content=other).status_code == 403
    assert browser.post("/callbacks/weibo/wb", params=query(clock.now(), "3"), content=b"[]").status_code == 400
    assert browser.post("/callbacks/wechat/wb", params=signed, content=other).status_code == 404
    assert browser.post("/callbacks/fake/a", params=signed, content=other).status_code == 404
    assert [row.text for row in heard(desk)] == ["人工"]
