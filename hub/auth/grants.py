"""Who may hold which role: nobody grants to himself, and the three administrators are kept apart."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select

from hub.auth.errors import NotToGrant
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.people import ADMINISTRATORS, ROLE_LABELS, Grant, Permission, Person, Role, Unit, Viewer, units_below
from kernel.work import Work


def read_role(name: str) -> Role:
    """The role of that code name; raises Invalid with the names there are."""
    try:
        return Role(name)
    except ValueError:
        known = "、".join(f"{ROLE_LABELS[role]} {role}" for role in Role)
        raise Invalid(field="role", why=f"没有名为“{name[:40]}”的角色。可选：{known}。") from None


def conflict(held: frozenset[Role], wanted: Role) -> Role | None:
    """A role already held that excludes the wanted one, or None.

    An administrator's role excludes every other role; editorial roles go together.
    """
    for role in sorted(held - {wanted}):
        if role in ADMINISTRATORS or wanted in ADMINISTRATORS:
            return role
    return None


def give(
    work: Work, giver: Viewer | None, person: Person, role: Role, unit: Unit, *, below: bool, ends_at: datetime | None
) -> Grant:
    """Gives a role in a unit, or changes the terms of one held there; `giver` None is the command line.

    Raises NotToGrant for oneself and for roles that exclude one another, Forbidden outside the giver's units.
    """
    if giver is not None:
        _check_giver(work, giver, person, unit, below)
    if ends_at is not None and ends_at <= work.now:
        raise Invalid(field="ends_at", why="截止时间已过。")
    running = [grant for grant in _grants(work, person) if grant.ends_at is None or grant.ends_at > work.now]
    against = conflict(frozenset(Role(grant.role) for grant in running), role)
    if against is not None:
        raise NotToGrant(
            field="role",
            why=f"{person.name}已是{ROLE_LABELS[against]}，与{ROLE_LABELS[role]}不能由同一人担任。",
            why_en=f"{person.name} is {against}, which excludes {role}.",
        )
    grant = next((one for one in _grants(work, person) if one.role == role and one.unit_id == unit.id), None)
    if grant is None:
        grant = Grant(person_id=person.id, role=role.value, unit_id=unit.id)
        work.session.add(grant)
    grant.below, grant.ends_at = below, ends_at
    work.session.flush()
    work.audit("role.granted", grant, person=person.login, role=role.value, below=below, until=ends_at)
    return grant


def withdraw(work: Work, giver: Viewer, grant: Grant) -> None:
    """Takes a role away; raises NotToGrant for one's own and for the last security administrator."""
    person = work.session.get_one(Person, grant.person_id)
    _check_giver(work, giver, person, work.session.get_one(Unit, grant.unit_id), grant.below)
    if grant.role == Role.SECURITY_ADMIN and not _others(work, grant):
        raise NotToGrant(
            why="这是最后一名安全管理员，撤销后将无人能够授权。", why_en="nobody could give roles any more."
        )
    work.session.delete(grant)
    work.audit("role.withdrawn", grant, person=person.login, role=grant.role)


def _check_giver(work: Work, giver: Viewer, person: Person, unit: Unit, below: bool) -> None:
    if giver.person_id == person.id:
        raise NotToGrant(why="不能为自己授权或撤销自己的授权。", why_en="nobody changes his own roles.")
    allowed = giver.units(Permission.GRANT_WRITE)
    if unit.id not in allowed:
        raise NotFound
    if below and not units_below(work.session, unit.id) <= allowed:
        raise Forbidden(field="below", what="在下级单位授权")


def _grants(work: Work, person: Person) -> list[Grant]:
    return list(work.session.scalars(select(Grant).where(Grant.person_id == person.id).order_by(Grant.id)))


def _others(work: Work, grant: Grant) -> bool:
    query = (
        select(Grant.id)
        .join(Person, Person.id == Grant.person_id)
        .where(
            Grant.role == Role.SECURITY_ADMIN.value,
            Grant.id != grant.id,
            Person.active,
            or_(Grant.ends_at.is_(None), Grant.ends_at > work.now),
        )
    )
    return work.session.scalars(query.limit(1)).first() is not None
