"""Numbers of people as they may be shown to others: 138****1234 and 35*************123."""

from __future__ import annotations

import re

MOBILE = re.compile(r"(?<!\d)(1\d{2})\d{4}(\d{4})(?!\d)")
# Resident identity numbers: 18 characters whose last may be X, or the older 15 digits.
IDENTITY = re.compile(r"(?<![0-9A-Za-z])(\d{2})(\d{13}|\d{10})(\d{2}[\dXx])(?![0-9A-Za-z])")
# In what machines write, a run of digits within a digest or an address of a file is no telephone.
_ALONE = re.compile(r"(?<![0-9A-Za-z_])(1[3-9]\d)\d{4}(\d{4})(?![0-9A-Za-z_])")


def mask_phone(text: str) -> str:
    """Mobile numbers in a text as ``138****1234``."""
    return MOBILE.sub(r"\1****\2", text)


def mask_id(text: str) -> str:
    """Resident identity numbers in a text as ``35*************123``."""
    return IDENTITY.sub(lambda found: found[1] + "*" * len(found[2]) + found[3], text)


def mask_line(text: str) -> str:
    """Both, in a line that a program wrote."""
    return mask_id(_ALONE.sub(r"\1****\2", text)) if any(character.isdigit() for character in text) else text
