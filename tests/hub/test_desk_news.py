"""Who is called when a citizen waits: those on duty at once, everybody and the shift leader where he waits too long."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.team.models import Shift, Turn
from hub.notices import Notice
from kernel.clock import StillClock
from kernel.office_rules import set_rule
from kernel.people import Person, Role
from tests.hub.office import Office
from tests.hub.web.test_desk import LiveDesk, live

__all__ = ["live"]


@pytest.fixture
def on_shift(live: LiveDesk, office: Office, clock: StillClock) -> LiveDesk:
    """One of two agents is on shift; a leader of this unit, one of another, and an agent of another."""
    office.hire("leader", "north", Role.SUPERVISOR)
    office.hire("south-leader", "south", Role.SUPERVISOR)
    with office.hub.works.write() as work:
        unit = office.unit("north").id
        shift = Shift(unit_id=unit, name="早班", begins="08:00", ends="18:00")
        work.session.add(shift)
        work.session.flush()
        work.session.add(
            Turn(
                unit_id=unit,
                shift_id=shift.id,
                person_id=office.person("agent").id,
                day=clock.now().date(),
                starts_at=clock.now() - timedelta(hours=1),
                ends_at=clock.now() + timedelta(hours=8),
            )
        )
        set_rule(work, "desk.remind_minutes", unit, 1)
    return live


def called(live: LiveDesk, since: int = 0) -> tuple[Counter[str], int]:
    """How often each has been called after a notice's number, and the last number."""
    with live.office.hub.works.read() as work:
        query = (
            select(Notice.id, Person.login)
            .join(Person, Person.id == Notice.person_id)
            .where(Notice.kind == "conversation.waiting")
        )
        rows = work.session.execute(query.order_by(Notice.id)).all()
    return Counter(login for number, login in rows if number > since), rows[-1][0]


def reminded(live: LiveDesk, since: int) -> tuple[Counter[str], int]:
    hub = live.office.hub
    with hub.works.write() as work:
        hub.incoming.watch.remind(work)
    return called(live, since)


@pytest.mark.parametrize("minutes", [6, 9])
def test_from_the_rules_minute_on_everybody_and_the_leader_are_called_too(on_shift: LiveDesk, minutes: int) -> None:
    with on_shift.office.hub.works.write() as work:
        set_rule(work, "desk.overflow_minutes", on_shift.office.unit("north").id, minutes)
    on_shift.hears("人工")
    at_once, last = called(on_shift)
    assert at_once == {"agent": 1}
    on_shift.clock.step(minutes=minutes, seconds=-61)
    before, last = reminded(on_shift, last)
    assert before == {"agent": 1}
    on_shift.clock.step(seconds=60)
    before, last = reminded(on_shift, last)
    assert before == {"agent": 1}
    on_shift.clock.step(seconds=61)
    # Whoever is on duty, of the desk and its leader at once is called once all the same.
    after, last = reminded(on_shift, last)
    assert after == {"agent": 1, "other": 1, "leader": 1}
    assert reminded(on_shift, last) == (Counter(), last)


def test_whoever_takes_him_in_time_keeps_the_others_out_of_it(on_shift: LiveDesk) -> None:
    number = on_shift.hears("人工")
    _at_once, last = called(on_shift)
    on_shift.clock.step(minutes=5)
    on_shift.agent.send_form(f"/console/desk/{number}/take")
    on_shift.clock.step(minutes=5)
    assert reminded(on_shift, last) == (Counter(), last)
