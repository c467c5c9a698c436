"""Danger in a ticket is told again, at the unit that has it, until a person sees to it or it is answered."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot import forwarding, tickets
from bot.casework import alarming, following, merging
from bot.events import TicketDanger
from bot.personal import forgetting
from bot.states import TicketState
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.office_rules import set_rule
from tests.bot.casework.conftest import ZONE, Matter

WORDS = "我不想活了，没有人管"


@pytest.fixture
def told(matter: Matter) -> list[TicketDanger]:
    """What was told of danger; the matter's ticket holds such words from here on."""
    heard: list[TicketDanger] = []
    matter.works.listeners.after(TicketDanger, heard.append)
    with matter.works.write() as work:
        unit = matter.units["centre"]
        matter.ticket_id = tickets.make(work, unit_id=unit, kind="求助", text=WORDS, zone=ZONE).id
    return heard


def test_it_is_told_at_once_and_again_after_the_rules_minutes(
    matter: Matter, told: list[TicketDanger], clock: StillClock
) -> None:
    assert [(one.word, one.round, one.unit_id) for one in told] == [("不想活", 1, matter.units["centre"])]
    clock.step(seconds=119)
    assert alarming.alarm_again(matter.works) == 0
    clock.step(seconds=1)
    assert (alarming.alarm_again(matter.works), alarming.alarm_again(matter.works)) == (1, 0)
    with matter.works.write() as work:
        set_rule(work, "urgent.again_minutes", matter.units["centre"], 10)
    clock.step(minutes=9)
    assert alarming.alarm_again(matter.works) == 0
    clock.step(minutes=1)
    assert alarming.alarm_again(matter.works) == 1
    assert [one.round for one in told] == [1, 2, 3]


def test_it_ends_when_a_person_sees_to_it_once(matter: Matter, told: list[TicketDanger], clock: StillClock) -> None:
    clock.step(minutes=1)
    matter.do(alarming.acknowledge, "chief")
    clock.step(minutes=1)
    matter.do(alarming.acknowledge, "second")
    clock.step(minutes=30)
    assert alarming.alarm_again(matter.works) == 0
    assert len(told) == 1
    assert matter.ticket().acknowledged_by == matter.people["chief"]
    with matter.works.read() as work:
        lines = work.session.scalars(select(AuditLine.actor_name).where(AuditLine.act == "ticket.acknowledged"))
        assert lines.all() == ["chief"]


def test_an_ordinary_ticket_has_nothing_to_see_to(matter: Matter, clock: StillClock) -> None:
    clock.step(minutes=30)
    assert alarming.alarm_again(matter.works) == 0
    matter.do(alarming.acknowledge, "chief")
    assert matter.ticket().acknowledged_at is None


def test_it_goes_with_the_ticket_to_another_unit(matter: Matter, told: list[TicketDanger], clock: StillClock) -> None:
    matter.do(lambda work, ticket: forwarding.forward(work, ticket, matter.units["bureau"], "属其职责"), "chief")
    clock.step(minutes=2)
    assert alarming.alarm_again(matter.works) == 1
    assert told[-1].unit_id == matter.units["bureau"]


@pytest.mark.parametrize("again", [False, True])
def test_it_ends_with_the_answer_also_where_the_ticket_is_handled_again(
    matter: Matter, told: list[TicketDanger], clock: StillClock, again: bool
) -> None:
    matter.do(lambda work, ticket: tickets.answer(work, ticket, "已联系本人和家属，社区陪同就医。"), "chief")
    if again:
        matter.do(tickets.close, "chief")
        matter.do(lambda work, ticket: following.record(work, ticket, "unsatisfied", "还要再来", ZONE), "second")
        assert matter.ticket().state == TicketState.OPEN
    clock.step(minutes=30)
    assert alarming.alarm_again(matter.works) == 0
    assert not alarming.is_alarming(matter.ticket())
    assert len(told) == 1


def test_one_that_hangs_on_another_is_still_told_of(
    matter: Matter, told: list[TicketDanger], clock: StillClock
) -> None:
    with matter.works.write() as work:
        main = tickets.make(work, unit_id=matter.units["centre"], kind="求助", text="楼道没有灯", zone=ZONE)
    matter.do(lambda work, ticket: merging.join(work, ticket, main.number, "同一人"), "chief")
    clock.step(minutes=2)
    assert alarming.alarm_again(matter.works) == 1


def test_what_a_conversation_or_the_office_brought_is_not_told_of_here(
    matter: Matter, told: list[TicketDanger]
) -> None:
    with matter.works.write() as work:
        tickets.make(work, unit_id=matter.units["centre"], kind="回访", text=WORDS, zone=ZONE)
    assert len(told) == 1


def test_the_word_goes_with_the_words(matter: Matter, told: list[TicketDanger]) -> None:
    matter.do(lambda work, ticket: forgetting.tickets(work, [ticket.id]))
    assert (matter.ticket().text, matter.ticket().urgent_word) == ("", "")
