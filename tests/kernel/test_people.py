"""Who may do what where: roles, reach, and the one place where a query is limited."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from kernel.people import (
    ADMINISTRATORS,
    ROLE_LABELS,
    ROLES,
    Grant,
    Permission,
    Person,
    Role,
    Unit,
    Viewer,
    add_unit,
    ancestors,
    named,
    scoped,
    units_below,
    viewer,
)
from kernel.work import Works

P = Permission


@pytest.fixture
def units(works: Works) -> dict[str, int]:
    """Twelve units, so that /1/ and /1x/ could be mistaken for one another."""
    with works.write() as work:
        root = add_unit(work.session, "市", "root")
        made = [root, *(add_unit(work.session, f"区{number}", f"d{number}", root) for number in range(10))]
        made.append(add_unit(work.session, "科", "desk", made[1]))
    return {unit.code: unit.id for unit in made}


def who(works: Works, unit: int, *grants: tuple[Role, int, bool], ends_in: timedelta | None = None) -> Viewer:
    with works.write() as work:
        person = Person(unit_id=unit, name="王五", login="wang")
        work.session.add(person)
        work.session.flush()
        ends_at = work.now + ends_in if ends_in is not None else None
        for role, where, below in grants:
            work.session.add(Grant(person_id=person.id, role=role.value, unit_id=where, below=below, ends_at=ends_at))
        work.session.flush()
        return viewer(work.session, person, work.now)


def test_a_role_reaches_its_unit_only(works: Works, units: dict[str, int]) -> None:
    me = who(works, units["d0"], (Role.OFFICER, units["d0"], False))
    assert me.units(P.PIECE_WRITE) == {units["d0"]}
    assert me.may(P.PIECE_WRITE)
    assert me.may(P.PIECE_WRITE, units["d0"])
    for other in ("root", "d1", "desk"):
        assert not me.may(P.PIECE_WRITE, units[other])
    assert not me.may(P.PIECE_SIGN)


def test_below_reaches_down_and_never_up_or_aside(works: Works, units: dict[str, int]) -> None:
    me = who(works, units["d0"], (Role.SIGNER, units["d0"], True))
    assert me.units(P.PIECE_SIGN) == {units["d0"], units["desk"]}


def test_roles_add_up_per_permission_and_unit(works: Works, units: dict[str, int]) -> None:
    me = who(works, units["d0"], (Role.OFFICER, units["d0"], False), (Role.REVIEWER, units["d1"], False))
    assert me.roles == {Role.OFFICER, Role.REVIEWER}
    assert me.units(P.PIECE_WRITE) == {units["d0"]}
    assert me.units(P.PIECE_REVIEW) == {units["d1"]}
    assert me.units(P.PIECE_READ) == {units["d0"], units["d1"]}


@pytest.mark.parametrize(("ends_in", "holds"), [(timedelta(seconds=1), True), (timedelta(0), False)])
def test_a_role_ends_at_its_moment(works: Works, units: dict[str, int], ends_in: timedelta, holds: bool) -> None:
    me = who(works, units["d0"], (Role.OFFICER, units["d0"], False), ends_in=ends_in)
    assert me.may(P.PIECE_WRITE) is holds


def test_whoever_holds_no_role_may_do_nothing(works: Works, units: dict[str, int]) -> None:
    me = who(works, units["d0"])
    assert me.reach == {}
    assert not any(me.may(permission) for permission in Permission)


def test_a_query_is_limited_to_the_reach(works: Works, units: dict[str, int]) -> None:
    me = who(works, units["d0"], (Role.OFFICER, units["d0"], True))
    with works.read() as work:
        query = select(Unit.code).order_by(Unit.code)
        assert work.session.scalars(scoped(query, Unit.id, me, P.PIECE_READ)).all() == ["d0", "desk"]
        assert work.session.scalars(scoped(query, Unit.id, me, P.PIECE_SIGN)).all() == []


def test_paths_lead_up_and_down(works: Works, units: dict[str, int]) -> None:
    with works.read() as work:
        assert ancestors(work.session, units["desk"]) == [units["desk"], units["d0"], units["root"]]
        assert units_below(work.session, units["root"]) == set(units.values())
        assert units_below(work.session, units["d0"]) == {units["d0"], units["desk"]}
        assert units_below(work.session, units["d9"]) == {units["d9"]}


def test_every_role_has_a_label_and_its_permissions() -> None:
    assert set(ROLE_LABELS) == set(ROLES) == set(Role)
    assert all(ROLES.values())


def test_every_permission_is_held_by_some_role() -> None:
    assert set(Permission) == set().union(*ROLES.values())


def test_the_three_administrators_are_kept_apart() -> None:
    system, security, auditor = (ROLES[role] for role in ADMINISTRATORS)
    for permission in (P.PIECE_SIGN, P.PIECE_WRITE, P.CONVERSATION_READ, P.TICKET_READ):
        assert permission not in system | security | auditor
    assert P.GRANT_WRITE in security - system - auditor
    assert P.AUDIT_READ in auditor - system - security
    assert {permission for permission in auditor if not permission.endswith(".read")} == set()


def test_nobody_else_gives_roles_or_reads_the_log() -> None:
    for role in set(Role) - set(ADMINISTRATORS):
        assert not ROLES[role] & {P.GRANT_WRITE, P.AUDIT_READ, P.PERSON_WRITE, P.TOKEN_WRITE, P.RULE_WRITE}


def test_namesakes_are_told_apart_by_what_they_log_in_with(works: Works, units: dict[str, int]) -> None:
    people = (("王伟", "wangwei"), ("李娜", "lina"), ("王伟", "wangwei2"), ("周强", "zhouqiang"))
    with works.write() as work:
        made = [Person(unit_id=units["d1"], name=name, login=login) for name, login in people]
        work.session.add_all(made)
        work.session.flush()
        first, one, second, other = (person.id for person in made)
        assert named(work.session, [second, first, one]) == [
            (one, "李娜"),
            (first, "王伟（wangwei）"),
            (second, "王伟（wangwei2）"),
        ]
        assert named(work.session, {first, other}) == [(other, "周强"), (first, "王伟")]
        assert named(work.session, []) == []
