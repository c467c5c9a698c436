"""Who may hold which role."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.auth import grants, persons
from hub.auth.errors import NotToGrant
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.people import Grant, Permission, Person, Role, Unit, Viewer, add_unit
from kernel.work import Work, Works
from tests.hub.auth.conftest import Entrance


@pytest.fixture
def works(sqlite_works: Works) -> Works:
    """The kind of database plays no part here."""
    return sqlite_works


def giver(*units: int, person_id: int = 0) -> Viewer:
    reach = {Permission.GRANT_WRITE: frozenset(units)}
    return Viewer(person_id, "安", 1, "zh", frozenset({Role.SECURITY_ADMIN}), reach)


def give(entrance: Entrance, role: Role, who: Viewer | None = None, **terms: object) -> Grant:
    with entrance.works.write() as work:
        person, unit = _here(work, entrance)
        settled = {"below": False, "ends_at": None, **terms}
        return grants.give(work, who, person, role, unit, **settled)  # type: ignore[arg-type]  # Terms vary by test.


def _here(work: Work, entrance: Entrance) -> tuple[Person, Unit]:
    return work.session.get_one(Person, entrance.person.id), work.session.get_one(Unit, entrance.unit.id)


def test_a_role_is_given_and_withdrawn_with_a_trace(entrance: Entrance) -> None:
    given = give(entrance, Role.OFFICER, giver(entrance.unit.id))
    with entrance.works.write() as work:
        grants.withdraw(work, giver(entrance.unit.id), work.session.get_one(Grant, given.id))
    assert entrance.acts() == ["role.granted", "role.withdrawn"]


def test_giving_again_changes_the_terms(entrance: Entrance) -> None:
    first = give(entrance, Role.OFFICER)
    end = entrance.clock.now() + timedelta(days=3)
    second = give(entrance, Role.OFFICER, below=True, ends_at=end)
    assert second.id == first.id
    assert (second.below, second.ends_at) == (True, end)


def test_editorial_roles_go_together(entrance: Entrance) -> None:
    for role in (Role.OFFICER, Role.REVIEWER, Role.SIGNER, Role.AGENT, Role.SUPERVISOR, Role.MANAGER):
        give(entrance, role)


@pytest.mark.parametrize("first", [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR])
@pytest.mark.parametrize("second", [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR, Role.SIGNER, Role.AGENT])
def test_an_administrator_holds_no_other_role(entrance: Entrance, first: Role, second: Role) -> None:
    give(entrance, first)
    if first is second:
        give(entrance, second)
        return
    with pytest.raises(NotToGrant):
        give(entrance, second)


def test_an_editor_becomes_no_administrator_until_his_role_has_ended(entrance: Entrance) -> None:
    give(entrance, Role.SIGNER, ends_at=entrance.clock.now() + timedelta(days=1))
    with pytest.raises(NotToGrant):
        give(entrance, Role.AUDITOR)
    entrance.clock.step(days=1)
    give(entrance, Role.AUDITOR)


def test_nobody_gives_to_himself_or_takes_his_own(entrance: Entrance) -> None:
    me = giver(entrance.unit.id, person_id=entrance.person.id)
    with pytest.raises(NotToGrant):
        give(entrance, Role.OFFICER, me)
    given = give(entrance, Role.OFFICER)
    with entrance.works.write() as work, pytest.raises(NotToGrant):
        grants.withdraw(work, me, work.session.get_one(Grant, given.id))


def test_a_unit_out_of_reach_does_not_exist(entrance: Entrance) -> None:
    with pytest.raises(NotFound):
        give(entrance, Role.OFFICER, giver(999))


def test_below_needs_reach_over_every_unit_below(entrance: Entrance) -> None:
    with entrance.works.write() as work:
        child = add_unit(work.session, "北区", "north", work.session.get_one(Unit, entrance.unit.id))
    with pytest.raises(Forbidden):
        give(entrance, Role.OFFICER, giver(entrance.unit.id), below=True)
    give(entrance, Role.OFFICER, giver(entrance.unit.id, child.id), below=True)


def test_an_end_in_the_past_is_refused(entrance: Entrance) -> None:
    with pytest.raises(Invalid):
        give(entrance, Role.OFFICER, ends_at=entrance.clock.now())


def test_an_unknown_role_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Invalid) as refusal:
        grants.read_role("emperor")
    assert refusal.value.field == "role"
    assert "信息员 officer" in refusal.value.message()


def test_the_last_security_administrator_stays(entrance: Entrance) -> None:
    given = give(entrance, Role.SECURITY_ADMIN)
    with entrance.works.write() as work:
        with pytest.raises(NotToGrant):
            grants.withdraw(work, giver(entrance.unit.id), work.session.get_one(Grant, given.id))
        with pytest.raises(NotToGrant):
            persons.deactivate(work, work.session.get_one(Person, entrance.person.id))
        other = persons.add_person(work, entrance.unit, "zhao", persons.Card("赵六"))
        grants.give(work, None, other, Role.SECURITY_ADMIN, entrance.unit, below=False, ends_at=None)
        grants.withdraw(work, giver(entrance.unit.id), work.session.get_one(Grant, given.id))


BAD_CARDS = {
    "login": {"login": "张三"},
    "name": {"name": " "},
    "phone": {"phone": "call me"},
    "email": {"email": "no address"},
}


@pytest.mark.parametrize("field", BAD_CARDS)
def test_a_person_is_taken_in_only_with_a_fit_card(entrance: Entrance, field: str) -> None:
    form = {"login": "zhao", "name": "赵六", "phone": "", "email": "", **BAD_CARDS[field]}
    card = persons.Card(form["name"], form["phone"], form["email"])
    with entrance.works.write() as work, pytest.raises(Invalid) as refusal:
        persons.add_person(work, entrance.unit, form["login"], card)
    assert refusal.value.field == field


def test_a_login_name_is_taken_once(entrance: Entrance) -> None:
    with entrance.works.write() as work, pytest.raises(Invalid) as refusal:
        persons.add_person(work, entrance.unit, "WANG", persons.Card("王六"))
    assert refusal.value.field == "login"


def test_the_log_says_what_was_changed_and_not_to_what(entrance: Entrance) -> None:
    with entrance.works.write() as work:
        person, unit = _here(work, entrance)
        persons.change_person(work, person, unit, persons.Card("王五", "138 0013 8000", ""))
    assert '"fields": ["phone"]' in entrance.log_text()
    assert "0013" not in entrance.log_text()
