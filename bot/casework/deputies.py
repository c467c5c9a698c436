"""委托审签 of answers: whoever stands in for a head of the unit at this moment signs in his place, as "B 代 A"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.errors import Forbidden
from kernel.people import Deputy, Permission, Person, holders
from kernel.work import Work


def stand_ins(session: Session, unit_id: int, now: datetime) -> Sequence[int]:
    """The deputies of those who sign the unit's answers."""
    query = select(Deputy.deputy_id).where(Deputy.person_id.in_(holders(session, Permission.TICKET_SIGN, unit_id, now)))
    query = query.join(Person, Person.id == Deputy.deputy_id).where(Person.active)
    return session.scalars(query.where(Deputy.starts_at <= now, Deputy.ends_at > now).distinct()).all()


def principal_of(session: Session, person_id: int, unit_id: int, now: datetime) -> int | None:
    """The head of the unit in whose place a person may sign now, if there is one."""
    heads = holders(session, Permission.TICKET_SIGN, unit_id, now)
    query = select(Deputy.person_id).where(Deputy.deputy_id == person_id, Deputy.person_id.in_(heads))
    query = query.where(Deputy.starts_at <= now, Deputy.ends_at > now)
    return session.scalar(query.order_by(Deputy.person_id).limit(1))


def is_one(session: Session, person_id: int, now: datetime) -> bool:
    """Whether a person stands in for anybody now; for whom, each act asks by itself."""
    query = select(Deputy.id).where(Deputy.deputy_id == person_id, Deputy.starts_at <= now, Deputy.ends_at > now)
    return session.scalar(query.limit(1)) is not None


def on_behalf_of(work: Work, unit_id: int) -> int | None:
    """In whose place the actor signs; None where he does so by his own right. Raises Forbidden where he has neither."""
    person_id = work.actor.person_id
    if person_id is None or person_id in holders(work.session, Permission.TICKET_SIGN, unit_id, work.now):
        return None
    principal = principal_of(work.session, person_id, unit_id, work.now)
    if principal is None:
        raise Forbidden(what=Permission.TICKET_SIGN)
    return principal
