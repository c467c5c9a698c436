"""How wrong passwords are counted: so many in a row lock the account for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.auth.models import Credential


@dataclass(frozen=True)
class LockoutPolicy:
    """How many failures in a row lock an account, and for how long."""

    failures: int
    lasts: timedelta


def locked(credential: Credential, now: datetime) -> bool:
    """Whether the account is locked at this moment."""
    return credential.locked_until is not None and credential.locked_until > now


def count_failure(credential: Credential, policy: LockoutPolicy, now: datetime) -> bool:
    """Counts one wrong password; True when it locks the account."""
    if credential.locked_until is not None and credential.locked_until <= now:
        credential.failures, credential.locked_until = 0, None
    credential.failures += 1
    if credential.failures < policy.failures:
        return False
    credential.locked_until = now + policy.lasts
    return True


def forget_failures(credential: Credential) -> None:
    """After a right password the count begins anew."""
    credential.failures, credential.locked_until = 0, None
