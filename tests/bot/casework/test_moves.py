"""Whatever people try in whatever order, a ticket moves only as the table says, and every move leaves its line."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import nullcontext
from itertools import product

import pytest
from sqlalchemy import func, select

from bot import tickets
from bot.casework import assigning, changing, extending, following, returning, signing, urging
from bot.models import Ticket
from bot.states import TICKET_MOVES, TicketAct, TicketState
from kernel.audit import AuditLine
from kernel.errors import WrongState, XuandaError
from kernel.work import Work
from tests.bot.casework.conftest import ZONE, Matter

S = TicketState


def _tries(matter: Matter) -> dict[str, Callable[[Work, Ticket], object]]:
    """Every act as somebody might press its button."""
    who = matter.people
    return {
        "assign": lambda work, ticket: assigning.assign(work, ticket, who["clerk"], "请核实"),
        "reassign": lambda work, ticket: assigning.assign(work, ticket, who["other"], "出差"),
        "return": lambda work, ticket: returning.give_back(work, ticket, "不属职责", ZONE),
        "urge": lambda work, ticket: urging.urge(work, ticket, "请尽快"),
        "kind": lambda work, ticket: changing.change(work, ticket, "建议", "只是提议", ZONE),
        "ask": lambda work, ticket: extending.ask(work, ticket, 3, "需要现场核实"),
        "grant": lambda work, ticket: extending.decide(work, ticket, grant=True, words="", zone=ZONE),
        "refuse": lambda work, ticket: extending.decide(work, ticket, grant=False, words="抓紧", zone=ZONE),
        "submit": lambda work, ticket: signing.submit(work, ticket, "已修复。"),
        "send back": lambda work, ticket: signing.send_back(work, ticket, "写明时间"),
        "sign": signing.sign,
        "satisfied": lambda work, ticket: following.record(work, ticket, "satisfied", "", ZONE),
        "unsatisfied": lambda work, ticket: following.record(work, ticket, "unsatisfied", "又坏了", ZONE),
        "close": tickets.close,
    }


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_acts_keeps_to_the_table(matter: Matter, seed: int) -> None:
    matter.hand_over()
    chance = random.Random(seed)  # noqa: S311  # An order that comes again, not a secret.
    tries = _tries(matter)
    ways = {(source, move.to or source) for move in TICKET_MOVES.values() for source in move.sources}
    for _round in range(40):
        name = chance.choice(list(tries))
        before, lines = matter.ticket(), _lines(matter)
        try:
            matter.do(tries[name], "second")
        except XuandaError:
            assert _standing(matter.ticket()) == _standing(before), "a refused act changes nothing"
            assert _lines(matter) == lines
            continue
        after = matter.ticket()
        assert (S(before.state), S(after.state)) in ways
        assert after.due_at >= before.due_at or after.round > before.round
        assert bool(after.answer) == (after.state in (S.ANSWERED, S.CLOSED)), "nothing is read before it is signed"
        assert after.urged >= before.urged
        if _standing(after) != _standing(before):
            assert _lines(matter) > lines, f"{name} left no trace"


def standing(state: TicketState) -> Callable[[Work, Ticket], object]:
    return lambda _work, ticket: setattr(ticket, "state", state)


def moved(act: TicketAct) -> Callable[[Work, Ticket], object]:
    return lambda work, ticket: tickets.move(work, ticket, act)


def test_an_act_is_done_exactly_where_the_table_allows_it(matter: Matter) -> None:
    for act, state in product(TicketAct, TicketState):
        matter.do(standing(state))
        move = TICKET_MOVES[act]
        refused = nullcontext() if state in move.sources else pytest.raises(WrongState, match=move.label)
        with refused:
            matter.do(moved(act))
        assert matter.ticket().state == (move.to or state if state in move.sources else state)


def test_nothing_leads_out_of_the_table(matter: Matter) -> None:
    assert set(TICKET_MOVES) == set(TicketAct)
    reached = {move.to for move in TICKET_MOVES.values() if move.to} | {S(matter.ticket().state)}
    assert reached == set(TicketState)


def _standing(ticket: Ticket) -> tuple[object, ...]:
    return ticket.state, ticket.unit_id, ticket.handler_id, ticket.due_at, ticket.urged, ticket.answer


def _lines(matter: Matter) -> int:
    with matter.works.read() as work:
        query = select(func.count()).select_from(AuditLine).where(AuditLine.object_kind == "ticket")
        return work.session.scalar(query) or 0
