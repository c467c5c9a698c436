"""media/get against the rehearsal: what citizens sent comes as it was sent, bounded, and is gone after three days."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import httpx
import pytest

from channels.abilities.citizens_files import NoLongerThere, TooLarge
from channels.adapters.calling import bounded
from channels.base import Message, Pushed
from channels.errors import Refused
from tests.channels.rehearsal.served import APPID, CITIZEN, CallbackAddress, Rehearsal
from tests.channels.sides import AES_KEY, TOKEN, WeChatPublishSide
from tests.factories import picture_bytes

MOST = 1_000_000


@pytest.fixture
def side(rehearsed: Rehearsal) -> Iterator[WeChatPublishSide]:
    made = WeChatPublishSide(rehearsed)
    yield made
    made.close()


def sent(side: WeChatPublishSide, kind: str, data: bytes) -> Message:
    """What a citizen's file is to the adapter, as the platform pushes it."""
    address, got = CallbackAddress(), []

    def answer(received: object) -> bytes:
        request = Pushed(received.method, received.query, received.body)  # type: ignore[attr-defined]
        if request.method == "GET":
            return side.channel.greet(request)
        got.extend(side.channel.read_inbound(request))
        return b"success"

    address.answer = answer
    side.rehearsal.control(f"wechat/{APPID}/callback", url=address.url, token=TOKEN, aes_key=AES_KEY, mode="plain")
    side.rehearsal.control(
        f"wechat/{APPID}/push", openid=CITIZEN, kind=kind, file=base64.b64encode(data).decode() if data else ""
    )
    side.rehearsal.http.delete(f"/control/wechat/{APPID}/callback")
    address.close()
    (message,) = got
    assert isinstance(message, Message)
    return message


@pytest.mark.parametrize(
    ("kind", "data"), [("image", picture_bytes()), ("voice", b"#!AMR\n" + bytes(64)), ("video", b"")]
)
def test_what_was_sent_is_handed_out(side: WeChatPublishSide, kind: str, data: bytes) -> None:
    given = side.channel.hand_out(sent(side, kind, data).media["media_id"], MOST)
    assert given == data if data else given[4:8] == b"ftyp"


def test_more_than_the_office_keeps_is_not_read_to_its_end(side: WeChatPublishSide) -> None:
    handle = sent(side, "image", picture_bytes(size=(300, 300), kind="BMP")).media["media_id"]
    with pytest.raises(TooLarge):
        side.channel.hand_out(handle, 1000)


def test_after_three_days_nothing_is_there(side: WeChatPublishSide) -> None:
    handle = sent(side, "image", picture_bytes()).media["media_id"]
    side.rehearsal.control("clock", step=3 * 24 * 3600)
    try:
        with pytest.raises(NoLongerThere):
            side.channel.hand_out(handle, MOST)
    finally:
        side.rehearsal.control("clock", right=True)


def test_a_token_that_died_is_renewed_once(side: WeChatPublishSide) -> None:
    handle = sent(side, "image", picture_bytes()).media["media_id"]
    side.break_next("token_expire_now", path="cgi-bin/media/get")
    assert side.channel.hand_out(handle, MOST) == picture_bytes()


def test_a_packed_answer_is_refused_and_a_dripping_one_given_up() -> None:
    request = httpx.Request("GET", "https://platform.example/")
    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=Drips(), request=request)
    with pytest.raises(Refused):
        bounded(packed, MOST)
    with pytest.raises(httpx.ReadTimeout):
        bounded(httpx.Response(200, stream=Drips(), request=request), MOST, seconds=-1.0)


class Drips(httpx.SyncByteStream):
    """Two bytes, one at a time."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"a"
        yield b"b"
