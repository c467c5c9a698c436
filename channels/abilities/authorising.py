"""Authorisation by an account's own person at the platform (OAuth 2): given there, kept here, given anew at its end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Granted:
    """What the platform gave: credentials to be sealed, whose account it is there, and when it ends."""

    credentials: Mapping[str, str] = field(repr=False)
    handle: str
    expires_at: datetime


class Authorises(ABC):
    """The ability; only `exchange` touches the network, and raises the errors of `channels.errors`."""

    @abstractmethod
    def missing_for_authorising(self) -> str:
        """What has to be entered first, in plain words; '' when nothing."""

    @abstractmethod
    def authorise_url(self, redirect: str, state: str) -> str:
        """Where the account's own person says yes; the platform sends him back to `redirect` with `state`."""

    @abstractmethod
    def exchange(self, redirect: str, code: str) -> Granted:
        """What the platform gives for the code it sent him back with."""

    @abstractmethod
    def own_handle(self) -> str:
        """The account at the platform as it is registered here; '' where it is not."""

    def learnt(self, granted: Granted) -> Mapping[str, str]:
        """The settings that say whose account it is, where they are not registered here yet."""
        return {}
