"""Ready words: who may keep and approve them, which variables they know, and that nothing is guessed or left empty."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from bot import desk as acts
from bot import tickets
from bot.casework.errors import OwnWork
from bot.models import Conversation
from bot.team import quick, variables
from bot.team.models import QuickReply
from bot.team.quick import Ready, Wording
from kernel.errors import Invalid, NotFound
from kernel.people import Role
from tests.bot.conftest import ZONE, Desk

TOLD = Wording("工单告知", "gd", "{姓名称呼}您好，工单{工单号}由{部门}办理，{办理时限}答复。")


@dataclass
class Kept:
    """A desk whose citizen waits, with the words kept for it."""

    desk: Desk

    def write(self, wording: Wording, name: str = "officer", *, own: bool = False) -> int:
        with self.desk.office.working(name) as (work, who):
            return quick.write(work, who, self.desk.office.bureau.id, wording, own=own).id

    def approve(self, quick_id: int, name: str = "manager") -> None:
        with self.desk.office.working(name) as (work, who):
            quick.approve(work, who, work.session.get_one(QuickReply, quick_id))

    def ready(self, name: str = "officer") -> list[Ready]:
        with self.desk.office.working(name) as (work, who):
            conversation = work.session.get_one(Conversation, self.desk.conversation().id)
            known = variables.known_of(work.session, conversation, "007", ZONE, work.now)
            return quick.ready(known, who, conversation)


@pytest.fixture
def kept(desk: Desk) -> Kept:
    desk.says("人工")
    return Kept(desk)


def test_the_units_words_serve_once_another_approved_them(kept: Kept) -> None:
    number = kept.write(TOLD)
    assert kept.ready() == []
    kept.approve(number)
    assert [one.code for one in kept.ready("author")] == ["gd"]
    with kept.desk.office.working("officer") as (work, who):
        quick.change(work, who, work.session.get_one(QuickReply, number), Wording("工单告知", "gd", "您好。"))
    assert kept.ready() == []


def test_nobody_approves_his_own_where_another_can(kept: Kept) -> None:
    number = kept.write(TOLD, "manager")
    kept.approve(number)  # The only supervisor there is.
    kept.desk.office.grant("reviewer", Role.SUPERVISOR)
    second = kept.write(TOLD, "manager")
    with pytest.raises(OwnWork):
        kept.approve(second)
    with pytest.raises(NotFound):
        kept.approve(second, "officer")
    kept.approve(second, "reviewer")


def test_ones_own_words_are_nobody_elses(kept: Kept) -> None:
    number = kept.write(Wording("问候", "/WH", "您好"), own=True)
    assert [(one.code, one.own) for one in kept.ready()] == [("wh", True)]
    assert kept.ready("author") == []
    with kept.desk.office.working("author") as (work, who), pytest.raises(NotFound):
        quick.remove(work, who, work.session.get_one(QuickReply, number))


def test_only_what_the_conversation_holds_is_put_in(kept: Kept) -> None:
    kept.approve(kept.write(TOLD))
    bureau = kept.desk.office.bureau
    assert kept.ready()[0].missing == ("姓名称呼", "工单号", "办理时限")
    with kept.desk.works.write() as work:
        made = tickets.make(
            work, unit_id=bureau.id, kind="投诉", text="路灯", zone=ZONE, conversation_id=kept.desk.conversation().id
        )
        made.name = "王小明"
    found = kept.ready()[0]
    assert found.missing == ()
    assert found.text == f"王小明您好，工单{made.number}由{bureau.name}办理，2026年3月9日 17:30 前答复。"


@pytest.mark.parametrize(
    ("wording", "field", "words"),
    [
        (Wording("告知", "gd", "{身份证号}"), "text", "没有“{身份证号}”这个变量"),
        (Wording("告知", "工单", "您好"), "code", "快捷码"),
        (Wording(" ", "gd", "您好"), "title", "名称"),
        (Wording("告知", "gd", "\x00 "), "text", "内容"),
        (Wording("告知", "gd", "请加微信 13800138000"), "text", ""),
    ],
)
def test_what_cannot_be_kept_is_named(kept: Kept, wording: Wording, field: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        kept.write(wording)
    assert refused.value.field == field
    assert words in refused.value.message("zh")


def test_an_empty_variable_is_named_before_it_is_sent(kept: Kept) -> None:
    with kept.desk.office.working("officer") as (work, who):
        conversation = work.session.get_one(Conversation, kept.desk.conversation().id)
        with pytest.raises(Invalid, match="工单号"):
            acts.answer(work, who, conversation, "工单{工单号}已登记。", kept.desk.answering.words)
    assert kept.desk.replies("agent") == []


def test_words_of_a_brace_that_are_no_variable_may_be_sent(kept: Kept) -> None:
    with kept.desk.office.working("officer") as (work, who):
        conversation = work.session.get_one(Conversation, kept.desk.conversation().id)
        acts.answer(work, who, conversation, "请填 {表一}。", kept.desk.answering.words)
    assert [row.text for row in kept.desk.replies("agent")] == ["请填 {表一}。"]
