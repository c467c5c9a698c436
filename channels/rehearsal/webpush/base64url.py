"""Base64 for addresses, without padding."""

from __future__ import annotations

import base64
import re

_FORM = re.compile(r"[A-Za-z0-9_-]*")


def encode(content: bytes) -> str:
    """The text of some bytes."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decode(text: str) -> bytes:
    """The bytes of a text; ValueError when it is not base64url. Padding is allowed."""
    bare = text.rstrip("=")
    if not _FORM.fullmatch(bare):
        raise ValueError(text)
    return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
