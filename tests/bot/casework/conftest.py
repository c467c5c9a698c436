"""A centre that hands tickets over, a bureau that handles them, and people with each role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest

from bot import forwarding, tickets
from bot.models import Ticket
from kernel.people import Grant, Person, Role, Unit, add_unit
from kernel.work import Actor, Work, Works

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass
class Matter:
    """A ticket of the centre and the people around it."""

    works: Works
    ticket_id: int
    units: dict[str, int]
    people: dict[str, int]

    def do(self, act: Callable[[Work, Ticket], object], who: str = "") -> object:
        """Does an act on the ticket in a work of its own."""
        actor = Actor(who, self.people[who]) if who else Actor("system")
        with self.works.write(actor) as work:
            return act(work, work.session.get_one(Ticket, self.ticket_id))

    def ticket(self) -> Ticket:
        """The ticket as it stands."""
        with self.works.read() as work:
            return work.session.get_one(Ticket, self.ticket_id)

    def hand_over(self) -> None:
        """The centre hands the ticket to the bureau."""
        self.do(lambda work, ticket: forwarding.forward(work, ticket, self.units["bureau"], "属其职责"))


@pytest.fixture
def matter(works: Works) -> Matter:
    """A complaint that came in at nine o'clock on a Monday."""
    with works.write() as work:
        centre = add_unit(work.session, "市政务服务中心", "centre")
        bureau = add_unit(work.session, "城市管理局", "bureau", centre)
        people = {
            "chief": hire(work, "chief", centre, Role.SUPERVISOR, below=True),
            "second": hire(work, "second", centre, Role.SUPERVISOR, below=True),
            "clerk": hire(work, "clerk", bureau, Role.AGENT),
            "other": hire(work, "other", bureau, Role.AGENT),
            "head": hire(work, "head", bureau, Role.HEAD),
        }
        made = tickets.make(work, unit_id=centre.id, kind="投诉", text="路灯坏了三天", zone=ZONE)
        return Matter(works, made.id, {"centre": centre.id, "bureau": bureau.id}, people)


def hire(work: Work, login: str, unit: Unit, role: Role, *, below: bool = False) -> int:
    """Adds a person with a role in a unit."""
    person = Person(unit_id=unit.id, name=f"{login}某", login=login)
    work.session.add(person)
    work.session.flush()
    work.session.add(Grant(person_id=person.id, role=role.value, unit_id=unit.id, below=below))
    work.session.flush()
    return person.id
