"""Rations: what limits a send where the platform counts by its readers, and which counters a send adds to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from channels.base import Action


@dataclass(frozen=True)
class Ration:
    """One limit of a send: `counters` together stay within `limit`; the send adds one to the first of them.

    Counters that begin with `some` count for some of the readers only: once one of them is full, those hear nothing.
    `beyond` says what becomes of a send past the limit where nobody refuses it; "" where the platform does.
    """

    action: Action
    counters: tuple[str, ...]
    period: Literal["day", "month"]
    limit: int
    some: str = ""
    beyond: str = ""


class Rationed(ABC):
    """A channel whose limits depend on whom a post is for."""

    @classmethod
    @abstractmethod
    def rations(cls, settings: Mapping[str, Any], action: str, audience: Mapping[str, Any]) -> Sequence[Ration]:
        """What limits such a send on an account with these settings; nothing for what is not limited."""
