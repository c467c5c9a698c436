"""A platform that can say what an account really shows, for comparing it with what we believe."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from channels.base import Placed


@dataclass(frozen=True)
class Found:
    """One thing an account shows. `number` is the platform's own, `marks` what of ours it bears.

    `at` is when the platform says it was published; `html` is its text where the platform tells it.
    """

    number: str
    title: str
    url: str
    at: datetime
    html: str = ""
    author: str = ""
    digest: str = ""
    mark: str = ""
    notified: bool | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


class Inventory(ABC):
    """What an adapter reads to compare; nobody sees an effect of it."""

    looks_back: ClassVar[int]

    @abstractmethod
    def inventory(self, since: date) -> Sequence[Found]:
        """Everything published since a day, as far as the platform lists it."""

    @abstractmethod
    def gone(self, placed: Sequence[Placed]) -> Mapping[int, str]:
        """Which of these the platform no longer shows, by piece id, with the reason in plain words."""
