"""Conversations of one person answered in one, put off no longer than the platform's clock, closed with a class."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot import desk as acts
from bot import lists
from bot.errors import TooLate
from bot.events import WindowEnds
from bot.models import Conversation
from bot.states import ConversationState
from bot.team import classes, merging
from bot.team.errors import NotTheSame
from bot.team.models import MatterClass
from bot.waiting import Watch
from kernel.errors import Invalid, WrongState
from tests.bot.conftest import ZONE, Desk

S = ConversationState


@pytest.fixture
def both(desk: Desk) -> tuple[int, int]:
    """Two conversations of the account; the officer has the first."""
    desk.says("人工", sender="first")
    desk.says("人工", sender="second")
    main, other = desk.conversation("first").id, desk.conversation("second").id
    with desk.office.working("officer") as (work, who):
        acts.take(work, who, work.session.get_one(Conversation, main), desk.answering.words)
    return main, other


def join(desk: Desk, main: int, other: int, reason: str = "两次留了同一电话") -> None:
    with desk.office.working("officer") as (work, who):
        first, second = (work.session.get_one(Conversation, one) for one in (main, other))
        merging.join(work, who, first, second, reason)


def test_merged_conversations_have_one_agent_and_each_its_own_way(desk: Desk, both: tuple[int, int]) -> None:
    main, other = both
    join(desk, main, other)
    with desk.office.working("officer") as (work, who):
        assert [one.id for one in lists.going_on(work.session, lists.looker(who), work.now).shown] == [main]
        second = work.session.get_one(Conversation, other)
        assert (second.state, second.agent_id) == (S.OPEN, who.person_id)
        for number in both:
            acts.answer(work, who, work.session.get_one(Conversation, number), "已登记。", desk.answering.words)
    desk.send()
    assert sorted(to for to, text in desk.outbox.sent if text == "已登记。") == ["first", "second"]
    with desk.office.working("officer") as (work, who):
        acts.close(work, who, work.session.get_one(Conversation, main), "已办", desk.answering.words)
    assert [desk.conversation(one).state for one in ("first", "second")] == [S.CLOSED, S.CLOSED]
    assert [row.conversation_id for row in desk.replies("bot") if row.ask == "rating"] == [main]


def test_what_is_merged_goes_on_with_its_main_and_can_be_separated(desk: Desk, both: tuple[int, int]) -> None:
    main, other = both
    join(desk, main, other)
    author = desk.office.people["author"].id
    with desk.office.working("officer") as (work, who):
        acts.transfer(work, who, work.session.get_one(Conversation, main), author, "", desk.answering.words)
    assert desk.conversation("second").agent_id == author
    with desk.office.working("author") as (work, who):
        acts.put_off(work, who, work.session.get_one(Conversation, main), None)
    desk.says("还有一件事", sender="second")  # Wakes the one in which it is answered.
    assert desk.conversation("first").state == S.OPEN
    with desk.office.working("author") as (work, who):
        merging.separate(work, who, work.session.get_one(Conversation, other))
        assert len(lists.going_on(work.session, lists.looker(who), work.now).shown) == 2


def test_what_is_new_in_a_merged_one_is_new_in_its_main(desk: Desk, both: tuple[int, int]) -> None:
    main, other = both
    join(desk, main, other)

    def unread() -> list[tuple[int, bool]]:
        with desk.office.working("officer") as (work, who):
            shown = lists.going_on(work.session, lists.looker(who), work.now).shown
            return [(row.conversation.id, row.unread) for row in lists.rows_of(work.session, shown, merged=True)]

    assert unread() == [(main, False)]
    desk.says("还有一件事", sender="second")
    assert unread() == [(main, True)]
    with desk.office.working("officer") as (work, who):
        acts.answer(work, who, work.session.get_one(Conversation, other), "已登记。", desk.answering.words)
    assert unread() == [(main, False)]


def test_only_one_persons_conversations_on_one_account_are_merged(desk: Desk, both: tuple[int, int]) -> None:
    main, other = both
    with pytest.raises(Invalid):
        join(desk, main, other, " ")
    with pytest.raises(NotTheSame):
        join(desk, main, main)
    with desk.works.write() as work:
        work.session.get_one(Conversation, other).channel = "portal"
    with pytest.raises(NotTheSame):
        join(desk, main, other)
    with desk.works.write() as work:
        work.session.get_one(Conversation, other).channel = "wechat"
        work.session.get_one(Conversation, main).agent_id = desk.office.people["author"].id
    with pytest.raises(WrongState):
        join(desk, main, other)


def test_what_is_put_off_comes_back_before_the_platforms_clock_runs_out(desk: Desk, both: tuple[int, int]) -> None:
    main, _other = both
    with desk.office.working("officer") as (work, who):
        conversation = work.session.get_one(Conversation, main)
        with pytest.raises(TooLate):
            acts.put_off(work, who, conversation, work.now + timedelta(hours=48))
        with pytest.raises(Invalid):
            acts.put_off(work, who, conversation, work.now)
        acts.put_off(work, who, conversation, None)
    watch = Watch(desk.works, desk.answering.words, ZONE)
    for hours, state, told in ((45, S.SNOOZED, 0), (1.5, S.OPEN, 1), (0.1, S.OPEN, 1)):
        desk.clock.step(hours=hours)
        with desk.works.write() as work:
            watch.wake_snoozed(work)
            watch.warn_windows(work)
        first = [fact for fact in desk.of(WindowEnds) if fact.conversation_id == main]
        assert (desk.conversation("first").state, len(first)) == (state, told)


def test_a_conversation_ends_with_a_class_of_the_finest_level(desk: Desk, both: tuple[int, int]) -> None:
    bureau = desk.office.bureau.id
    with desk.office.working("manager") as (work, _who):
        housing = classes.add(work, bureau, "住房", None)
        fund = classes.add(work, bureau, "公积金", housing.id)
        with pytest.raises(Invalid):
            classes.add(work, bureau, "公积金", housing.id)
        deepest = classes.add(work, bureau, "购房", classes.add(work, bureau, "提取", fund.id).id)
        with pytest.raises(Invalid):
            classes.add(work, bureau, "再细", deepest.id)
    with desk.office.working("officer") as (work, who):
        conversation = work.session.get_one(Conversation, both[0])
        for wrong in (None, housing.id, 999):
            with pytest.raises(Invalid) as refused:
                acts.close(work, who, conversation, "已办", desk.answering.words, class_id=wrong)
            assert refused.value.field == "class_id"
        acts.close(work, who, conversation, "已办", desk.answering.words, class_id=deepest.id)
        assert classes.path_of(work.session, conversation.class_id) == "住房 / 公积金 / 提取 / 购房"
    with desk.office.working("manager") as (work, _who):
        classes.remove(work, work.session.get_one(MatterClass, fund.id))
        assert [one.path for one in classes.in_use(work.session, bureau)] == ["住房"]
        assert classes.path_of(work.session, deepest.id).endswith("购房")
