"""Comments on Weibo: only what is new is asked for, within the day's calls; answered as the app's rights allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels.abilities.comments import Comment
from channels.adapters.weibo import WeiboChannel
from channels.adapters.weibo.calls import KEPT_FOR_POSTS
from channels.base import Placed
from channels.errors import OutcomeUnknown, Refused, Throttled, Unsupported
from tests.channels.harness import MovingClock, placed_by
from tests.channels.rehearsal.served import Rehearsal
from tests.channels.sides import UID, WeiboSide


class Beneath:
    """A post with readers beneath it."""

    def __init__(self, rehearsed: Rehearsal, granted: list[str] | None = None, **settings: Any) -> None:
        self.side = WeiboSide(rehearsed, settings={"requests_per_day": 1000, **settings})
        account = rehearsed.app.world.config.weibo[0]
        rights = granted if granted is not None else ["comments/reply", "comments/destroy"]
        rehearsed.control("accounts/weibo", **{**account.model_dump(), "requests_per_day": 1000, "granted": rights})
        self.rehearsal = rehearsed
        self.channel: WeiboChannel = self.side.channel  # type: ignore[assignment]  # This side's own adapter.
        live = self.side.deliver().live
        self.placed: Placed = placed_by(live, self.side.clock.now())[1]

    def says(self, text: str, name: str = "李先生") -> None:
        """A reader comments."""
        self.rehearsal.control(f"weibo/{UID}/posts/{self.placed.remote_id}", comment=text, name=name)

    def calls(self, path: str) -> int:
        """How often an interface was called."""
        return sum(line["data"]["path"] == path for line in self.rehearsal.ledger("call"))


@pytest.fixture
def beneath(rehearsed: Rehearsal) -> Iterator[Beneath]:
    """A post of an app that may reply and delete its own words."""
    made = Beneath(rehearsed)
    yield made
    made.side.close()


def first(made: Beneath) -> Comment:
    """The first comment heard."""
    return made.channel.hear_comments(made.placed, "").comments[0]


def test_only_what_is_new_is_heard_again(beneath: Beneath) -> None:
    beneath.says("几号停暖？")
    heard = beneath.channel.hear_comments(beneath.placed, "")
    (comment,) = heard.comments
    assert (comment.text, comment.name, comment.author) == ("几号停暖？", "李先生", "9000000001")
    assert (heard.complete, heard.more, heard.answers) == (False, False, [])
    assert beneath.channel.hear_comments(beneath.placed, heard.cursor).comments == []
    beneath.says("谢谢")
    assert [one.text for one in beneath.channel.hear_comments(beneath.placed, heard.cursor).comments] == ["谢谢"]


def test_a_flood_is_heard_in_parts_and_nothing_is_missed(beneath: Beneath) -> None:
    for number in range(330):
        beneath.says(f"第 {number} 条")
    heard, seen = beneath.channel.hear_comments(beneath.placed, ""), []
    assert heard.more
    seen += heard.comments
    beneath.says("后来的")
    while heard.more:
        heard = beneath.channel.hear_comments(beneath.placed, heard.cursor)
        seen += heard.comments
    seen += beneath.channel.hear_comments(beneath.placed, heard.cursor).comments
    assert sorted({one.text for one in seen}) == sorted([*(f"第 {n} 条" for n in range(330)), "后来的"])
    assert len(seen) == 331


def test_an_answer_stands_beneath_its_comment(beneath: Beneath) -> None:
    beneath.says("几号停暖？")
    number = beneath.channel.answer_comment(beneath.placed, first(beneath), "4 月 7 日。")
    (own,) = beneath.channel.hear_comments(beneath.placed, "").answers
    assert (own.id, own.to, own.text) == (number, first(beneath).id, "4 月 7 日。")


def test_an_app_that_may_not_reply_is_told_what_to_do_and_may_comment(rehearsed: Rehearsal) -> None:
    made = Beneath(rehearsed, granted=[])
    made.says("几号停暖？")
    with pytest.raises(Unsupported, match="另发评论") as no:
        made.channel.answer_comment(made.placed, first(made), "4 月 7 日。")
    assert no.value.platform_code == "10014"
    settings = {**made.channel.account.settings, "comment_answer": "create"}
    by_comment = WeiboChannel(replace(made.channel.account, settings=settings), made.side.tools)
    by_comment.answer_comment(made.placed, first(made), "4 月 7 日。")
    assert rehearsed.ledger("comment")[-1]["data"]["text"] == "回复@李先生：4 月 7 日。"
    (own,) = by_comment.hear_comments(made.placed, "").answers
    assert (own.to, own.text) == ("", "4 月 7 日。")
    with pytest.raises(Unsupported, match="权限"):
        made.channel.delete_answer(made.placed, "", own.id)
    made.side.close()


@pytest.mark.parametrize(("way", "most"), [("reply", 140), ("create", 140 - 4 - 30)])
def test_the_length_of_an_answer_at_the_limit_and_one_beyond(beneath: Beneath, way: str, most: int) -> None:
    settings = {**beneath.channel.account.settings, "comment_answer": way}
    channel = WeiboChannel(replace(beneath.channel.account, settings=settings), beneath.side.tools)
    beneath.says("问", name="名" * 30)
    assert channel.answer_fault("供" * most) == ""
    channel.answer_comment(beneath.placed, first(beneath), "供" * most)
    assert str(most) in channel.answer_fault("供" * (most + 1))
    with pytest.raises(Refused) as no:
        channel.answer_comment(beneath.placed, first(beneath), "供" * (most + 1))
    assert no.value.platform_code == "20012"


def test_words_that_stand_there_already_are_done_and_the_same_words_to_another_are_not(beneath: Beneath) -> None:
    beneath.says("几号停暖？")
    to = first(beneath)
    beneath.side.break_next("cut_after", path="2/comments/reply.json")
    with pytest.raises(OutcomeUnknown):
        beneath.channel.answer_comment(beneath.placed, to, "4 月 7 日。")
    assert beneath.channel.answer_comment(beneath.placed, to, "4 月 7 日。")
    assert len(beneath.channel.hear_comments(beneath.placed, "").answers) == 1
    beneath.says("我也想问")
    with pytest.raises(Refused, match="改动几个字"):
        beneath.channel.answer_comment(beneath.placed, first(beneath), "4 月 7 日。")


def test_an_answer_is_taken_back_and_twice_is_no_fault(beneath: Beneath) -> None:
    beneath.says("几号停暖？")
    number = beneath.channel.answer_comment(beneath.placed, first(beneath), "4 月 7 日。")
    beneath.channel.delete_answer(beneath.placed, first(beneath).id, number)
    beneath.channel.delete_answer(beneath.placed, "", number)
    assert beneath.channel.hear_comments(beneath.placed, "").answers == []


def test_a_citizens_words_are_not_ours_to_delete(beneath: Beneath) -> None:
    beneath.says("几号停暖？")
    with pytest.raises(Unsupported):
        beneath.channel.delete_comment(beneath.placed, first(beneath).id)
    with pytest.raises(Refused) as no:
        beneath.channel.delete_answer(beneath.placed, "", first(beneath).id)
    assert no.value.platform_code == "20203"


def test_a_post_that_is_gone_has_no_comments(beneath: Beneath) -> None:
    beneath.says("几号停暖？")
    gone = replace(beneath.placed, remote_id="5100000000000099")
    assert beneath.channel.hear_comments(gone, "").comments == []
    with pytest.raises(Unsupported):
        beneath.channel.hear_comments(replace(beneath.placed, remote_id=""), "")


def at_hour(clock: MovingClock, hour: int) -> None:
    """Moves on to this hour of the platform's next day."""
    china = clock.now() + timedelta(hours=8)
    midnight = china.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1, hours=hour)
    clock.step(seconds=(midnight - china).total_seconds())


def test_reads_are_spread_over_the_day_and_posts_keep_their_share(rehearsed: Rehearsal) -> None:
    made = Beneath(rehearsed, requests_per_day=100)
    made_today = []
    for hour in range(0, 24, 2):
        at_hour(made.side.clock, hour) if not made_today else made.side.clock.step(hours=2)
        count = 0
        while True:
            try:
                made.channel.hear_comments(made.placed, "")
            except Throttled:
                break
            count += 1
        made_today.append(count)
    with pytest.raises(Throttled) as wait:
        made.channel.hear_comments(made.placed, "")
    assert wait.value.until > made.side.clock.now()
    assert made_today[0] == 10
    assert all(2 <= count <= 6 for count in made_today[1:])
    assert 50 <= sum(made_today) <= 100 - KEPT_FOR_POSTS
    assert made.channel.calls.left() >= KEPT_FOR_POSTS
    made.side.close()
