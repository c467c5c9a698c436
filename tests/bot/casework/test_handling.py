"""派单, 退单, 催办, 延期: by whom, until when, how often, and that a second press changes nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot.casework import assigning, extending, returning, urging
from bot.casework.errors import NoMoreTime, NotSentHere, OwnWork, ReturnTooLate
from bot.casework.models import Extension
from bot.events import ExtensionDecided, TicketAssigned, TicketUrged
from bot.models import Ticket
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.errors import Invalid, WrongState
from kernel.events import Event
from kernel.work import Work
from tests.bot.casework.conftest import ZONE, Matter


def _acts(matter: Matter) -> list[str]:
    with matter.works.read() as work:
        query = select(AuditLine.act).where(AuditLine.object_kind == "ticket").order_by(AuditLine.seq)
        return list(work.session.scalars(query))


def _listen(matter: Matter, *kinds: type[Event]) -> list[Event]:
    told: list[Event] = []
    for kind in kinds:
        matter.works.listeners.after(kind, told.append)
    return told


# --- 派单, 改派 -----------------------------------------------------------------------------------


def test_a_ticket_is_given_to_a_colleague_once(matter: Matter) -> None:
    matter.hand_over()
    told = _listen(matter, TicketAssigned)
    for _press in range(2):
        matter.do(lambda work, ticket: assigning.assign(work, ticket, matter.people["clerk"]), "head")
    assert matter.ticket().handler_id == matter.people["clerk"]
    assert _acts(matter).count("ticket.assigned") == 1
    assert len(told) == 1


def test_somebody_else_gets_it_with_the_reason_only(matter: Matter) -> None:
    matter.hand_over()
    matter.do(lambda work, ticket: assigning.assign(work, ticket, matter.people["clerk"]))
    with pytest.raises(Invalid) as refused:
        matter.do(lambda work, ticket: assigning.assign(work, ticket, matter.people["other"], " "))
    assert refused.value.field == "assign_reason"
    matter.do(lambda work, ticket: assigning.assign(work, ticket, matter.people["other"], "出差"))
    assert matter.ticket().handler_id == matter.people["other"]
    assert _acts(matter)[-1] == "ticket.reassigned"


@pytest.mark.parametrize("who", ["clerk", "nobody"])
def test_only_a_colleague_of_the_unit_can_have_it(matter: Matter, who: str) -> None:
    person = matter.people.get(who, 10**6)
    with pytest.raises(Invalid) as refused:
        matter.do(lambda work, ticket: assigning.assign(work, ticket, person))
    assert refused.value.field == "handler"


# --- 退单 -----------------------------------------------------------------------------------------


def test_what_was_handed_over_goes_back_in_time_with_its_deadline(matter: Matter) -> None:
    due = matter.ticket().due_at
    matter.hand_over()
    matter.do(lambda work, ticket: assigning.assign(work, ticket, matter.people["clerk"]))
    matter.do(lambda work, ticket: returning.give_back(work, ticket, "属供电公司职责", ZONE), "clerk")
    ticket = matter.ticket()
    assert (ticket.unit_id, ticket.handler_id, ticket.due_at) == (matter.units["centre"], None, due)
    with pytest.raises(NotSentHere):
        matter.do(lambda work, ticket: returning.give_back(work, ticket, "属供电公司职责", ZONE))


def test_after_two_working_days_it_stays(matter: Matter, clock: StillClock) -> None:
    matter.hand_over()
    clock.step(days=2)
    matter.do(lambda work, ticket: returning.back_until(work.session, ticket, ZONE, work.now))
    clock.step(days=1)
    with pytest.raises(ReturnTooLate, match="only"):
        matter.do(lambda work, ticket: returning.give_back(work, ticket, "属供电公司职责", ZONE))
    assert matter.ticket().unit_id == matter.units["bureau"]


# --- 催办 -----------------------------------------------------------------------------------------


def test_reminders_are_counted_and_a_second_press_is_the_same(matter: Matter, clock: StillClock) -> None:
    matter.hand_over()
    matter.do(lambda work, ticket: assigning.assign(work, ticket, matter.people["clerk"]))
    told = _listen(matter, TicketUrged)
    urge = lambda: matter.do(lambda work, ticket: urging.urge(work, ticket, "市民来电催问"), "chief")  # noqa: E731  # Pressed four times.
    assert [urge(), urge()] == [True, False]
    clock.step(minutes=6)
    assert [urge(), urge()] == [True, False]
    assert matter.ticket().urged == 2
    assert [(fact.times, fact.handler_id) for fact in told if isinstance(fact, TicketUrged)] == [
        (1, matter.people["clerk"]),
        (2, matter.people["clerk"]),
    ]


# --- 延期 -----------------------------------------------------------------------------------------


def _ask(work: Work, ticket: Ticket, days: int = 3) -> Extension:
    return extending.ask(work, ticket, days, "需要现场核实")


def test_granted_days_are_working_days_from_the_deadline(matter: Matter) -> None:
    matter.hand_over()
    before = matter.ticket().due_at
    told = _listen(matter, ExtensionDecided)
    matter.do(_ask, "clerk")
    matter.do(lambda work, ticket: extending.decide(work, ticket, grant=True, words="", zone=ZONE), "chief")
    due = matter.ticket().due_at
    assert before.astimezone(ZONE).weekday() == 0
    assert due - before == timedelta(days=3)
    assert [fact.due_at for fact in told if isinstance(fact, ExtensionDecided)] == [due]
    with pytest.raises(WrongState):
        matter.do(lambda work, ticket: extending.decide(work, ticket, grant=True, words="", zone=ZONE), "chief")
    with pytest.raises(NoMoreTime, match="已延期 1 次"):
        matter.do(_ask, "clerk")


def test_a_request_waits_once_and_a_refusal_needs_its_reason(matter: Matter) -> None:
    matter.hand_over()
    before = matter.ticket().due_at
    for _press in range(2):
        matter.do(_ask, "clerk")
    with matter.works.read() as work:
        assert work.session.scalar(select(func.count(Extension.id))) == 1
    with pytest.raises(Invalid) as refused:
        matter.do(lambda work, ticket: extending.decide(work, ticket, grant=False, words="", zone=ZONE), "chief")
    assert refused.value.field == "extend_words"
    matter.do(lambda work, ticket: extending.decide(work, ticket, grant=False, words="请抓紧", zone=ZONE), "chief")
    assert matter.ticket().due_at == before
    matter.do(_ask, "clerk")


def test_nobody_grants_his_own_request_while_another_can(matter: Matter) -> None:
    matter.do(_ask, "chief")
    with pytest.raises(OwnWork, match="second"):
        matter.do(lambda work, ticket: extending.decide(work, ticket, grant=True, words="", zone=ZONE), "chief")
    matter.do(lambda work, ticket: extending.decide(work, ticket, grant=True, words="", zone=ZONE), "second")


@pytest.mark.parametrize("days", [0, 11, -1])
def test_so_many_days_are_not_given(matter: Matter, days: int) -> None:
    with pytest.raises(Invalid) as refused:
        matter.do(lambda work, ticket: _ask(work, ticket, days))
    assert refused.value.field == "days"


def test_too_late_is_too_late_to_ask(matter: Matter, clock: StillClock) -> None:
    clock.step(days=9)
    with pytest.raises(NoMoreTime, match="已超过答复期限"):
        matter.do(_ask)
