"""Half an answer is kept per agent and conversation until it is sent or nothing more is said there."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from bot import desk as acts
from bot.errors import WasClosed
from bot.models import Conversation
from bot.team import drafts
from bot.team.models import Draft
from kernel.errors import Invalid, NotFound
from tests.bot.conftest import Desk


@pytest.fixture
def talk(desk_both: Desk) -> int:
    """A citizen who waits for a person."""
    desk_both.says("人工")
    return desk_both.conversation().id


def keep(desk: Desk, talk: int, text: str, who: str = "officer") -> str:
    """What is kept after this was typed."""
    with desk.office.working(who) as (work, viewer):
        found = work.session.get_one(Conversation, talk)
        drafts.keep(work, viewer, found, text)
        kept = drafts.of(work.session, viewer, found)
        return kept.text if kept else ""


def kept(desk: Desk) -> int:
    with desk.works.read() as work:
        return work.session.scalar(select(func.count(Draft.id))) or 0


def test_each_agent_finds_his_own_words_and_the_last_of_them(desk_both: Desk, talk: int) -> None:
    assert keep(desk_both, talk, "路灯今\x00晚") == "路灯今晚"
    assert keep(desk_both, talk, "路灯今晚修") == "路灯今晚修"
    assert keep(desk_both, talk, "我来答", who="author") == "我来答"
    assert keep(desk_both, talk, "路灯今晚修") == "路灯今晚修"
    assert keep(desk_both, talk, "  ") == ""
    assert kept(desk_both) == 1


def test_what_was_sent_is_no_draft_even_when_its_saving_arrives_late(desk_both: Desk, talk: int) -> None:
    keep(desk_both, talk, "路灯今晚修。")
    with desk_both.office.working("officer") as (work, who):
        acts.answer(work, who, work.session.get_one(Conversation, talk), "路灯今晚修。", desk_both.answering.words)
    assert kept(desk_both) == 0
    assert keep(desk_both, talk, "路灯今晚修。\n") == ""
    assert keep(desk_both, talk, "八点") == "八点"


def test_the_end_of_a_conversation_is_the_end_of_every_draft(desk_both: Desk, talk: int) -> None:
    keep(desk_both, talk, "路灯", who="author")
    with desk_both.office.working("officer") as (work, who):
        found = work.session.get_one(Conversation, talk)
        acts.take(work, who, found, desk_both.answering.words)
        acts.close(work, who, found, "已答复", desk_both.answering.words)
    assert kept(desk_both) == 0
    with pytest.raises(WasClosed):
        keep(desk_both, talk, "还有")


def test_who_may_not_answer_or_writes_a_book_keeps_nothing(desk_both: Desk, talk: int) -> None:
    with pytest.raises(NotFound):
        keep(desk_both, talk, "我", who="signer")
    with pytest.raises(Invalid):
        keep(desk_both, talk, "字" * 2001)
    assert kept(desk_both) == 0
