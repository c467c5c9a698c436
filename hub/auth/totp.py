"""Codes of an authenticator app (RFC 6238: 6 digits, 30 seconds, SHA-1)."""

from __future__ import annotations

from datetime import datetime
from secrets import compare_digest

import pyotp

STEP = 30
ISSUER = "宣达"


def new_secret() -> str:
    """A fresh secret in base32."""
    return pyotp.random_base32()


def address(secret: str, login: str) -> str:
    """The otpauth address that an authenticator app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)


def matching_step(secret: str, code: str, now: datetime, after: int = 0) -> int | None:
    """The time step a code belongs to, one step early or late at most, or None.

    Steps up to `after` are refused, so that a code that was looked on at cannot be used a second time.
    """
    generator = pyotp.TOTP(secret)
    present = int(now.timestamp()) // STEP
    for step in (present - 1, present, present + 1):
        if step > after and compare_digest(generator.generate_otp(step), code.strip()):
            return step
    return None
