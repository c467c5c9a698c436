"""审签 and 回访: no answer is read before its signature, nobody signs his own, and the unsatisfied are heard again."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot import rules, tickets
from bot.casework import following, signing
from bot.casework.errors import OwnWork
from bot.casework.models import FollowUp, WrittenAnswer
from bot.events import TicketSoonDue
from bot.states import TicketState, shown_outside
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.errors import Forbidden, Invalid, WrongState
from kernel.events import Event
from kernel.office_rules import set_rule
from kernel.people import Deputy, Role, Unit
from tests.bot.casework.conftest import ZONE, Matter, hire


@pytest.fixture
def at_bureau(matter: Matter) -> Matter:
    """The ticket with the bureau, which has a head."""
    matter.hand_over()
    return matter


def _written(matter: Matter, text: str = "已修复。", who: str = "clerk") -> None:
    matter.do(lambda work, ticket: signing.submit(work, ticket, text), who)


def _closed(matter: Matter) -> None:
    _written(matter)
    matter.do(signing.sign, "head")
    matter.do(tickets.close, "clerk")


def test_an_answer_is_nowhere_to_be_read_before_the_head_signed(at_bureau: Matter) -> None:
    _written(at_bureau)
    ticket = at_bureau.ticket()
    assert (ticket.state, ticket.answer, ticket.answered_at) == (TicketState.SIGNING, "", None)
    assert shown_outside(ticket.state) == TicketState.OPEN
    at_bureau.do(signing.sign, "head")
    ticket = at_bureau.ticket()
    assert (ticket.state, ticket.answer, ticket.answered_by) == ("answered", "已修复。", at_bureau.people["clerk"])
    with pytest.raises(WrongState):
        at_bureau.do(signing.sign, "head")


def test_what_was_sent_back_is_written_again(at_bureau: Matter) -> None:
    _written(at_bureau, "不归我们管")
    with pytest.raises(Invalid) as refused:
        at_bureau.do(lambda work, ticket: signing.send_back(work, ticket, ""), "head")
    assert refused.value.field == "sign_words"
    at_bureau.do(lambda work, ticket: signing.send_back(work, ticket, "请写明何时修好"), "head")
    assert at_bureau.ticket().state == TicketState.OPEN
    _written(at_bureau, "明日修好。")
    at_bureau.do(signing.sign, "head")
    assert at_bureau.ticket().answer == "明日修好。"
    with at_bureau.works.read() as work:
        rows = work.session.scalars(select(WrittenAnswer).order_by(WrittenAnswer.id)).all()
    assert [(row.text, row.signed) for row in rows] == [("不归我们管", False), ("明日修好。", True)]


def test_a_head_signs_his_own_answer_only_where_there_is_no_other(at_bureau: Matter) -> None:
    _written(at_bureau, who="head")
    at_bureau.do(signing.sign, "head")
    at_bureau.do(lambda _work, ticket: setattr(ticket, "state", TicketState.OPEN))
    with at_bureau.works.write() as work:
        hire(work, "deputy", work.session.get_one(Unit, at_bureau.units["bureau"]), Role.HEAD)
    _written(at_bureau, "再答。", who="head")
    with pytest.raises(OwnWork, match="deputy"):
        at_bureau.do(signing.sign, "head")
    assert at_bureau.ticket().state == TicketState.SIGNING


def _depute(matter: Matter, deputy: str, hours: int = 8) -> None:
    with matter.works.write() as work:
        ids = {"person_id": matter.people["head"], "deputy_id": matter.people[deputy]}
        work.session.add(Deputy(**ids, starts_at=work.now, ends_at=work.now + timedelta(hours=hours)))


def test_a_heads_deputy_signs_in_his_place_and_is_recorded_as_such(at_bureau: Matter, clock: StillClock) -> None:
    _written(at_bureau)
    with pytest.raises(Forbidden):
        at_bureau.do(signing.sign, "other")
    _depute(at_bureau, "other")
    at_bureau.do(signing.sign, "other")
    with at_bureau.works.read() as work:
        row = work.session.scalars(select(WrittenAnswer)).one()
        line = work.session.scalars(select(AuditLine).where(AuditLine.act == "ticket.signed")).one()
    assert (row.decided_by, row.on_behalf_of) == (at_bureau.people["other"], at_bureau.people["head"])
    assert json.loads(line.details)["on_behalf_of"] == "head某"


def test_a_deputy_signs_neither_his_own_nor_after_his_time(at_bureau: Matter, clock: StillClock) -> None:
    _depute(at_bureau, "clerk")
    _written(at_bureau)
    with pytest.raises(OwnWork):
        at_bureau.do(signing.sign, "clerk")
    _depute(at_bureau, "other")
    clock.step(hours=9)
    with pytest.raises(Forbidden):
        at_bureau.do(lambda work, ticket: signing.send_back(work, ticket, "请写明时间"), "other")


def test_a_unit_without_a_head_is_told_whom_to_ask(matter: Matter) -> None:
    with pytest.raises(Invalid, match="承办单位负责人"):
        matter.do(lambda work, ticket: signing.submit(work, ticket, "已修复。"), "chief")
    assert matter.ticket().state == TicketState.OPEN


def test_an_office_may_let_answers_leave_unsigned(matter: Matter) -> None:
    with matter.works.write() as work:
        set_rule(work, rules.SIGNED.name, matter.units["centre"], False)
    assert matter.do(lambda work, ticket: signing.submit(work, ticket, "已修复。"), "chief") is False
    assert matter.ticket().state == TicketState.ANSWERED


def test_whoever_is_not_satisfied_gets_a_second_round_with_a_deadline(at_bureau: Matter, clock: StillClock) -> None:
    _closed(at_bureau)
    clock.step(days=7)
    with pytest.raises(Invalid) as refused:
        at_bureau.do(lambda work, ticket: following.record(work, ticket, "unsatisfied", "", ZONE), "chief")
    assert refused.value.field == "follow_words"
    at_bureau.do(lambda work, ticket: following.record(work, ticket, "unsatisfied", "灯又坏了", ZONE), "chief")
    ticket = at_bureau.ticket()
    assert (ticket.state, ticket.round, ticket.answered_at, ticket.answer) == (TicketState.OPEN, 2, None, "")
    assert (ticket.due_at - clock.now()).days == 7  # Five working days and a weekend.
    _closed(at_bureau)
    at_bureau.do(lambda work, ticket: following.record(work, ticket, "satisfied", "", ZONE), "chief")
    with pytest.raises(WrongState, match="已回访"):
        at_bureau.do(lambda work, ticket: following.record(work, ticket, "unsatisfied", "还是不行", ZONE), "chief")
    assert at_bureau.ticket().state == TicketState.CLOSED


def test_who_was_not_reached_is_called_again_by_somebody_else_than_answered(at_bureau: Matter) -> None:
    _closed(at_bureau)
    with pytest.raises(OwnWork):
        at_bureau.do(lambda work, ticket: following.record(work, ticket, "satisfied", "", ZONE), "clerk")
    at_bureau.do(lambda work, ticket: following.record(work, ticket, "unreached", "无人接听", ZONE), "chief")
    at_bureau.do(lambda work, ticket: following.record(work, ticket, "satisfied", "", ZONE), "chief")
    with at_bureau.works.read() as work:
        assert list(work.session.scalars(select(FollowUp.result).order_by(FollowUp.id))) == ["unreached", "satisfied"]


def test_a_near_deadline_is_told_once_also_while_the_signature_is_missing(at_bureau: Matter, clock: StillClock) -> None:
    told: list[Event] = []
    at_bureau.works.listeners.after(TicketSoonDue, told.append)
    assert tickets.warn_soon(at_bureau.works, ZONE) == 0
    _written(at_bureau)
    clock.step(days=4)
    assert [tickets.warn_soon(at_bureau.works, ZONE) for _look in range(2)] == [1, 0]
    assert len(told) == 1
    clock.step(days=4)
    assert tickets.alarm_late(at_bureau.works) == 1
