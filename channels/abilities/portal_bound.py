"""Bound to the portal: an account whose settings point readers at pages of ours needs a portal of ours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class PortalBound(ABC):
    """A channel that may be told to let its readers fetch something from our own portal."""

    @classmethod
    @abstractmethod
    def bound_by(cls, settings: Mapping[str, Any]) -> str:
        """The setting that does so; '' where none does."""
