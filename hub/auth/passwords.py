"""Passwords: what is good enough, how they are kept, and how they are changed."""

from __future__ import annotations

import secrets
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete

from hub.auth.errors import WeakPassword
from hub.auth.models import Credential, LoginSession
from kernel.people import Person
from kernel.work import Work

SHORT, LONG, LONGEST = 10, 12, 200
FEWEST_CHARACTERS = 5
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

_hasher = PasswordHasher()
# One check takes 64 MiB; a flood of log-ins must wait here instead of exhausting the machine.
_few_at_once = BoundedSemaphore(4)
_NOBODY = _hasher.hash(secrets.token_hex(16))


def check_strength(password: str, login: str) -> None:
    """Raises WeakPassword unless it has 12 characters, or 10 of three classes, and does not hold the login name."""
    if len(password) > LONGEST:
        raise WeakPassword(
            field="password", why=f"不能超过 {LONGEST} 个字符。", why_en=f"at most {LONGEST} characters."
        )
    if len(password) < SHORT or (len(password) < LONG and _classes(password) < 3):
        raise WeakPassword(
            field="password",
            why=f"至少 {LONG} 个字符，或至少 {SHORT} 个字符且包含大写字母、小写字母、数字、符号中的三种。",
            why_en=f"at least {LONG} characters, or {SHORT} with three of capitals, small letters, digits and signs.",
        )
    if login.casefold() in password.casefold():
        raise WeakPassword(field="password", why="不能包含登录名。", why_en="it must not contain the login name.")
    if len(set(password)) < FEWEST_CHARACTERS:
        raise WeakPassword(field="password", why="重复字符过多。", why_en="too few different characters.")


def hash_password(password: str) -> str:
    """The password as argon2id text."""
    with _few_at_once:
        return _hasher.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether the password belongs to the hash; takes the same time when there is none to compare with."""
    with _few_at_once:
        try:
            return _hasher.verify(kept or _NOBODY, password[:LONGEST]) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def outdated(kept: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(kept)


def invent() -> str:
    """A password of 14 characters that can be read out: no l and 1, no O and 0."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(14))


def set_password(work: Work, person: Person, hashed: str, *, must_change: bool = False) -> Credential:
    """Keeps a new password, unlocks the account and ends every log-in of the person.

    `hashed` comes from `hash_password`, called before the work: hashing takes longer than a lock may be held.
    """
    credential = work.session.get(Credential, person.id, with_for_update=True)
    if credential is None:
        credential = Credential(person_id=person.id, failures=0)
        work.session.add(credential)
    credential.hash = hashed
    credential.changed_at = work.now
    credential.must_change = must_change
    credential.failures = 0
    credential.locked_until = None
    work.session.execute(delete(LoginSession).where(LoginSession.person_id == person.id))
    work.session.flush()
    return credential


def _classes(password: str) -> int:
    kinds = (str.islower, str.isupper, str.isdigit, lambda char: not char.isalnum())
    return sum(any(kind(char) for char in password) for kind in kinds)
