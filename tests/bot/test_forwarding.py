"""转办: only an open ticket goes on, to a unit with people, with a reason, and once at a time."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from bot import forwarding, tickets
from bot.models import Ticket
from kernel.errors import Invalid, WrongState
from kernel.people import Grant, Person, Role, Unit, add_unit
from kernel.work import Works

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def ticket_id(works: Works) -> int:
    """A ticket of the centre, beside a bureau with an agent and an empty one."""
    with works.write() as work:
        centre = add_unit(work.session, "市政务服务中心", "centre")
        bureau = add_unit(work.session, "城市管理局", "bureau", centre)
        add_unit(work.session, "空编局", "empty", centre)
        person = Person(unit_id=bureau.id, name="承办人", login="handler")
        work.session.add(person)
        work.session.flush()
        work.session.add(Grant(person_id=person.id, role=Role.AGENT.value, unit_id=bureau.id))
        return tickets.make(work, unit_id=centre.id, kind="投诉", text="路灯坏了三天", zone=ZONE).id


def _unit(works: Works, code: str) -> int:
    with works.read() as work:
        return work.session.query(Unit).filter(Unit.code == code).one().id


def test_number_and_deadline_stay_and_lateness_is_told_again(works: Works, ticket_id: int) -> None:
    with works.write() as work:
        ticket = work.session.get_one(Ticket, ticket_id)
        ticket.late_told_at = work.now
        before = (ticket.number, ticket.due_at)
        forwarding.forward(work, ticket, _unit(works, "bureau"), "属城市管理职责")
    with works.read() as work:
        ticket = work.session.get_one(Ticket, ticket_id)
        assert (ticket.number, ticket.due_at) == before
        assert (ticket.unit_id, ticket.late_told_at) == (_unit(works, "bureau"), None)


@pytest.mark.parametrize(
    ("code", "reason", "field"),
    [
        ("centre", "属其职责", "to"),
        ("empty", "属其职责", "to"),
        ("bureau", " ", "reason"),
        ("bureau", "长" * 301, "reason"),
    ],
)
def test_what_leads_nowhere_is_refused(works: Works, ticket_id: int, code: str, reason: str, field: str) -> None:
    to = _unit(works, code)
    with pytest.raises(Invalid) as refused, works.write() as work:
        forwarding.forward(work, work.session.get_one(Ticket, ticket_id), to, reason)
    assert refused.value.field == field


def test_an_answered_ticket_stays(works: Works, ticket_id: int) -> None:
    to = _unit(works, "bureau")
    with works.write() as work:
        ticket = work.session.get_one(Ticket, ticket_id)
        tickets.answer(work, ticket, "已修复。")
        with pytest.raises(WrongState):
            forwarding.forward(work, ticket, to, "属城市管理职责")


def test_the_later_of_two_is_told(works: Works, ticket_id: int) -> None:
    bureau, empty = _unit(works, "bureau"), _unit(works, "empty")
    with works.write() as work:
        ticket = work.session.get_one(Ticket, ticket_id)
        meanwhile = update(Ticket).where(Ticket.id == ticket_id).values(unit_id=empty)
        work.session.execute(meanwhile.execution_options(synchronize_session=False))
        with pytest.raises(WrongState, match="已转办"):
            forwarding.forward(work, ticket, bureau, "属城市管理职责")
