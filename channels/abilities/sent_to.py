"""How many readers a platform sent one message to, as it told when it was done; kept with where the items show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# The name under which an item's data keep it.
SENT_TO = "sent_to"


@dataclass(frozen=True)
class SentTo:
    """`meant` bear the audience's mark, `fit` of them may get it; to so many it was `sent`, to so many it `failed`."""

    meant: int
    fit: int
    sent: int
    failed: int

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> SentTo | None:
        """What an item's data keep of it; None where the platform told nothing."""
        kept = data.get(SENT_TO)
        return cls(**kept) if isinstance(kept, Mapping) else None

    def kept(self) -> Mapping[str, Any]:
        """As an item's data keep it."""
        return {SENT_TO: asdict(self)}
