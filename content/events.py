"""What content tells those above it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.events import Event


@dataclass(frozen=True)
class ReleaseSubmitted(Event):
    """A release waits for the signature of `level`."""

    release_id: int
    piece_id: int
    unit_id: int
    level: int


@dataclass(frozen=True)
class ReleaseReturned(Event):
    """A release was returned to its author with a reason."""

    release_id: int
    piece_id: int
    unit_id: int
    author_id: int
    reason: str


@dataclass(frozen=True)
class ReleaseSigned(Event):
    """A release has its last signature and may go out inside its window."""

    release_id: int
    piece_id: int
    unit_id: int


@dataclass(frozen=True)
class ReleaseVoided(Event):
    """A release can go out no more: its piece was changed, submitted again or taken back."""

    release_id: int
    piece_id: int
    unit_id: int


@dataclass(frozen=True)
class LinksDied(Event):
    """So many addresses that public pieces of this unit link to were found dead; `first` is one of them."""

    unit_id: int
    count: int
    first: str


@dataclass(frozen=True)
class LaterSigningOpened(Event):
    """An emergency release went out and owes its ordinary signatures (补签)."""

    later_id: int
    release_id: int
    unit_id: int
    due_at: datetime


@dataclass(frozen=True)
class LaterSigningObjected(Event):
    """A later signer does not agree with what went out; a person must correct or withdraw it."""

    later_id: int
    release_id: int
    unit_id: int
    reason: str
