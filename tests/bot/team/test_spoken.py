"""A call and a visit are conversations: they are somebody's, count, become tickets, and no message goes out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import desk as acts
from bot import store
from bot.errors import NotReachable
from bot.events import DangerHeard
from bot.models import Conversation
from bot.states import ConversationState, ReplyState
from bot.team import spoken
from bot.team.spoken import Spoken
from kernel.errors import Invalid, NotFound
from tests.bot.conftest import Desk

CALL = Spoken("phone", "路灯坏了三天", "已转路灯所。", "王女士", "0999-1234567", "k1")


def record(desk: Desk, call: Spoken, who: str = "officer") -> int:
    with desk.office.working(who) as (work, viewer):
        return spoken.record(work, viewer, desk.office.bureau.id, call).id


def test_danger_in_a_call_alarms_until_it_is_seen_to(desk_both: Desk) -> None:
    number = record(desk_both, replace(CALL, said="楼上有人要跳楼"))
    with desk_both.works.read() as work:
        made = work.session.get_one(Conversation, number)
    assert (made.urgent_word, made.acknowledged_at, made.state) == ("跳楼", None, ConversationState.OPEN)
    assert [fact.word for fact in desk_both.of(DangerHeard)] == ["跳楼"]


def test_a_call_is_a_conversation_of_whoever_took_it_once(desk_both: Desk) -> None:
    number = record(desk_both, CALL)
    assert record(desk_both, CALL) == number
    assert record(desk_both, replace(CALL, key="k2", channel="visit")) != number
    with desk_both.works.read() as work:
        made = work.session.get_one(Conversation, number)
        lines = store.lines_of(work.session, number)
    assert (made.state, made.agent_id, made.first_reply_at) == (
        ConversationState.OPEN, desk_both.office.people["officer"].id, desk_both.clock.now(),
    )  # fmt: skip
    assert [(line.side, line.text) for line in lines] == [
        ("citizen", "路灯坏了三天\n联系电话：0999-1234567"), ("agent", "已转路灯所。"),
    ]  # fmt: skip
    assert desk_both.replies("agent")[0].state == ReplyState.DONE
    desk_both.send()
    assert desk_both.outbox.sent == []


def test_nothing_is_sent_to_a_caller_and_no_rating_is_asked(desk_both: Desk) -> None:
    number = record(desk_both, CALL)
    words = desk_both.answering.words
    with desk_both.office.working("officer") as (work, who):
        made = work.session.get_one(Conversation, number)
        with pytest.raises(NotReachable):
            acts.answer(work, who, made, "再见", words)
        acts.note(work, who, made, "已回电")
        acts.close(work, who, made, "已答复", words)
    assert desk_both.replies("bot") == []


@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("channel", replace(CALL, channel="wechat")),
        ("said", replace(CALL, said="\x00 ")),
        ("said", replace(CALL, said="字" * 2000)),
        ("told", replace(CALL, told="字" * 2001)),
        ("name", replace(CALL, name="字" * 41)),
        ("phone", replace(CALL, phone="请回电")),
    ],
)
def test_what_is_wrong_is_named(desk: Desk, field: str, call: Spoken) -> None:
    with pytest.raises(Invalid) as refused:
        record(desk, call)
    assert refused.value.field == field
    with pytest.raises(NotFound):
        record(desk, CALL, who="signer")
