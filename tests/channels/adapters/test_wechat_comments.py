"""留言: the whole list every time, one answer each; an account without the function keeps its credentials."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from channels.adapters.wechat import WeChatChannel
from channels.adapters.wechat.client import HubWeChatClient
from channels.adapters.wechat.codes import Answered
from channels.base import Placed
from channels.errors import OutcomeUnknown, Refused, Unsupported
from tests.channels.harness import make_item, placed_by
from tests.channels.rehearsal.served import APPID, CITIZEN, Rehearsal
from tests.channels.sides import WeChatPublishSide


class Beneath:
    """A published bundle of two articles, open for comments."""

    def __init__(self, rehearsed: Rehearsal) -> None:
        self.rehearsal = rehearsed
        self.side = WeChatPublishSide(rehearsed, settings={"open_comments": True})
        self.channel: WeChatChannel = self.side.channel  # type: ignore[assignment]  # This side's own adapter.
        post = self.side.post(made=[make_item(self.side.files, 1), make_item(self.side.files, 2)])
        placed = placed_by(self.side.deliver(post).live, self.side.clock.now())
        self.first, self.second = placed[1], placed[2]

    def says(self, text: str, placed: Placed | None = None) -> None:
        """A reader writes beneath an article."""
        page = (placed or self.first).url.rsplit("/", 1)[1]
        self.rehearsal.control(f"wechat/{APPID}/pages/{page}/comments", openid=CITIZEN, content=text)

    def texts(self, placed: Placed | None = None) -> list[str]:
        """What is heard."""
        return [one.text for one in self.channel.hear_comments(placed or self.first, "").comments]

    def settings(self, **changes: Any) -> None:
        """Changes the account at the platform."""
        self.rehearsal.control(f"wechat/{APPID}/settings", **changes)


@pytest.fixture
def beneath(rehearsed: Rehearsal) -> Iterator[Beneath]:
    """The bundle."""
    made = Beneath(rehearsed)
    yield made
    made.side.close()


def test_each_article_has_its_own_comments_counted_from_place_zero(beneath: Beneath) -> None:
    beneath.says("头条的")
    beneath.says("次条的", beneath.second)
    assert (beneath.texts(), beneath.texts(beneath.second)) == (["头条的"], ["次条的"])


def test_more_than_one_page_is_heard_whole(beneath: Beneath) -> None:
    for number in range(120):
        beneath.says(f"{number}")
    heard = beneath.channel.hear_comments(beneath.first, "")
    assert (len(heard.comments), heard.complete) == (120, True)
    asked = [line for line in beneath.rehearsal.ledger("call") if line["data"]["path"] == "cgi-bin/comment/list"]
    assert len(asked) == 3


def test_chosen_answered_taken_back_deleted(beneath: Beneath) -> None:
    beneath.says("几号停暖？")
    (comment,) = beneath.channel.hear_comments(beneath.first, "").comments
    assert (comment.author, comment.name, comment.selected) == (CITIZEN, "", False)
    beneath.channel.select_comment(beneath.first, comment.id, True)
    beneath.channel.select_comment(beneath.first, comment.id, True)
    beneath.channel.answer_comment(beneath.first, comment, "4 月 7 日。")
    heard = beneath.channel.hear_comments(beneath.first, "")
    assert heard.comments[0].selected
    assert [(own.to, own.text) for own in heard.answers] == [(comment.id, "4 月 7 日。")]
    beneath.channel.delete_answer(beneath.first, comment.id, "")
    beneath.channel.delete_answer(beneath.first, comment.id, "")
    assert beneath.channel.hear_comments(beneath.first, "").answers == []
    beneath.channel.select_comment(beneath.first, comment.id, False)
    beneath.channel.delete_comment(beneath.first, comment.id)
    beneath.channel.delete_comment(beneath.first, comment.id)
    assert beneath.texts() == []


def test_an_answer_that_stands_there_is_done_and_another_is_refused(beneath: Beneath) -> None:
    beneath.says("几号停暖？")
    (comment,) = beneath.channel.hear_comments(beneath.first, "").comments
    beneath.side.break_next("cut_after", path="cgi-bin/comment/reply/add")
    with pytest.raises(OutcomeUnknown):
        beneath.channel.answer_comment(beneath.first, comment, "4 月 7 日。")
    assert beneath.channel.answer_comment(beneath.first, comment, "4 月 7 日。") == ""
    with pytest.raises(Refused, match="已有作者答复"):
        beneath.channel.answer_comment(beneath.first, comment, "4 月 8 日。")
    assert len(beneath.rehearsal.ledger("comment_reply")) == 1


def test_the_length_of_an_answer_at_the_limit_and_one_beyond(beneath: Beneath) -> None:
    beneath.says("问")
    (comment,) = beneath.channel.hear_comments(beneath.first, "").comments
    assert beneath.channel.answer_fault("供" * 600) == ""
    assert "601" in beneath.channel.answer_fault("供" * 601)
    with pytest.raises(Refused) as no:
        beneath.channel.answer_comment(beneath.first, comment, "供" * 601)
    assert no.value.platform_code == "88007"
    beneath.channel.answer_comment(beneath.first, comment, "供" * 600)


def test_comments_are_closed_and_opened(beneath: Beneath) -> None:
    beneath.channel.switch_comments(beneath.first, False)
    page = beneath.first.url.rsplit("/", 1)[1]
    door = f"/control/wechat/{APPID}/pages/{page}/comments"
    assert beneath.rehearsal.http.post(door, json={"openid": CITIZEN, "content": "?"}).status_code == 409
    beneath.channel.switch_comments(beneath.first, True)
    beneath.says("又能留言了")
    assert beneath.texts() == ["又能留言了"]


@pytest.mark.parametrize(("lacks", "code"), [({"comment_privilege": False}, "88000"), ({"certified": False}, "48001")])
def test_an_account_without_the_function_is_not_taken_for_one_without_credentials(
    beneath: Beneath, lacks: dict[str, bool], code: str
) -> None:
    beneath.settings(**lacks)
    with pytest.raises(Unsupported) as no:
        beneath.channel.hear_comments(beneath.first, "")
    assert no.value.platform_code == code
    with pytest.raises(Unsupported):
        beneath.channel.switch_comments(beneath.first, True)


def test_an_article_whose_number_is_not_known_is_left_to_a_person(beneath: Beneath) -> None:
    for data in ({}, {"msg_data_id": None, "idx": 1}):
        with pytest.raises(Unsupported, match="公众平台后台"):
            beneath.channel.hear_comments(replace(beneath.first, data=data), "")


def test_the_platform_refuses_a_list_of_fifty_and_a_stranger(beneath: Beneath) -> None:
    client = HubWeChatClient(beneath.channel.account, beneath.side.tools)
    number = beneath.first.data["msg_data_id"]
    assert client.material.list_comment(number, index=0, begin=0, count=49)["total"] == 0
    for call, code in (
        (lambda: client.material.list_comment(number, index=0, begin=0, count=50), 88010),
        (lambda: client.material.list_comment(number, index=5, begin=0, count=10), 88001),
        (lambda: client.material.add_reply_comment(number, 0, 999, "?"), 88008),
    ):
        with pytest.raises(Answered) as no:
            call()
        assert no.value.code == code
