"""接管: taking over an account that is in use: what stands in the way, and what it shows and answers today."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from channels.abilities.menus import ShownMenu

EXACT, CONTAINS = "exact", "contains"


@dataclass(frozen=True)
class Standing:
    """What the platform lets us do: `reason` says why it does not, in plain words.

    `address` is the one it saw us come from, where it said so; `certified` is None when it could not be told.
    """

    reachable: bool
    reason: str = ""
    code: str = ""
    address: str = ""
    certified: bool | None = None


@dataclass(frozen=True)
class PreparedReply:
    """A reply made in the platform's console; `words` are (word, exact or contains), none: on follow or to anything.

    `lost` names in words what of the answer cannot be taken over.
    """

    name: str
    trigger: str
    words: tuple[tuple[str, str], ...] = ()
    answers: tuple[str, ...] = ()
    several: str = "all"
    lost: tuple[str, ...] = ()


@dataclass(frozen=True)
class PresentReplies:
    """The replies made in the platform's console, and which of them are on."""

    replies: tuple[PreparedReply, ...]
    follow_on: bool
    keywords_on: bool
    raw: Mapping[str, Any] = field(default_factory=dict)


class TakingOver(ABC):
    """A channel whose accounts can be taken over from another system, or from hands."""

    @abstractmethod
    def standing(self) -> Standing:
        """Whether we get in, and what the account may do; never raises for a no of the platform."""

    @abstractmethod
    def present_menu(self) -> ShownMenu:
        """The menu in force, or the one made by hand that is switched off."""

    @abstractmethod
    def present_replies(self) -> PresentReplies:
        """The replies made by hand."""
