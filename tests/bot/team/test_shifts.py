"""Shifts over the real calendar, breaks with limits, and hand-overs in which nobody is lost or told twice."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from bot import desk as acts
from bot import rules
from bot.events import BreakTooLong, ConversationAssigned, DangerHeard, HandedOver, ShiftEnds
from bot.models import Conversation, Ticket
from bot.states import ConversationState
from bot.team import handover, presence, shifts
from bot.team.errors import NothingToHandOver, OnAlready, TakenOver, TooManyAway
from bot.team.models import Handover, Shift, Turn
from bot.team.rounds import ASSIGN, MOST_OPEN, TeamWatch, available
from bot.team.shifts import Plan
from bot.waiting import Watch
from kernel.errors import Invalid
from kernel.office_rules import set_rule
from tests.bot.conftest import ZONE, Desk

S = ConversationState
MONDAY = date(2026, 3, 2)


def round_of(desk: Desk) -> None:
    """What the duties do every fifteen seconds."""
    TeamWatch(desk.works, desk.answering.words, ZONE).round()
    Watch(desk.works, desk.answering.words, ZONE).round()


def plan(
    desk: Desk, *people: str, begins: str = "09:00", ends: str = "12:00", last: date = MONDAY, **more: bool
) -> int:
    """Puts people on a shift of their own from Monday on; returns how many turns that made."""
    with desk.office.working("manager") as (work, _who):
        shift = shifts.add(work, desk.office.bureau.id, f"{begins}班", begins, ends)
        wanted = Plan(shift.id, [desk.office.people[one].id for one in people], MONDAY, last, **more)
        return shifts.plan(work, desk.office.bureau.id, wanted, ZONE)


def come(desk: Desk, *people: str) -> None:
    for name in people:
        with desk.office.working(name) as (work, who):
            presence.come(work, who, desk.office.bureau.id)


def take(desk: Desk, name: str = "officer", sender: str = "citizen") -> None:
    with desk.office.working(name) as (work, who):
        acts.take(work, who, work.session.get_one(Conversation, desk.conversation(sender).id), desk.answering.words)


def test_a_plan_follows_the_days_that_are_really_worked(desk: Desk) -> None:
    with desk.office.working("manager") as (work, _who):
        shift = shifts.add(work, desk.office.bureau.id, "早班", "09:00", "12:00")
        people = [desk.office.people["officer"].id]
        # The National Day holiday of 2026, with the make-up day that ends it.
        wanted = Plan(shift.id, people, date(2026, 9, 28), date(2026, 10, 11))
        shifts.plan(work, desk.office.bureau.id, wanted, ZONE)
        days = list(work.session.scalars(select(Turn.day).order_by(Turn.day)))
        again = shifts.plan(work, desk.office.bureau.id, wanted, ZONE)
    assert date(2026, 10, 1) not in days
    assert date(2026, 10, 10) in days  # A Saturday that is worked.
    assert date(2026, 10, 11) not in days
    assert again == 0


def test_nobody_is_on_two_shifts_at_once(desk: Desk) -> None:
    plan(desk, "officer")
    with pytest.raises(OnAlready, match="09:00班"):
        plan(desk, "officer", begins="11:00", ends="15:00")
    assert plan(desk, "officer", begins="12:00", ends="17:30") == 1


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (date(2026, 3, 7), date(2026, 3, 8), "first"),
        (date(2026, 3, 9), date(2026, 3, 2), "last"),
        (date(2026, 3, 9), date(2026, 12, 2), "last"),
        (date(2026, 2, 27), date(2026, 2, 27), "first"),
    ],
)
def test_a_span_that_cannot_be_planned_is_named(desk: Desk, first: date, last: date, field: str) -> None:
    with desk.office.working("manager") as (work, _who):
        shift = shifts.add(work, desk.office.bureau.id, "早班", "09:00", "12:00")
        people = [desk.office.people["officer"].id]
        with pytest.raises(Invalid) as refused:
            shifts.plan(work, desk.office.bureau.id, Plan(shift.id, people, first, last), ZONE)
    assert refused.value.field == field


def test_a_planned_day_follows_its_shifts_every_other_the_office_hours(desk: Desk) -> None:
    plan(desk, "officer", begins="08:00", ends="12:00")
    plan(desk, "author", begins="20:00", ends="02:00")
    monday = desk.clock.now()  # Nine o'clock.
    with desk.works.read() as work:
        hours = rules.hours_of(work.session, desk.office.bureau.id, ZONE, work.now)
    opened = [hours.open_at(monday + timedelta(hours=ahead)) for ahead in (0, 4, 12, 16, 18, 25)]
    # 9:00 on shift, 13:00 nobody, 21:00 and 1:00 on the night shift, 3:00 nobody, Tuesday 10:00 by the office hours.
    assert opened == [True, False, True, True, False, True]


@pytest.mark.parametrize("name", ["desk.opens", "desk.closes"])
def test_the_hours_of_a_desk_are_set_without_a_zone(desk: Desk, name: str) -> None:
    with desk.works.write() as work, pytest.raises(Invalid, match="须写作 时:分"):
        set_rule(work, name, desk.office.bureau.id, "09:00+08:00")


def test_a_break_has_a_reason_a_limit_and_not_too_many_at_once(desk: Desk) -> None:
    come(desk, "officer", "author")
    bureau = desk.office.bureau.id
    with desk.office.working("officer") as (work, who):
        set_rule(work, presence.AT_ONCE.name, bureau, 1)
        with pytest.raises(Invalid):
            presence.rest(work, who, bureau, "不想上班")
        presence.rest(work, who, bureau, "用餐")
    with (
        desk.office.working("author") as (work, who),
        pytest.raises(TooManyAway, match=desk.office.people["officer"].name),
    ):
        presence.rest(work, who, bureau, "用餐")
    with desk.works.read() as work:
        assert available(work, bureau) == [desk.office.people["author"].id]
    desk.clock.step(minutes=16)
    round_of(desk)
    round_of(desk)
    assert [fact.reason for fact in desk.of(BreakTooLong)] == ["用餐"]


def test_a_shift_that_ends_with_open_conversations_hands_them_to_the_next(desk: Desk) -> None:
    plan(desk, "officer", begins="09:00", ends="12:00")
    plan(desk, "author", begins="12:00", ends="17:30")
    desk.says("人工")
    take(desk)
    desk.clock.step(hours=2, minutes=50)
    round_of(desk)
    assert [fact.over for fact in desk.of(ShiftEnds)] == [False]
    desk.clock.step(minutes=10)
    round_of(desk)
    round_of(desk)
    assert [fact.over for fact in desk.of(ShiftEnds)] == [False, True]
    conversation = desk.conversation()
    assert (conversation.state, conversation.waiting_reason, conversation.agent_id) == (S.WAITING, "shift", None)
    assert [row.text for row in desk.replies("bot") if "已交班" in row.text] == [
        "为您服务的同事已交班，由下一位同事接着为您服务，您不用重复说明情况。"
    ]
    take(desk, "author")
    with desk.works.read() as work:
        made = work.session.scalars(select(Handover)).one()
    assert (made.conversations, made.by_itself) == ([conversation.id], True)


def test_the_last_shift_of_the_day_leaves_a_ticket_and_the_citizen_is_told_once(desk: Desk) -> None:
    plan(desk, "officer", begins="09:00", ends="17:30")
    desk.says("路灯坏了")
    desk.says("人工")
    take(desk)
    before = len(desk.replies("bot"))
    desk.clock.step(hours=8, minutes=31)
    round_of(desk)
    round_of(desk)
    with desk.works.read() as work:
        ticket = work.session.scalars(select(Ticket)).one()
    told = [row.text for row in desk.replies("bot")[before:]]
    assert len(told) == 1
    assert ticket.number in told[0]
    assert desk.conversation().state == S.CLOSED


def test_danger_whose_agent_goes_home_waits_on_as_danger(desk: Desk) -> None:
    plan(desk, "officer", begins="09:00", ends="17:30")
    desk.says("我不想活了")
    take(desk)
    desk.clock.step(hours=8, minutes=31)
    round_of(desk)
    round_of(desk)
    conversation = desk.conversation()
    assert (conversation.state, conversation.waiting_reason) == (S.WAITING, "danger")


def test_who_is_on_again_at_once_keeps_his_conversations(desk: Desk) -> None:
    plan(desk, "officer", begins="09:00", ends="12:00")
    plan(desk, "officer", begins="12:00", ends="17:30")
    desk.says("人工")
    take(desk)
    desk.clock.step(hours=3, minutes=1)
    round_of(desk)
    assert desk.conversation().state == S.OPEN


def test_handing_over_with_a_note_is_taken_by_one(desk: Desk) -> None:
    desk.says("人工")
    take(desk)
    bureau, author = desk.office.bureau.id, desk.office.people["author"]
    with desk.office.working("officer") as (work, who):
        made = handover.hand_over(work, who, bureau, author.id, "等住建局回电", desk.answering.words)
    conversation = desk.conversation()
    assert (conversation.state, conversation.agent_id) == (S.OPEN, author.id)
    assert "等住建局回电" in desk.replies("note")[-1].text
    assert [fact.to_id for fact in desk.of(HandedOver)] == [author.id]
    with desk.office.working("author") as (work, who):
        assert [one.id for one, _name in handover.waiting_for(work.session, who)] == [made.id]
        handover.take(work, who, work.session.get_one(Handover, made.id))
        with pytest.raises(TakenOver):
            handover.take(work, who, work.session.get_one(Handover, made.id))
    with desk.office.working("officer") as (work, who), pytest.raises(NothingToHandOver):
        handover.hand_over(work, who, bureau, None, " ", desk.answering.words)


def test_who_waits_is_assigned_fairly_and_nobody_gets_more_than_fits(desk: Desk) -> None:
    bureau = desk.office.bureau.id
    with desk.office.working("manager") as (work, _who):
        set_rule(work, ASSIGN.name, bureau, True)
        set_rule(work, MOST_OPEN.name, bureau, 2)
    come(desk, "officer", "author")
    for number in range(5):
        desk.says("人工", sender=f"citizen{number}")
    round_of(desk)
    with desk.works.read() as work:
        agents = list(work.session.scalars(select(Conversation.agent_id).order_by(Conversation.id)))
    first, second = (desk.office.people[one].id for one in ("officer", "author"))
    assert sorted(agents[:4]) == sorted([first, first, second, second])
    assert agents[4] is None


def test_danger_is_assigned_first_and_alarms_until_somebody_has_seen_it(desk: Desk) -> None:
    bureau = desk.office.bureau.id
    with desk.office.working("manager") as (work, _who):
        set_rule(work, ASSIGN.name, bureau, True)
        set_rule(work, MOST_OPEN.name, bureau, 1)
    come(desk, "officer")
    desk.says("人工", sender="first")
    desk.clock.step(seconds=5)
    desk.says("我不想活了")
    round_of(desk)
    conversation = desk.conversation()
    assert (conversation.state, conversation.agent_id) == (S.OPEN, desk.office.people["officer"].id)
    assert desk.conversation("first").state == S.WAITING
    assert conversation.acknowledged_at is None
    (told,) = desk.of(ConversationAssigned)
    assert (told.agent_id, told.reason, told.words) == (conversation.agent_id, "紧急情况", "我不想活了")
    desk.clock.step(minutes=10)
    round_of(desk)
    assert [fact.round for fact in desk.of(DangerHeard)] == [1, 2]


def test_a_shift_out_of_use_takes_only_what_has_not_begun(desk: Desk) -> None:
    plan(desk, "officer", last=MONDAY + timedelta(days=1))
    with desk.office.working("manager") as (work, _who):
        shifts.remove(work, work.session.scalars(select(Shift)).one())
        assert list(work.session.scalars(select(Turn.day))) == [MONDAY]
