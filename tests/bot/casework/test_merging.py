"""并单: one matter, several tickets: answered together, each by its own way, and taken apart again."""

from __future__ import annotations

import pytest

from bot import tickets
from bot.casework import merging
from bot.casework.errors import Merged, NotAMain
from bot.models import Ticket
from bot.states import TicketState
from kernel.errors import Invalid, WrongState
from kernel.work import Work
from tests.bot.casework.conftest import ZONE, Matter


def another(matter: Matter, unit: str = "centre") -> str:
    """The number of another ticket about the same lamp."""
    with matter.works.write() as work:
        return tickets.make(work, unit_id=matter.units[unit], kind="投诉", text="路灯不亮", zone=ZONE).number


def join(matter: Matter, number: str, reason: str = "同一盏路灯") -> None:
    matter.do(lambda work, ticket: merging.join(work, ticket, number, reason), "chief")


def answer(matter: Matter, number: str) -> list[str]:
    """Answers the main ticket; returns the numbers answered with it."""

    def act(work: Work, _ticket: Ticket) -> list[str]:
        main = work.session.query(Ticket).filter(Ticket.number == number).one()
        tickets.answer(work, main, "已修复。")
        return [one.number for one in merging.answered(work, main)]

    return matter.do(act, "chief")  # type: ignore[return-value]  # What the act returns.


def test_what_hangs_on_a_ticket_is_answered_with_it_once(matter: Matter) -> None:
    main = another(matter)
    join(matter, main)
    with pytest.raises(Merged, match=main):
        matter.do(lambda work, ticket: tickets.answer(work, ticket, "另外答复"))
    assert answer(matter, main) == [matter.ticket().number]
    ticket = matter.ticket()
    assert (ticket.state, ticket.answer) == (TicketState.ANSWERED, "已修复。")
    with pytest.raises(WrongState):
        answer(matter, main)
    matter.do(tickets.close, "chief")


def test_taken_apart_it_is_answered_by_itself(matter: Matter) -> None:
    main = another(matter)
    join(matter, main)
    matter.do(merging.separate, "chief")
    assert answer(matter, main) == []
    assert matter.ticket().state == TicketState.OPEN
    with pytest.raises(WrongState):
        matter.do(merging.separate, "chief")


def test_what_cannot_be_a_main_ticket_is_named(matter: Matter) -> None:
    with pytest.raises(NotAMain):
        join(matter, matter.ticket().number)
    with pytest.raises(NotAMain):
        join(matter, another(matter, "bureau"))
    with pytest.raises(Invalid):
        join(matter, another(matter), " ")
    done = another(matter)
    answer(matter, done)
    with pytest.raises(NotAMain, match="已经答复"):
        join(matter, done)
