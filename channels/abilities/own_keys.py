"""A secret that this system makes by itself: no platform gives it out, and nobody need ever see it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar


class MakesOwnKey(ABC):
    """The ability; nothing here touches the network."""

    own_key: ClassVar[str]

    @classmethod
    @abstractmethod
    def make_key(cls) -> str:
        """A new secret for the credential `own_key`, to be sealed at once."""

    @classmethod
    @abstractmethod
    def key_fault(cls, given: Mapping[str, str]) -> str:
        """Why what was entered can be no such secret, in plain words; '' where it can or nothing was entered."""
