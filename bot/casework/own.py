"""Nobody decides on his own words where somebody else of the unit can."""

from __future__ import annotations

from bot.casework.errors import OwnWork
from kernel.people import Permission, Person, holders
from kernel.work import Work


def not_own(
    work: Work, permission: Permission, unit_id: int, written_by: int | None, principal: int | None = None
) -> None:
    """Raises OwnWork where the actor wrote it himself, or whom he stands in for, and another holds the permission."""
    if work.actor.person_id is None or written_by is None or written_by not in (work.actor.person_id, principal):
        return
    others = [one for one in holders(work.session, permission, unit_id, work.now) if one != written_by]
    if others:
        raise OwnWork(name=work.session.get_one(Person, others[0]).name)
