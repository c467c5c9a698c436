"""Keys for programs: an API token acts in a person's name, never beyond what the person may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select

from hub.auth.models import ApiToken
from hub.auth.secret import fingerprint, new_token
from kernel.errors import Invalid
from kernel.people import Permission, Person, Viewer, units_below, viewer
from kernel.work import Work, Works

PREFIX = "xd_"
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Bearer:
    """A valid token with what it may do at this moment."""

    token: ApiToken
    viewer: Viewer


def create(
    work: Work,
    person: Person,
    name: str,
    *,
    permissions: Iterable[Permission] | None = None,
    unit_id: int | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Makes a token and returns it with its text, which is shown once and never again."""
    if not name.strip():
        raise Invalid(field="name", why="请填写令牌名称。")
    text = PREFIX + new_token()
    token = ApiToken(
        name=name.strip()[:100],
        token_hash=fingerprint(text),
        person_id=person.id,
        unit_id=unit_id,
        scopes=None if permissions is None else sorted(permission.value for permission in permissions),
        created_at=work.now,
        expires_at=expires_at,
    )
    work.session.add(token)
    work.session.flush()
    work.audit("token.created", token, name=token.name, person=person.login, scopes=token.scopes, until=expires_at)
    return token, text


def revoke(work: Work, token: ApiToken) -> None:
    """Ends a token; a second time does nothing."""
    if token.revoked_at is None:
        token.revoked_at = work.now
        work.audit("token.revoked", token, name=token.name)


def revoke_all(work: Work, person_id: int) -> None:
    """Ends every token of a person."""
    for token in work.session.scalars(select(ApiToken).where(ApiToken.person_id == person_id)):
        revoke(work, token)


def recognise(works: Works, text: str) -> Bearer | None:
    """Whose token this is and what it may do, or None when it is unknown, revoked, expired or its person inactive."""
    with works.read() as work:
        row = work.session.execute(
            select(ApiToken, Person)
            .join(Person, Person.id == ApiToken.person_id)
            .where(ApiToken.token_hash == fingerprint(text), ApiToken.revoked_at.is_(None), Person.active)
        ).one_or_none()
        if row is None:
            return None
        token: ApiToken = row[0]
        if token.expires_at is not None and token.expires_at <= work.now:
            return None
        within = None if token.unit_id is None else units_below(work.session, token.unit_id)
        bearer = Bearer(token, _narrowed(viewer(work.session, row[1], work.now), token.scopes, within))
        stale = token.used_at is None or token.used_at <= work.now - USED_EVERY
    if stale:
        with works.write() as work:
            used = work.session.get(ApiToken, token.id)
            if used is not None:
                used.used_at = work.now
    return bearer


def _narrowed(who: Viewer, scopes: list[str] | None, within: set[int] | None) -> Viewer:
    reach = {
        permission: units if within is None else units & within
        for permission, units in who.reach.items()
        if scopes is None or permission.value in scopes
    }
    return replace(who, reach=reach)
