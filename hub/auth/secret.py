"""Random tokens and the hashes by which they are found again."""

from __future__ import annotations

import hashlib
import secrets


def new_token() -> str:
    """A token of 256 random bits, safe in an address."""
    return secrets.token_urlsafe(32)


def fingerprint(token: str) -> str:
    """The SHA-256 of a token in hexadecimal; with 256 random bits a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()
