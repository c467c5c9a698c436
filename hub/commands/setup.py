"""`xuanda person` and `xuanda token`: the first people of an empty installation, and keys for programs."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.auth import grants, passwords, persons, tokens
from hub.errors import CannotRun
from hub.settings import Settings
from hub.wiring import build
from kernel.people import Permission, Person, Unit, add_unit
from kernel.work import Actor, Work

people = typer.Typer(help="People of the console: the first ones, and those locked out.", no_args_is_help=True)
keys = typer.Typer(help="Keys with which programs use the API.", no_args_is_help=True)

OPERATOR = Actor("command line")


@people.command("add")
def add_person(
    login: Annotated[str, typer.Option(help="Name to log in with: letters, digits and . _ @ -")],
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[
        list[str] | None,
        typer.Option(help="A role to give, for example system_admin or security_admin; may be repeated."),
    ] = None,
    unit: Annotated[str, typer.Option(help="Code of the unit; default: the root.")] = "",
    root: Annotated[str, typer.Option(help="Name of the root unit, made when there is no unit yet.")] = "",
    email: Annotated[str, typer.Option(help="Mail address for notices.")] = "",
    phone: Annotated[str, typer.Option(help="Telephone number for notices.")] = "",
) -> None:
    """Adds a person with a password that must be changed at the first log-in."""
    wanted = [grants.read_role(one) for one in role or []]
    password = passwords.invent()
    hashed = passwords.hash_password(password)
    hub = build(Settings())
    try:
        with hub.works.write(OPERATOR) as work:
            home = _unit(work, unit, root)
            person = persons.add_person(work, home, login, persons.Card(name, phone, email))
            passwords.set_password(work, person, hashed, must_change=True)
            work.audit("password.set", person)
            for one in wanted:
                grants.give(work, None, person, one, home, below=True, ends_at=None)
    finally:
        hub.close()
    typer.echo(f"{person.login} can log in with this password and must then change it: {password}")


@people.command("password")
def set_password(login: Annotated[str, typer.Argument(help="Whose password is lost.")]) -> None:
    """Sets a new password that must be changed at the next log-in; ends every log-in and unlocks the account."""
    password = passwords.invent()
    hashed = passwords.hash_password(password)
    hub = build(Settings())
    try:
        with hub.works.write(OPERATOR) as work:
            person = _person(work.session, login)
            passwords.set_password(work, person, hashed, must_change=True).totp = None
            work.audit("password.set", person)
    finally:
        hub.close()
    typer.echo(f"{person.login} can log in with this password and must then change it: {password}")


@keys.command("create")
def create_token(
    login: Annotated[str, typer.Option(help="In whose name the program acts; it may never do more than this person.")],
    name: Annotated[str, typer.Option(help="What the token is for.")],
    permission: Annotated[
        list[str] | None,
        typer.Option(help="Limits the token to this permission; may be repeated. Default: all the person's."),
    ] = None,
    days: Annotated[int, typer.Option(min=0, help="Days until it expires; 0: never.")] = 365,
    unit: Annotated[str, typer.Option(help="Code of a unit that the token is limited to, with those below.")] = "",
) -> None:
    """Makes a token and prints it once; it cannot be shown again."""
    wanted = None if not permission else [_permission(one) for one in permission]
    hub = build(Settings())
    try:
        with hub.works.write(OPERATOR) as work:
            person = _person(work.session, login)
            within = _unit(work, unit, "").id if unit else None
            expires_at = work.now + timedelta(days=days) if days else None
            _token, text = tokens.create(work, person, name, permissions=wanted, unit_id=within, expires_at=expires_at)
    finally:
        hub.close()
    typer.echo(text)


def _person(session: Session, login: str) -> Person:
    person = session.scalars(select(Person).where(Person.login == login.strip().lower())).one_or_none()
    if person is None:
        raise CannotRun(why=f"There is nobody with the login name {login!r}.")
    return person


def _unit(work: Work, code: str, root: str) -> Unit:
    query = select(Unit).where(Unit.code == code) if code else select(Unit).where(Unit.parent_id.is_(None))
    unit = work.session.scalars(query.order_by(Unit.id)).first()
    if unit is not None:
        return unit
    if code or not root:
        none_yet = "There is no unit yet: name the root with --root."
        raise CannotRun(why=f"There is no unit with the code {code!r}." if code else none_yet)
    unit = add_unit(work.session, root, "root")
    work.audit("unit.created", unit, code=unit.code)
    return unit


def _permission(name: str) -> Permission:
    try:
        return Permission(name)
    except ValueError:
        raise CannotRun(why=f"There is no permission {name!r}. Known: {', '.join(Permission)}.") from None
