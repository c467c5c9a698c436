"""Rehearsing (演练): an adapter that knows how its account is set up on the rehearsal platforms.

A channel without it can be rehearsed as well: its deliveries end on a platform in memory that nobody sees.
"""

from __future__ import annotations

import base64
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Seed:
    """What a stand-in is made from: the account's name and settings, the portal's host, and a secret of its own.

    The same seed makes the same stand-in, so that setting it up again changes nothing.
    """

    name: str
    settings: Mapping[str, Any]
    site: str
    secret: str = field(repr=False)

    def hexes(self, what: str, length: int) -> str:
        """So many hexadecimal digits for a purpose; the real account's credentials are never used."""
        return hashlib.sha256(f"{what} {self.secret}".encode()).hexdigest()[:length]

    def digits(self, what: str, length: int) -> str:
        """So many digits, the first of them not zero."""
        number = int(self.hexes(what, 64), 16) % (9 * 10 ** (length - 1))
        return str(number + 10 ** (length - 1))

    def key(self, what: str) -> str:
        """32 bytes as base64url without padding (43 characters)."""
        made = hashlib.sha256(f"{what} {self.secret}".encode()).digest()
        return base64.urlsafe_b64encode(made).decode().rstrip("=")


@dataclass(frozen=True)
class StandIn:
    """An account on the rehearsal platforms: what opens it there, and how our double reaches it.

    `openings` are posted to the rehearsal's door `/control/accounts/<platform>`; an answer with `endpoint` and `keys`
    is a browser that wants notices, one with `settings` tells what only the platform knows (its port, its key). `path`
    is where the platform lies below the rehearsal's address. A platform that pushes is told our address once the double
    is there, at the door `/control/<told_at>`, with what `told` names besides; it checks it as the real one does.
    """

    platform: str = ""
    openings: Sequence[Mapping[str, Any]] = ()
    path: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    told_at: str = ""
    told: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Rehearsing(ABC):
    """What a channel says about its stand-in."""

    @classmethod
    @abstractmethod
    def stand_in(cls, seed: Seed) -> StandIn:
        """The account's double on the rehearsal platforms; pure."""
