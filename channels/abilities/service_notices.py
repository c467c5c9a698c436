"""服务通知: one message to one citizen about his own matter, in a form that the platform has approved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Way = Literal["template", "subscribe"]


@dataclass(frozen=True)
class ApprovedForm:
    """A form the account may use: its number, its title, the names of its places, and its text with the places.

    `lasting`: a follower agrees to it once and for long, else each time for one message.
    """

    template_id: str
    title: str
    places: tuple[str, ...]
    text: str = ""
    lasting: bool = False


@dataclass(frozen=True)
class ServiceNotice:
    """One notice: to whom, in which form, what stands in its places, and where it leads.

    `key` marks it at the platform, where there is such a mark: the same within `ServiceNotices.key_minutes` is sent
    once.
    """

    to: str
    way: Way
    template_id: str
    values: Mapping[str, str]
    key: str
    url: str = ""


class ServiceNotices(ABC):
    """A channel that sends such notices."""

    # For so long a template message may be repeated under its key; a subscribe message has no key.
    key_minutes: ClassVar[float]

    @classmethod
    def not_offered(cls, settings: Mapping[str, Any]) -> str:
        """Why the platform has no such notices for an account with these settings, in plain words; '' where it has."""
        return ""

    @abstractmethod
    def forms(self, way: Way) -> list[ApprovedForm]:
        """The forms approved for the account."""

    @abstractmethod
    def notify(self, notice: ServiceNotice) -> str:
        """Sends it; returns the job whose end the platform tells later ('' when it tells none).

        Raises the errors of `channels.errors`; after OutcomeUnknown only a `template` notice may be repeated, and only
        within its minutes.
        """
