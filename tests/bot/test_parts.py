"""What is longer than a message leaves in numbered parts: at the limit, one beyond, and where those are too many."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bot import desk as acts
from bot.models import OutboundReply
from bot.parts import MARK, MOST, spread
from bot.reply import Said
from kernel.errors import Invalid
from tests.bot.citizens import GUIDE, published
from tests.bot.conftest import Desk

TITLE = "居民身份证补领"
LIMIT = 2048
PAGE = "https://www.yunzhou.example/g/1.html"


def texts(said: Said, channel: str = "wechat", page: str = "") -> list[str]:
    parts = [one.text for one in spread(said, channel, page)]
    assert all(len(text.encode()) <= LIMIT for text in parts)
    return parts


@pytest.mark.parametrize("character", ["字", "a", "😀"])
def test_at_the_limit_it_is_one_message_and_one_beyond_it_is_two(character: str) -> None:
    fits = LIMIT // max(3, len(character.encode()))
    assert texts(Said(character * fits)) == [character * fits]
    first, second = texts(Said(character * (fits + 1)))
    assert (first[:6], second[:6]) == ("（1/2）\n", "（2/2）\n")
    assert first[6:] + second[6:] == character * (fits + 1), "nothing is lost"


def test_lines_stay_whole_and_what_may_be_chosen_stands_last() -> None:
    lines = [f"{number}. 材料" + "甲" * 100 for number in range(12)]
    first, second, *rest = spread(Said("\n".join(lines), choices=["是"], ask="rating"), "wechat")
    assert [line for one in (first, second, *rest) for line in one.text.split("\n")[1:]] == lines
    assert [list(one.choices) for one in (first, second, *rest)][-1] == ["是"]
    assert (list(first.choices), first.ask) == ([], "")


def test_our_own_page_and_a_call_have_no_limit() -> None:
    for channel in ("portal", "phone", "visit"):
        assert len(spread(Said("字" * 9000), channel)) == 1


def test_weibo_counts_letters_too() -> None:
    assert all(len(one.text) <= 299 for one in spread(Said("a" * 900), "weibo"))


def test_too_many_parts_give_way_to_the_shorter_words_and_those_to_the_page() -> None:
    room = LIMIT - MARK
    whole = "\n".join(["甲" * (room // 3)] * (MOST + 1))
    assert texts(Said(whole, short="短")) == ["短"]
    endless = texts(Said("甲" * 9000, short="乙" * 8000), page=PAGE)
    assert len(endless) == 5
    assert endless[-1].endswith(f"全文见 {PAGE}")


# --- 一次性告知 -------------------------------------------------------------------------------------


def materials(count: int, note: int = 0) -> list[dict[str, Any]]:
    return [{"name": f"第{number}号材料的完整名称", "note": "须" * note} for number in range(1, count + 1)]


def said(desk: Desk, rows: list[dict[str, Any]], question: str = "补身份证要带什么材料") -> list[OutboundReply]:
    guide = published(desk.office, "guide", TITLE, **{**GUIDE, "materials": rows})
    desk.engine.answers(guide)
    desk.says(question)
    return desk.replies("bot")


def test_a_list_of_materials_that_fits_is_one_message(desk: Desk) -> None:
    (only,) = said(desk, materials(3, note=5))
    assert "申请材料（共 3 项）" in only.text


def test_a_long_list_comes_whole_in_parts_in_order_with_its_page(desk: Desk) -> None:
    rows = materials(42, note=20)
    replies = said(desk, rows)
    assert len(replies) == MOST
    assert all(len(one.text.encode()) <= LIMIT for one in replies)
    told = "\n".join(one.text for one in replies)
    places = [told.index(f"{number}. {row['name']}（{row['note']}）") for number, row in enumerate(rows, start=1)]
    assert places == sorted(places)
    assert "依据：" in replies[-1].text


def test_where_even_the_parts_are_too_many_every_name_is_told_in_full(desk: Desk) -> None:
    rows = materials(40, note=90)
    replies = said(desk, rows)
    told = "\n".join(one.text for one in replies)
    assert all(f"{number}. {row['name']}\n" in f"{told}\n" for number, row in enumerate(rows, start=1))
    assert "须须" not in told
    assert "见指南页面" in told
    assert "http" in told.split("依据：")[-1], "with the page where the remarks stand"


def test_the_citizen_gets_the_parts_in_their_order(desk: Desk) -> None:
    said(desk, materials(42, note=20))
    for _look in range(MOST):
        desk.send()
    assert [text[:5] for _to, text in desk.outbox.sent] == [f"（{number}/{MOST}）" for number in range(1, MOST + 1)]


# --- people -----------------------------------------------------------------------------------------


def test_an_agents_long_answer_arrives_whole_or_is_refused_before_it_leaves(desk: Desk) -> None:
    desk.says("人工")
    who, text = desk.agent(), "答" * 1500
    with desk.works.write() as work:
        found = work.session.merge(desk.conversation())
        acts.answer(work, who, found, text, desk.answering.words)
    sent = [one.text for one in desk.replies("agent")]
    assert "".join(one.split("\n", 1)[1] for one in sent) == text
    with desk.works.write() as work:
        found = work.session.merge(desk.conversation())
        found.messages_left = 2
        with pytest.raises(Invalid) as refused:
            acts.answer(work, who, found, text, desk.answering.words)
        assert refused.value.field == "text"
        assert len(work.session.scalars(select(OutboundReply).where(OutboundReply.side == "agent")).all()) == len(sent)
