"""Every outbound limit of Weibo, at the limit and one beyond: told before sending, and refused by the platform.

The platform is asked with bare HTTP calls, as its documentation writes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from channels.adapters.weibo import WeiboChannel
from channels.adapters.weibo.fans import content, passive
from channels.base import Live, Message, Placed, Reply
from channels.errors import Refused, Throttled
from tests.channels.harness import make_item
from tests.channels.rehearsal.served import Rehearsal, png
from tests.channels.sides import UID, WeiboSide
from tests.factories import picture_bytes

TOKEN = "2.00rehearsalWeiboToken"
LINK = " http://localhost/1"
# As the harsher reading counts the link: in full, two half-width characters as one.
ROOM = 140 - (len(LINK) + 1) // 2
SETTINGS = {"uid": UID, "rip": "203.0.113.7", "safe_domains": ["localhost"]}


@pytest.fixture
def side(rehearsed: Rehearsal) -> Iterator[WeiboSide]:
    """The product's account."""
    made = WeiboSide(rehearsed)
    yield made
    made.close()


def call(rehearsal: Rehearsal, path: str, files: Any = None, **fields: str) -> int:
    """The error code of one call, 0 when it is taken."""
    url, fields = f"{rehearsal.url}/weibo/2/{path}.json", {"access_token": TOKEN, **fields}
    answer: Any = httpx.post(url, data=fields, files=files, trust_env=False).json()
    return int(answer.get("error_code", 0)) if isinstance(answer, dict) else 0


def share(rehearsal: Rehearsal, status: str, picture: bytes | None = None) -> int:
    """statuses/share."""
    files = {"pic": ("a.png", picture, "image/png")} if picture else None
    return call(rehearsal, "statuses/share", files, status=status, rip="203.0.113.7")


def blocked(side: WeiboSide, settings: dict[str, Any] | None = None, **words: Any) -> list[str]:
    """The fields that the check before sending names."""
    post = side.post(made=[make_item(side.files, **words)])
    return [one.field for one in WeiboChannel.check({**SETTINGS, **(settings or {})}, post) if one.blocking]


@pytest.mark.parametrize("fits", ["供" * ROOM, "x" * 2 * ROOM, "供" * (ROOM - 1) + "xx"])
def test_a_hundred_and_forty_characters_two_latin_ones_as_one(side: WeiboSide, fits: str) -> None:
    at, beyond = fits + LINK, fits + "供" + LINK
    assert (blocked(side, text=at), blocked(side, text=beyond)) == ([], ["text"])
    assert share(side.rehearsal, beyond) == 20012
    assert isinstance(side.deliver(side.post(made=[make_item(side.files, text=at)])).end, Live)
    assert share(side.rehearsal, "另" + at[1:]) == 0
    end = side.deliver(side.post(key="beyond", made=[make_item(side.files, text=beyond)])).end
    assert isinstance(end, Refused)
    assert end.field == "text"


def test_one_address_of_the_apps_own_and_no_topic(side: WeiboSide) -> None:
    for text, code in (("有链接" + LINK, 0), ("没有链接", 10017), ("别处 https://a.example/1", 10017)):
        assert (blocked(side, text=text), share(side.rehearsal, text)) == ([] if code == 0 else ["text"], code)
    topic = "#供热# 通知" + LINK
    assert (blocked(side, text=topic), share(side.rehearsal, topic)) == (["text"], 10017)
    assert (blocked(side, text=" "), share(side.rehearsal, " ")) == (["text"], 20008)
    assert blocked(side, {"rip": ""}) == ["account"]


@pytest.mark.parametrize(
    ("about", "fields"),
    [
        ({"size": 4_999_999}, []),
        ({"size": 5_000_000}, ["cover"]),
        ({"media_type": "image/gif"}, []),
        ({"media_type": "image/webp"}, ["cover"]),
    ],
)
def test_a_picture_before_sending(side: WeiboSide, about: dict[str, Any], fields: list[str]) -> None:
    item = make_item(side.files)
    pictures = {item.cover: {"media_type": "image/png", "alt": "封面", "size": 400, **about}}
    post = side.post(made=[replace(item, content={"pictures": pictures})])
    assert [one.field for one in WeiboChannel.check(SETTINGS, post)] == fields


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        (png(4_999_999), 0),
        (png(5_000_000), 20006),
        (picture_bytes(kind="GIF"), 0),
        (picture_bytes(kind="JPEG"), 0),
        (picture_bytes(kind="BMP"), 20005),
    ],
    ids=["at", "beyond", "gif", "jpeg", "bmp"],
)
def test_a_picture_at_the_platform(rehearsed: Rehearsal, picture: bytes, code: int) -> None:
    assert share(rehearsed, "配图" + LINK, picture) == code


def test_thirty_posts_an_hour(side: WeiboSide) -> None:
    assert [share(side.rehearsal, f"第{n}条{LINK}") for n in range(31)] == [0] * 30 + [20016]
    with pytest.raises(Throttled):
        side.channel.publish(side.post())
    side.rehearsal.step(3601)
    assert share(side.rehearsal, "一小时后" + LINK) == 0


