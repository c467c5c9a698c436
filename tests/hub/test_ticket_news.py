"""Notices that call somebody to a ticket are read for all once what they call to is done, in the act's own work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, select

from bot import forwarding, tickets
from bot.casework import alarming, assigning, changing, extending, returning, signing
from bot.models import Ticket
from hub.notices import Notice
from kernel.clock import StillClock
from kernel.people import Role
from kernel.work import Actor, Work
from tests.hub.office import Office

Act = Callable[[Work, Ticket], object]


class Matter:
    """A ticket of the north that speaks of danger, and whoever acts on it."""

    def __init__(self, office: Office) -> None:
        self.office, self.zone = office, office.hub.settings.office_zone
        office.hire("agent", "north", Role.AGENT)
        office.hire("other", "north", Role.AGENT)
        office.hire("boss", "north", Role.SUPERVISOR)
        office.hire("head", "north", Role.HEAD)
        office.hire("south", "south", Role.AGENT)
        with office.hub.works.write() as work:
            unit = office.unit("north").id
            made = tickets.make(work, unit_id=unit, kind="投诉", text="楼下着火了没人管", zone=self.zone)
            self.id = made.id
        self.due = made.due_at

    def do(self, act: Act, login: str = "agent") -> None:
        person = self.office.person(login)
        with self.office.hub.works.write(Actor(person.name, person.id, person.unit_id)) as work:
            act(work, work.session.get_one(Ticket, self.id))

    def unread(self) -> set[str]:
        """Of which kinds somebody has an unread notice of it."""
        with self.office.hub.works.read() as work:
            query = select(Notice.kind).where(Notice.link == f"/console/tickets/{self.id}", Notice.read_at.is_(None))
            return {kind.removeprefix("ticket.") for kind in work.session.scalars(query)}

    def warn(self, clock: StillClock) -> None:
        """It is soon due, and then late."""
        clock.step(seconds=(self.due - clock.now()).total_seconds() - 60)
        assert tickets.warn_soon(self.office.hub.works, self.zone) == 1
        clock.step(minutes=2)
        assert tickets.alarm_late(self.office.hub.works) == 1
        assert self.unread() >= {"soon", "late"}

    def assign(self, login: str = "agent", reason: str = "") -> None:
        to = self.office.person(login).id
        self.do(lambda work, it: assigning.assign(work, it, to, reason), "boss")

    def forward(self, unit: str) -> None:
        to = self.office.unit(unit).id
        self.do(lambda work, it: forwarding.forward(work, it, to, "属其职责"))


@pytest.fixture
def matter(office: Office) -> Matter:
    return Matter(office)


def test_once_it_is_answered_nobody_is_called_any_more(matter: Matter, clock: StillClock) -> None:
    matter.assign()
    assert matter.unread() == {"danger", "assigned"}
    matter.warn(clock)
    matter.do(lambda work, it: signing.submit(work, it, "今天已经扑灭。"))
    # Whoever was to handle it has; that it is late stays true until it leaves.
    assert matter.unread() == {"danger", "late", "submitted"}
    matter.do(lambda work, it: signing.send_back(work, it, "请写明时间"), "head")
    assert matter.unread() == {"danger", "late", "sent_back"}
    matter.do(lambda work, it: signing.submit(work, it, "今天九点已经扑灭。"))
    matter.do(signing.sign, "head")
    assert matter.unread() == set()


def test_more_time_takes_the_warnings_away_and_it_can_be_late_again(matter: Matter, clock: StillClock) -> None:
    matter.do(lambda work, it: extending.ask(work, it, 2, "等待检测报告"))
    matter.warn(clock)
    assert "extension_asked" in matter.unread()
    matter.do(lambda work, it: extending.decide(work, it, grant=True, words="", zone=matter.zone), "boss")
    assert matter.unread() == {"made", "danger", "extension_decided"}
    clock.step(days=10)
    assert tickets.alarm_late(matter.office.hub.works) == 1
    assert "late" in matter.unread()


def test_time_that_was_refused_leaves_the_warnings(matter: Matter, clock: StillClock) -> None:
    matter.do(lambda work, it: extending.ask(work, it, 2, "等待检测报告"))
    matter.warn(clock)
    matter.do(lambda work, it: extending.decide(work, it, grant=False, words="期限足够", zone=matter.zone), "boss")
    assert matter.unread() >= {"soon", "late"}
    assert "extension_asked" not in matter.unread()


def test_another_unit_is_warned_anew_and_the_first_is_let_go(matter: Matter, clock: StillClock) -> None:
    matter.warn(clock)
    matter.forward("south")
    assert matter.unread() == {"danger", "forwarded"}
    assert tickets.alarm_late(matter.office.hub.works) == 1
    assert matter.unread() == {"danger", "forwarded", "late"}
    matter.do(lambda work, it: returning.give_back(work, it, "属消防职责", matter.zone), "south")
    assert matter.unread() == {"danger", "returned"}


def test_another_kind_takes_the_warnings_away_where_the_limit_is_another(matter: Matter, clock: StillClock) -> None:
    clock.step(seconds=(matter.due - clock.now()).total_seconds() - 60)
    tickets.warn_soon(matter.office.hub.works, matter.zone)
    matter.do(lambda work, it: changing.change(work, it, "举报", "应为举报", matter.zone))
    assert "soon" in matter.unread()  # As many days as before.
    matter.do(lambda work, it: changing.change(work, it, "建议", "是一条建议", matter.zone))
    assert "soon" not in matter.unread()


def test_danger_is_over_once_somebody_sees_to_it(matter: Matter) -> None:
    assert matter.unread() == {"made", "danger"}
    matter.do(alarming.acknowledge)
    assert matter.unread() == {"made"}


def test_an_act_that_undoes_does_not_settle(matter: Matter) -> None:
    class Died(Exception):
        pass

    def half(work: Work, ticket: Ticket) -> None:
        assigning.assign(work, ticket, matter.office.person("agent").id)
        raise Died

    with pytest.raises(Died):
        matter.do(half, "boss")
    assert "made" in matter.unread()


def test_closing_asks_for_no_notice(matter: Matter) -> None:
    matter.do(lambda work, it: signing.submit(work, it, "今天已经扑灭。"))
    matter.do(signing.sign, "head")
    asked: list[str] = []

    def listen(*about: Any) -> None:
        asked.append(about[2])

    event.listen(matter.office.hub.engine, "before_cursor_execute", listen)
    try:
        matter.do(tickets.close)
    finally:
        event.remove(matter.office.hub.engine, "before_cursor_execute", listen)
    assert asked
    assert not [one for one in asked if "notice" in one]
