"""People of the console: taken in, changed, switched off and on again."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import delete, or_, select

from hub.auth import tokens
from hub.auth.errors import NotToGrant
from hub.auth.models import LoginSession
from kernel.errors import Invalid
from kernel.people import ADMINISTRATORS, ROLES, Deputy, Grant, Permission, Person, Role, Unit
from kernel.work import Work

LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,99}")
EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
PHONE = re.compile(r"\+?[0-9 -]{5,20}")
# Who may do one of these is not to be impersonated by an administrator.
TRUSTED = frozenset({Permission.PIECE_SIGN, Permission.PIECE_REVIEW, Permission.CONVERSATION_ANSWER})


@dataclass(frozen=True)
class Card:
    """What a form says about a person."""

    name: str
    phone: str = ""
    email: str = ""

    def checked(self) -> Card:
        """The same without stray blanks; raises Invalid naming the field."""
        card = Card(self.name.strip(), self.phone.strip(), self.email.strip())
        if not card.name or len(card.name) > 100:
            raise Invalid(field="name", why="请填写姓名（不超过 100 字）。")
        if card.phone and not PHONE.fullmatch(card.phone):
            raise Invalid(field="phone", why="电话只能包含数字、空格、横线和开头的加号。")
        if card.email and (not EMAIL.fullmatch(card.email) or len(card.email) > 200):
            raise Invalid(field="email", why="邮箱格式不对，例如 name@example.gov.cn。")
        return card


def add_person(work: Work, unit: Unit, login: str, card: Card) -> Person:
    """Takes somebody in, without password and roles; raises Invalid when the login name is taken or unfit."""
    login = login.strip().lower()
    if not LOGIN.fullmatch(login):
        raise Invalid(field="login", why="登录名为 2 至 100 位的英文字母、数字或 . _ @ -，以字母或数字开头。")
    if work.session.scalars(select(Person.id).where(Person.login == login)).first() is not None:
        raise Invalid(field="login", why=f"登录名“{login}”已被使用。")
    card = card.checked()
    person = Person(unit_id=unit.id, login=login, name=card.name, phone=card.phone, email=card.email)
    work.session.add(person)
    work.session.flush()
    work.audit("person.created", person, login=login)
    return person


def change_person(work: Work, person: Person, unit: Unit, card: Card) -> list[str]:
    """Changes name, contact and unit, and says which; the log says which of them, not the values."""
    card = card.checked()
    new = {"name": card.name, "phone": card.phone, "email": card.email, "unit_id": unit.id}
    changed = [key for key, value in new.items() if getattr(person, key) != value]
    for key in changed:
        setattr(person, key, new[key])
    if changed:
        work.audit("person.changed", person, fields=changed)
    return changed


def deactivate(work: Work, person: Person) -> None:
    """Switches a person off: every log-in and every token ends at once."""
    if _last_security_admin(work, person):
        raise NotToGrant(
            why="这是最后一名在用的安全管理员，停用后将无人能够授权。", why_en="nobody could give roles any more."
        )
    person.active = False
    work.session.execute(delete(LoginSession).where(LoginSession.person_id == person.id))
    tokens.revoke_all(work, person.id)
    work.audit("person.deactivated", person)


def activate(work: Work, person: Person) -> None:
    """Switches a person on again."""
    person.active = True
    work.audit("person.activated", person)


def is_administrator(work: Work, person: Person) -> bool:
    """Whether the person holds one of the three administrators' roles."""
    names = [role.value for role in ADMINISTRATORS]
    query = select(Grant.id).where(Grant.person_id == person.id, Grant.role.in_(names))
    return work.session.scalars(query.limit(1)).first() is not None


def is_trusted(work: Work, person: Person) -> bool:
    """Whether the person signs, reviews or answers citizens, himself or in somebody's place: now or later on."""
    roles = [role.value for role, rights in ROLES.items() if rights & TRUSTED]
    lasting = or_(Grant.ends_at.is_(None), Grant.ends_at > work.now)
    granted = select(Grant.id).where(Grant.person_id == person.id, Grant.role.in_(roles), lasting)
    standing_in = select(Deputy.id).where(Deputy.deputy_id == person.id, Deputy.ends_at > work.now)
    return any(work.session.scalars(query.limit(1)).first() is not None for query in (granted, standing_in))


def _last_security_admin(work: Work, person: Person) -> bool:
    query = (
        select(Grant.person_id)
        .join(Person, Person.id == Grant.person_id)
        .where(Grant.role == Role.SECURITY_ADMIN.value, Person.active)
    )
    return set(work.session.scalars(query)) == {person.id}
