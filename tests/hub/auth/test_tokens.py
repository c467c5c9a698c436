"""Keys for programs: never more than the person may do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from hub.auth import tokens
from hub.auth.models import ApiToken
from kernel.errors import Invalid
from kernel.people import Grant, Permission, Person, Role, Unit, add_unit
from kernel.work import Works
from tests.hub.auth.conftest import Entrance

P = Permission


@pytest.fixture
def works(sqlite_works: Works) -> Works:
    """The kind of database plays no part here."""
    return sqlite_works


def grant(entrance: Entrance, role: Role = Role.OFFICER, *, below: bool = False) -> None:
    with entrance.works.write() as work:
        held = Grant(person_id=entrance.person.id, role=role.value, unit_id=entrance.unit.id, below=below)
        work.session.add(held)


def create(entrance: Entrance, **terms: object) -> str:
    with entrance.works.write() as work:
        return tokens.create(work, entrance.person, "试验", **terms)[1]  # type: ignore[arg-type]  # Terms vary by test.


def test_a_token_does_what_its_person_may_do_now(entrance: Entrance) -> None:
    text = create(entrance)
    bearer = tokens.recognise(entrance.works, text)
    assert bearer is not None
    assert not bearer.viewer.may(P.PIECE_WRITE)
    grant(entrance)
    bearer = tokens.recognise(entrance.works, text)
    assert bearer is not None
    assert bearer.viewer.may(P.PIECE_WRITE, entrance.unit.id)


def test_scopes_narrow_it_and_never_widen_it(entrance: Entrance) -> None:
    grant(entrance)
    bearer = tokens.recognise(entrance.works, create(entrance, permissions=[P.PIECE_READ, P.AUDIT_READ]))
    assert bearer is not None
    assert bearer.viewer.may(P.PIECE_READ)
    assert not bearer.viewer.may(P.PIECE_WRITE)
    assert not bearer.viewer.may(P.AUDIT_READ)


def test_a_unit_narrows_it_to_itself_and_below(entrance: Entrance) -> None:
    grant(entrance, below=True)
    with entrance.works.write() as work:
        root = work.session.get_one(Unit, entrance.unit.id)
        north = add_unit(work.session, "北区", "north", root)
        desk = add_unit(work.session, "一科", "desk", north)
    bearer = tokens.recognise(entrance.works, create(entrance, unit_id=north.id))
    assert bearer is not None
    assert bearer.viewer.units(P.PIECE_READ) == {north.id, desk.id}


@pytest.mark.parametrize("end", ["revoked", "expired", "person", "unknown"])
def test_what_is_over_is_not_recognised(entrance: Entrance, end: str) -> None:
    text = create(entrance, expires_at=entrance.clock.now() + timedelta(days=1))
    assert tokens.recognise(entrance.works, text) is not None
    with entrance.works.write() as work:
        if end == "revoked":
            tokens.revoke(work, work.session.scalars(select(ApiToken)).one())
        if end == "person":
            work.session.get_one(Person, entrance.person.id).active = False
    if end == "expired":
        entrance.clock.step(days=1)
    assert tokens.recognise(entrance.works, text + ("x" if end == "unknown" else "")) is None


def test_it_is_stored_as_a_hash_and_its_use_noted(entrance: Entrance) -> None:
    text = create(entrance)
    tokens.recognise(entrance.works, text)
    with entrance.works.read() as work:
        row = work.session.scalars(select(ApiToken)).one()
    assert text not in (row.token_hash, row.name)
    assert row.used_at == entrance.clock.now()
    assert text not in entrance.log_text()


def test_revoking_twice_is_noted_once(entrance: Entrance) -> None:
    create(entrance)
    for _ in range(2):
        with entrance.works.write() as work:
            tokens.revoke_all(work, entrance.person.id)
    assert entrance.acts() == ["token.created", "token.revoked"]


def test_a_token_needs_a_name(entrance: Entrance) -> None:
    with entrance.works.write() as work, pytest.raises(Invalid):
        tokens.create(work, entrance.person, "  ")