def test_the_same_words_within_ten_minutes(rehearsed: Rehearsal) -> None:
    words = "同一条" + LINK
    codes = [share(rehearsed, words)]
    for seconds in (599, 2):
        rehearsed.step(seconds)
        codes.append(share(rehearsed, words))
    assert codes == [0, 20019, 0]


def test_a_hundred_calls_a_day(side: WeiboSide) -> None:
    account = side.rehearsal.app.world.config.weibo[0].model_copy(update={"requests_per_day": 3})
    side.rehearsal.control("accounts/weibo", **account.model_dump())
    assert [share(side.rehearsal, f"第{n}条{LINK}") for n in range(4)] == [0, 0, 0, 10023]
    assert WeiboChannel.quotas({}) == (("requests", "day", 100),)
    few = WeiboSide(side.rehearsal, settings={"requests_per_day": 2})
    for _ in range(2):
        few.channel.health()
    before = len(side.rehearsal.ledger("call", platform="weibo"))
    with pytest.raises(Throttled, match="次数已用完"):
        few.channel.publish(few.post())
    assert len(side.rehearsal.ledger("call", platform="weibo")) == before
    few.close()


def test_a_hundred_posts_counted_at_once(side: WeiboSide) -> None:
    def count(number: int) -> int:
        ids = ",".join(str(n) for n in range(1, number + 1))
        url, query = f"{side.rehearsal.url}/weibo/2/statuses/count.json", {"access_token": TOKEN, "ids": ids}
        answer: Any = httpx.get(url, params=query, trust_env=False).json()
        return int(answer.get("error_code", 0)) if isinstance(answer, dict) else 0

    assert (count(100), count(101)) == (0, 10008)
    side.channel.read([Placed(n, str(n), "") for n in range(1, 102)])
    lines = [line["data"] for line in side.rehearsal.ledger("call", platform="weibo")][2:]
    assert [line["code"] for line in lines if "count" in line["path"]] == [0, 0]


def test_comments(side: WeiboSide) -> None:
    shown = side.deliver(side.post()).live.shown[1]
    for text, code in (("答" * 140, 0), ("答" * 141, 20012)):
        assert call(side.rehearsal, "comments/create", id=shown.remote_id, comment=text, rip="203.0.113.7") == code
        assert bool(side.channel.answer_fault(text)) is bool(code)
    by_name = WeiboSide(side.rehearsal, settings={"comment_answer": "create"})
    limit = 140 - 30 - 4
    assert by_name.channel.answer_fault("答" * limit) == ""
    assert by_name.channel.answer_fault("答" * (limit + 1))
    by_name.close()


def test_fifty_comments_a_page(side: WeiboSide) -> None:
    live = side.deliver(side.post()).live
    post, shown = live.shown[1].remote_id, f"{side.rehearsal.url}/weibo/2/comments/show.json"

    def page(count: int) -> int:
        asked = {"access_token": TOKEN, "id": post, "count": count}
        return len(httpx.get(shown, params=asked, trust_env=False).json()["comments"])

    def heard() -> tuple[int, bool, int]:
        before = len(side.rehearsal.ledger("call", platform="weibo"))
        told = side.channel.hear_comments(Placed(1, post, ""), "")
        return len(told.comments), told.more, len(side.rehearsal.ledger("call", platform="weibo")) - before

    for number in range(49):
        side.rehearsal.control(f"weibo/{UID}/posts/{post}", comment=f"第{number}条", name="李先生")
    assert heard() == (49, False, 1)
    side.rehearsal.control(f"weibo/{UID}/posts/{post}", comment="第五十条", name="李先生")
    assert (page(50), heard()) == (50, (50, False, 2))  # A full page may have another behind it.
    side.rehearsal.control(f"weibo/{UID}/posts/{post}", comment="第五十一条", name="李先生")
    assert (page(50), page(51), heard()) == (50, 50, (51, False, 2))


def test_a_fans_answer_stays_under_three_hundred_characters(side: WeiboSide) -> None:
    fan = "9000000001"
    side.rehearsal.control(f"weibo/{UID}/push", sender_id=fan, text="您好")

    def send(kind: str, data: Any) -> int:
        told = json.dumps(data, ensure_ascii=False)
        return call(side.rehearsal, "messages/reply", receiver_id=fan, type=kind, data=told)

    assert (send("text", {"text": "答" * 299}), send("text", {"text": "答" * 300})) == (0, 10008)
    card = {"display_name": "指南", "summary": "看这里", "image": "", "url": "https://a.example"}
    assert (send("articles", {"articles": [card] * 8}), send("articles", {"articles": [card] * 9})) == (0, 10008)
    for number in (299, 300):
        kind, data = content(Reply("答" * number))
        assert (send(kind, data), len(data["text"])) == (0, 299)
    heard = Message("1", fan, "text", "您好", side.clock.now(), to=UID)
    assert "%E2%80%A6" in passive(heard, Reply("答" * 300)).decode()
