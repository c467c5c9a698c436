"""Reasons that people give for what they do with a ticket: written down, and short enough to be read."""

from __future__ import annotations

from kernel.errors import Invalid
from kernel.typed import tidy

LONGEST = 300


def given(reason: str, label: str, field: str = "reason") -> str:
    """The reason as it is kept; raises Invalid where nothing is said, or too much."""
    reason = tidy(reason).strip()
    if not 2 <= len(reason) <= LONGEST:
        raise Invalid(field=field, why=f"请写明{label}，2 到 {LONGEST} 字。")
    return reason
