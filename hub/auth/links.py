"""Links that work once: looked at as often as one likes, used one time, optionally only with a code.

The code is hashed together with the link's token, which is nowhere stored; so a stolen database gives away neither.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.auth.errors import LinkRefused, WrongCode
from hub.auth.models import OneTimeLink
from hub.auth.secret import fingerprint, new_token
from kernel.model import Base
from kernel.work import Work

MOST_TRIES = 5


@dataclass(frozen=True)
class NewLink:
    """A link as it is handed over once: the token for the address, the code (empty when none) for another way."""

    link: OneTimeLink
    token: str
    code: str


def issue(
    work: Work, purpose: str, person_id: int, lasts: timedelta, *, target: Base | None = None, with_code: bool = False
) -> NewLink:
    """Makes a link for one person and one thing; earlier unused ones for the same end stop working."""
    kind, target_id = _object(target)
    for old in work.session.scalars(
        select(OneTimeLink).where(
            OneTimeLink.purpose == purpose,
            OneTimeLink.person_id == person_id,
            OneTimeLink.object_kind == kind,
            OneTimeLink.object_id == target_id if target_id is not None else OneTimeLink.object_id.is_(None),
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at > work.now,
        )
    ):
        old.expires_at = work.now
    token = new_token()
    code = f"{secrets.randbelow(10**6):06d}" if with_code else ""
    link = OneTimeLink(
        token_hash=fingerprint(token),
        purpose=purpose,
        person_id=person_id,
        object_kind=kind,
        object_id=target_id,
        created_at=work.now,
        expires_at=work.now + lasts,
        code_hash=_code_hash(token, code) if with_code else None,
        tries=0,
    )
    work.session.add(link)
    work.session.flush()
    work.audit("link.issued", link, purpose=purpose, person=person_id, until=link.expires_at)
    return NewLink(link, token, code)


def find(session: Session, token: str, purpose: str, now: datetime) -> OneTimeLink:
    """The link while it can still be used, without using it; raises LinkRefused."""
    query = select(OneTimeLink).where(OneTimeLink.token_hash == fingerprint(token), OneTimeLink.purpose == purpose)
    link = session.scalars(query).one_or_none()
    if link is None or not _alive(link, now):
        raise LinkRefused
    return link


def use(work: Work, token: str, purpose: str, code: str = "") -> OneTimeLink | WrongCode | LinkRefused:
    """Uses the link up and returns it, or returns what to raise once the work is committed.

    A wrong code is counted, and raising inside the work would roll the count back.
    """
    query = select(OneTimeLink).where(OneTimeLink.token_hash == fingerprint(token), OneTimeLink.purpose == purpose)
    link = work.session.scalars(query.with_for_update()).one_or_none()
    if link is None or not _alive(link, work.now):
        return LinkRefused()
    if link.code_hash is not None and not secrets.compare_digest(link.code_hash, _code_hash(token, code.strip())):
        link.tries += 1
        work.audit("link.refused", link, purpose=purpose, tries=link.tries)
        left = MOST_TRIES - link.tries
        return WrongCode(field="code", left=left) if left > 0 else LinkRefused()
    link.used_at = work.now
    work.audit("link.used", link, purpose=purpose)
    return link


def _alive(link: OneTimeLink, now: datetime) -> bool:
    return link.used_at is None and link.expires_at > now and link.tries < MOST_TRIES


def _object(target: Base | None) -> tuple[str, int | None]:
    return ("", None) if target is None else (target.__tablename__, getattr(target, "id", None))


def _code_hash(token: str, code: str) -> str:
    return hashlib.sha256(f"{token}:{code}".encode()).hexdigest()
