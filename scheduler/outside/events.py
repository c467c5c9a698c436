"""What the comparison tells those above."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event


@dataclass(frozen=True)
class DiffersOutside(Event):
    """An account shows what we did not publish, or no longer shows what we believe it does."""

    account_id: int
    unit_id: int
    account: str
    day: str
    outside: int
    missing: int
    first: str


@dataclass(frozen=True)
class LaterSignatureDue(Event):
    """Something published outside is past its deadline: not registered yet, or registered and not signed."""

    outside_id: int
    unit_id: int
    title: str
    day: str
    registered: bool
