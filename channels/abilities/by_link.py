"""A platform whose public addresses tell the number of what stands there: a pasted link is enough to ask for it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class KnownByLink(ABC):
    """A channel that reads the platform's number off a link."""

    @classmethod
    @abstractmethod
    def number_in(cls, settings: Mapping[str, Any], link: str) -> str:
        """The number of what this account shows there; '' for a link that is not one of its own. Pure."""
