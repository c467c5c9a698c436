"""When a person gets the conversation: the whole table, and the words that ask for one."""

from __future__ import annotations

from itertools import product

import pytest

from bot.handoff import Handoff, Situation, asks_for_person, decide, only_asks_for_person
from bot.project import HANDOFF
from bot.turns import TURNS


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (Situation(), None),
        (Situation(failures=1), None),
        (Situation(failures=2), Handoff("failures", "waiting")),
        (Situation(failures=2, allowed_failures=3), None),
        (Situation(asked=True), Handoff("asked", "waiting")),
        (Situation(sensitive=True), Handoff("sensitive", "waiting")),
        (Situation(asked=True, sensitive=True), Handoff("asked", "waiting")),
        (Situation(sensitive=True, open_now=False), Handoff("sensitive", "ticket")),
        (Situation(bot_down=True), Handoff("bot_down", "waiting")),
        (Situation(rating=3), None),
        (Situation(rating=4), Handoff("low_rating", "waiting")),
        (Situation(asked=True, open_now=False), Handoff("asked", "ticket")),
        (Situation(failures=2, open_now=False), Handoff("failures", "ticket")),
        (Situation(bot_down=True, open_now=False), Handoff("bot_down", "ticket")),
        (Situation(danger=True, open_now=False), Handoff("danger", "waiting")),
        (Situation(danger=True, asked=True, bot_down=True), Handoff("danger", "waiting")),
    ],
)
def test_the_table(situation: Situation, expected: Handoff | None) -> None:
    assert decide(situation) == expected


def test_nobody_is_left_with_a_bot_that_cannot_help() -> None:
    """Over all situations: whoever asks, is in danger, or was failed twice, gets a person or a ticket."""
    for danger, asked, down, failures, open_now in product([0, 1], [0, 1], [0, 1], [0, 1, 2, 5], [0, 1]):
        found = decide(
            Situation(
                danger=bool(danger), asked=bool(asked), bot_down=bool(down), failures=failures, open_now=bool(open_now)
            )
        )
        assert (found is not None) == bool(danger or asked or down or failures >= 2)
        if found is not None:
            assert (found.way == "ticket") == (not open_now and not danger)


@pytest.mark.parametrize(
    "text",
    [
        "人工",
        "人 工",
        "真人",
        "找人",
        "0",
        "０",
        "转人工！",
        "我要人工客服",
        "能不能换人工",
        "轉人工",
        "我要找真人说",
        "找客服",
    ],
)
def test_who_asks_for_a_person_is_understood(text: str) -> None:
    assert asks_for_person(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "人工智能产业政策",
        "人工费怎么算",
        "人工湖什么时候开放",
        "10",
        "办事要几个人",
        "真人秀",
        "客服电话",
        "我住在人工湖路",
        "需要人工审核吗",
        "要人工窗口办理吗",
        "叫个人来修路灯",
        "我昨天和工作人员说过了",
        "和人工作的时候受伤",
        "不孕不育人工授精补贴",
    ],
)
def test_what_only_sounds_like_it_is_not(text: str) -> None:
    assert not asks_for_person(text)


def test_every_wording_of_the_product_itself_asks_for_a_person() -> None:
    (wordings,) = [turn.wordings for turn in TURNS if turn.key == HANDOFF]
    assert [one for one in wordings if not asks_for_person(one)] == []


@pytest.mark.parametrize(
    ("text", "only"),
    [
        ("人工", True),
        ("0", True),
        ("有人吗，转人工", True),
        ("我要人工客服！", True),
        ("麻烦帮我转人工，谢谢", True),
        ("路灯坏了，转人工", False),
        ("路灯坏了", False),
        ("100", False),
    ],
)
def test_a_line_that_only_wants_a_person_says_nothing_of_a_matter(text: str, only: bool) -> None:
    assert only_asks_for_person(text) is only
