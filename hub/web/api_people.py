"""The API of people, their roles and their programs' tokens; what needs two administrators needs them here too."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from hub.auth import grants as roles
from hub.auth import links, persons
from hub.auth import tokens as keys
from hub.auth.errors import SecondNeeded
from hub.auth.models import ApiToken
from hub.auth.permits import Deed
from hub.auth.persons import Card
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import DONE, At, Done, Page, PageNumber, moment, one_page
from hub.web.grants import give_role, withdraw_role
from hub.web.login import RESET
from hub.web.people import LINK_LASTS, alter_person, ask_second, password_address, person_for, unit_in_reach
from hub.web.sent import Body, Moment
from kernel.errors import Forbidden, NotFound
from kernel.people import ADMINISTRATORS, Grant, Permission, Person, scoped

router = APIRouter(prefix="/api/v1")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.PERSON_READ))]
Writer = Annotated[Asker, Depends(api_may(P.PERSON_WRITE))]
Granter = Annotated[Asker, Depends(api_may(P.GRANT_WRITE))]
TokenKeeper = Annotated[Asker, Depends(api_may(P.TOKEN_WRITE))]


class PersonCard(Body):
    """Who somebody is and how a message reaches him; what is not named stays."""

    name: str | None = None
    unit: int | None = None
    phone: str | None = None
    email: str | None = None


class NewPerson(Body):
    """Somebody to take in."""

    login: str
    name: str
    unit: int
    phone: str = ""
    email: str = ""


class NewGrant(Body):
    """A role in a unit, with or without those below, with or without an end."""

    person: int
    role: str
    unit: int
    below: bool = False
    ends_at: Moment | None = None


class GrantTold(TypedDict):
    """A role that somebody holds."""

    id: int
    person: int
    role: str
    unit: int
    below: bool
    ends_at: At | None


class Grants(Page):
    """One page of roles held."""

    grants: list[GrantTold]


class PersonTold(TypedDict):
    """A person; `administrator` is one of the three, of whom no other changes the password."""

    id: int
    login: str
    name: str
    unit: int
    phone: str
    email: str
    active: bool
    administrator: bool
    grants: list[GrantTold]


class PersonMade(PersonTold):
    """The new person, with the link, told once, by which he sets his password."""

    password_link: str


class People(Page):
    """One page of people."""

    people: list[PersonTold]


class TokenTold(TypedDict):
    """A program's key; the key itself is never told again."""

    id: int
    name: str
    person: int
    expires_at: At | None
    used_at: At | None
    revoked_at: At | None


class Tokens(Page):
    """One page of tokens."""

    tokens: list[TokenTold]


# --- people ----------------------------------------------------------------------------------------------------


@router.get("/people")
def list_people(hub: HubDep, asker: Reader, page: PageNumber = 1) -> People:
    """Everybody of the units in reach, by login, 50 to a page."""
    with hub.works.read() as work:
        query = scoped(select(Person), Person.unit_id, asker.viewer, P.PERSON_READ)
        head, rows = one_page(work.session, query, page, Person.login)
        return {**head, "people": [_person_told(work.session, row) for row in rows]}


@router.post("/people", status_code=201)
def create_person(hub: HubDep, asker: Writer, sent: NewPerson) -> PersonMade:
    """Takes somebody in; he has no role until the security administrator gives him one."""
    with hub.works.write(asker.actor) as work:
        home = unit_in_reach(work.session, asker, P.PERSON_WRITE, str(sent.unit))
        person = persons.add_person(work, home, sent.login, Card(sent.name, sent.phone, sent.email))
        link = links.issue(work, RESET, person.id, LINK_LASTS)
        return {**_person_told(work.session, person), "password_link": password_address(hub, link)}


@router.get("/people/{person_id}")
def get_person(hub: HubDep, asker: Reader, person_id: int) -> PersonTold:
    """One person with his roles."""
    with hub.works.read() as work:
        return _person_told(work.session, person_for(work.session, asker, person_id, P.PERSON_READ))


@router.put("/people/{person_id}")
def change_person(hub: HubDep, asker: Writer, person_id: int, sent: PersonCard) -> PersonTold:
    """Changes name, contact and unit; the contact of who signs or answers only once a second administrator agreed."""
    try:
        with hub.works.write(asker.actor) as work:
            person = person_for(work.session, asker, person_id, P.PERSON_WRITE)
            unit = person.unit_id if sent.unit is None else sent.unit
            home = unit_in_reach(work.session, asker, P.PERSON_WRITE, str(unit))
            card = Card(
                person.name if sent.name is None else sent.name,
                person.phone if sent.phone is None else sent.phone,
                person.email if sent.email is None else sent.email,
            )
            alter_person(hub, asker, work, person, home, card)
            return _person_told(work.session, person)
    except SecondNeeded:
        ask_second(hub, asker, person_id, Deed.CONTACT)
        raise


