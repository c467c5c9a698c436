"""工单统计: what is in time, what is overdue, and who was content, unit by unit."""

from __future__ import annotations

from datetime import timedelta

from analytics.tickets import handled
from bot import tickets
from bot.casework import following, signing, urging
from kernel.clock import StillClock
from kernel.people import Role, Unit
from tests.bot.casework.conftest import ZONE, Matter, hire, matter

__all__ = ["matter"]  # The fixture of the tickets' own tests.


def test_units_are_counted_by_what_became_of_their_tickets(matter: Matter, clock: StillClock) -> None:
    matter.hand_over()
    with matter.works.write() as work:
        centre = work.session.get_one(Unit, matter.units["centre"])
        hire(work, "boss", centre, Role.HEAD)
        tickets.make(work, unit_id=centre.id, kind="咨询", text="怎么办证", zone=ZONE)
        tickets.make(work, unit_id=centre.id, kind="整改", text="不满意", zone=ZONE)
    matter.do(lambda work, ticket: urging.urge(work, ticket, "请尽快"), "chief")
    matter.do(lambda work, ticket: signing.submit(work, ticket, "已修复。"), "clerk")
    matter.do(signing.sign, "head")
    matter.do(tickets.close, "clerk")
    matter.do(lambda work, ticket: following.record(work, ticket, "satisfied", "", ZONE), "chief")
    clock.step(days=30)
    with matter.works.read() as work:
        both = set(matter.units.values())
        rows = handled(work.session, both, work.now - timedelta(days=40), work.now, work.now)
        recent = handled(work.session, both, work.now - timedelta(days=7), work.now, work.now)
        mine = handled(work.session, {matter.units["bureau"]}, work.now - timedelta(days=40), work.now, work.now)
    assert [(one.unit, one.made, one.in_time, one.overdue, one.share) for one in rows] == [
        ("市政务服务中心", 1, 0, 1, 0.0),
        ("城市管理局", 1, 1, 0, 100.0),
    ]
    assert [(one.urged, one.content, one.again) for one in mine] == [(1, 100.0, 0)]
    assert [(one.unit, one.made, one.overdue, one.share) for one in recent] == [("市政务服务中心", 0, 1, 0.0)]
