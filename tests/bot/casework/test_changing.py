"""变更类别: the limit of the other kind, counted from the first day, and never a way round a deadline that is over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from bot import tickets
from bot.casework import changing, extending, following
from bot.events import TicketKindChanged
from bot.models import Ticket
from bot.states import CITIZEN_KINDS
from kernel.clock import StillClock
from kernel.errors import Invalid, WrongState
from kernel.events import Event
from kernel.work import Work
from tests.bot.casework.conftest import ZONE, Matter


def change(matter: Matter, kind: str, reason: str = "只是提议", who: str = "chief") -> datetime:
    matter.do(lambda work, ticket: changing.change(work, ticket, kind, reason, ZONE), who)
    return matter.ticket().due_at


def made_as(matter: Matter, kind: str) -> datetime:
    """The deadline of a ticket that was of this kind from the start."""
    with matter.works.write() as work:
        return tickets.make(work, unit_id=matter.units["centre"], kind=kind, text="路灯坏了", zone=ZONE).due_at


def test_the_kinds_are_those_of_the_hotline() -> None:
    assert set(CITIZEN_KINDS) >= {"咨询", "求助", "投诉", "建议", "举报", "表扬"}


@pytest.mark.parametrize("kind", ["咨询", "建议", "表扬"])
def test_the_deadline_is_that_of_the_other_kind_from_the_first_day(
    matter: Matter, clock: StillClock, kind: str
) -> None:
    told: list[Event] = []
    matter.works.listeners.after(TicketKindChanged, told.append)
    due, was = made_as(matter, kind), matter.ticket().due_at
    clock.step(days=1)
    assert change(matter, kind) == due
    assert matter.ticket().kind == kind
    assert [(fact.was, fact.kind, fact.later) for fact in told if isinstance(fact, TicketKindChanged)] == [
        ("投诉", kind, due > was)
    ]
    change(matter, kind, "")  # Pressed twice: the same, and no second line.
    assert len(told) == 1


def test_days_that_were_granted_stay_granted(matter: Matter) -> None:
    due = made_as(matter, "咨询")
    matter.do(lambda work, ticket: extending.ask(work, ticket, 3, "需要现场核实"), "chief")
    matter.do(lambda work, ticket: extending.decide(work, ticket, grant=True, words="", zone=ZONE), "second")
    assert due.astimezone(ZONE).weekday() == 3
    assert change(matter, "咨询") == due + timedelta(days=5)  # Three working days over a weekend.


def test_nobody_is_in_time_by_another_name(matter: Matter, clock: StillClock) -> None:
    was = matter.ticket().due_at
    clock.step(days=9)
    assert was < clock.now()
    assert change(matter, "建议") == was
    assert matter.ticket().kind == "建议"


def test_a_second_round_keeps_its_own_limit(matter: Matter) -> None:
    matter.do(lambda work, ticket: tickets.answer(work, ticket, "已修复。"), "chief")
    with pytest.raises(WrongState, match="变更类别"):
        change(matter, "建议")
    matter.do(tickets.close, "chief")
    matter.do(lambda work, ticket: following.record(work, ticket, "unsatisfied", "又坏了", ZONE), "second")
    was = matter.ticket().due_at
    assert change(matter, "建议") == was


def test_a_refusal_names_its_field(matter: Matter) -> None:
    for kind, reason, field in (("表", "写错了", "kind"), ("回访", "写错了", "kind"), ("建议", " ", "kind_reason")):
        with pytest.raises(Invalid) as refused:
            change(matter, kind, reason)
        assert refused.value.field == field
    assert matter.ticket().kind == "投诉"


def test_what_the_office_made_for_itself_stays_what_it_is(matter: Matter) -> None:
    with matter.works.write() as work:
        inner = tickets.make(work, unit_id=matter.units["centre"], kind="整改", text="请整改", zone=ZONE)
        with pytest.raises(Invalid):
            changing.change(work, inner, "建议", "写错了", ZONE)


def test_whoever_saw_another_kind_is_told(matter: Matter) -> None:
    def late(work: Work, ticket: Ticket) -> None:
        meanwhile = update(Ticket).values(kind="咨询").execution_options(synchronize_session=False)
        work.session.execute(meanwhile)
        changing.change(work, ticket, "建议", "只是提议", ZONE)

    with pytest.raises(WrongState):
        matter.do(late, "chief")
    assert matter.ticket().kind == "投诉"