@router.post("/people/{person_id}/deactivate")
def deactivate(hub: HubDep, asker: Writer, person_id: int) -> PersonTold:
    """Switches a person off with all his log-ins and tokens; nobody does so to himself."""
    with hub.works.write(asker.actor) as work:
        person = person_for(work.session, asker, person_id, P.PERSON_WRITE)
        if person.id == asker.viewer.person_id:
            raise Forbidden(what="停用自己")
        persons.deactivate(work, person)
        return _person_told(work.session, person)


@router.post("/people/{person_id}/activate")
def activate(hub: HubDep, asker: Writer, person_id: int) -> PersonTold:
    """Switches a person on again."""
    with hub.works.write(asker.actor) as work:
        person = person_for(work.session, asker, person_id, P.PERSON_WRITE)
        persons.activate(work, person)
        return _person_told(work.session, person)


# --- roles -----------------------------------------------------------------------------------------------------


@router.get("/grants")
def list_grants(hub: HubDep, asker: Granter, page: PageNumber = 1) -> Grants:
    """Who holds which role in the units in reach, ended ones too."""
    with hub.works.read() as work:
        query = scoped(select(Grant), Grant.unit_id, asker.viewer, P.GRANT_WRITE)
        head, rows = one_page(work.session, query, page, Grant.id)
        return {**head, "grants": [_grant_told(row) for row in rows]}


@router.post("/grants", status_code=201)
def give(hub: HubDep, asker: Granter, sent: NewGrant) -> GrantTold:
    """授权; nobody gives himself a role, and one administrator's role excludes every other."""
    wanted = roles.read_role(sent.role)
    with hub.works.write(asker.actor) as work:
        query = select(Person).where(Person.id == sent.person, Person.active)
        person = work.session.scalars(scoped(query, Person.unit_id, asker.viewer, P.PERSON_READ)).one_or_none()
        if person is None:
            raise NotFound(field="person")
        return _grant_told(
            give_role(hub, work, asker, person, wanted, str(sent.unit), below=sent.below, ends_at=sent.ends_at)
        )


@router.delete("/grants/{grant_id}")
def withdraw(hub: HubDep, asker: Granter, grant_id: int) -> Done:
    """Takes a role away at once."""
    with hub.works.write(asker.actor) as work:
        withdraw_role(hub, work, asker, grant_id)
    return DONE


# --- tokens ----------------------------------------------------------------------------------------------------


@router.get("/tokens")
def list_tokens(hub: HubDep, asker: TokenKeeper, page: PageNumber = 1) -> Tokens:
    """The tokens of people in reach; they are made on the server's command line alone."""
    with hub.works.read() as work:
        mine = scoped(select(Person.id), Person.unit_id, asker.viewer, P.TOKEN_WRITE)
        query = select(ApiToken).where(ApiToken.person_id.in_(mine))
        head, rows = one_page(work.session, query, page, ApiToken.id)
        return {**head, "tokens": [_token_told(row) for row in rows]}


@router.delete("/tokens/{token_id}")
def revoke(hub: HubDep, asker: TokenKeeper, token_id: int) -> TokenTold:
    """Takes a key away at once."""
    with hub.works.write(asker.actor) as work:
        mine = scoped(select(Person.id), Person.unit_id, asker.viewer, P.TOKEN_WRITE)
        query = select(ApiToken).where(ApiToken.id == token_id, ApiToken.person_id.in_(mine))
        token = work.session.scalars(query).one_or_none()
        if token is None:
            raise NotFound
        keys.revoke(work, token)
        return _token_told(token)


# --- as JSON ---------------------------------------------------------------------------------------------------


def _person_told(session: Session, row: Person) -> PersonTold:
    held = session.scalars(select(Grant).where(Grant.person_id == row.id).order_by(Grant.id)).all()
    return {
        "id": row.id,
        "login": row.login,
        "name": row.name,
        "unit": row.unit_id,
        "phone": row.phone,
        "email": row.email,
        "active": row.active,
        "administrator": any(grant.role in ADMINISTRATORS for grant in held),
        "grants": [_grant_told(grant) for grant in held],
    }


def _grant_told(row: Grant) -> GrantTold:
    return {
        "id": row.id,
        "person": row.person_id,
        "role": row.role,
        "unit": row.unit_id,
        "below": row.below,
        "ends_at": moment(row.ends_at),
    }


def _token_told(row: ApiToken) -> TokenTold:
    return {
        "id": row.id,
        "name": row.name,
        "person": row.person_id,
        "expires_at": moment(row.expires_at),
        "used_at": moment(row.used_at),
        "revoked_at": moment(row.revoked_at),
    }
