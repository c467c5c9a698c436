"""两人同办: what an administrator does to an account that signs or answers needs a second one who agrees."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Select, select

from hub.auth import links
from hub.auth.models import OneTimeLink
from kernel.errors import Forbidden
from kernel.people import Person, Viewer
from kernel.work import Work

LASTS = timedelta(hours=24)


class Deed(StrEnum):
    """What needs a second administrator: a password link that is shown, and another phone or mail address."""

    RESET = "permit.reset"
    CONTACT = "permit.contact"


def give(work: Work, giver: Viewer, person: Person, deed: Deed) -> None:
    """Agrees, for a day and one time; nobody agrees to what is done to himself."""
    if giver.person_id == person.id:
        raise Forbidden(what="同意更改自己的账号")
    # The link's token is thrown away: the row alone is the agreement, of whom it names.
    links.issue(work, deed, person.id, LASTS, target=work.session.get_one(Person, giver.person_id))
    work.audit("person.agreed", person, deed=deed.value)


def use(work: Work, asker: Viewer, person: Person, deed: Deed) -> bool:
    """Uses the agreements of others up; False when there is none that still holds."""
    query = _given(person, deed).where(OneTimeLink.expires_at > work.now, OneTimeLink.object_id != asker.person_id)
    held = work.session.scalars(query.with_for_update()).all()
    for one in held:
        one.used_at = work.now
        work.audit("link.used", one, purpose=deed.value)
    return bool(held)


def holds(work: Work, person: Person, deed: Deed) -> bool:
    """Whether an agreement still holds, for the page."""
    query = _given(person, deed).where(OneTimeLink.expires_at > work.now)
    return work.session.scalars(query.limit(1)).first() is not None


def _given(person: Person, deed: Deed) -> Select[OneTimeLink]:
    return select(OneTimeLink).where(
        OneTimeLink.purpose == deed, OneTimeLink.person_id == person.id, OneTimeLink.used_at.is_(None)
    )
