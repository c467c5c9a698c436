"""Dressing: the lines that an account puts around each piece (above the title, at the end), signed with its words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class Dressed(ABC):
    """A channel in whose layout the account itself has something to say."""

    @classmethod
    @abstractmethod
    def dressing(cls, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the account's settings put into the layout, by the layout's own names; only what was filled in."""
