"""A channel that shows an item on the platform itself before anybody else sees it: 真实预览."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from channels.base import Post

Level = Literal["block", "warn"]
LossKind = Literal["text", "field", "picture", "link", "style", "element"]
# Told of each step of a long preparation: how many are done, and of how many.
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Loss:
    """Something the platform took away or changed, in plain words; `block` where readers lose content by it."""

    kind: LossKind
    level: Level
    message: str


@dataclass(frozen=True)
class Previewed:
    """A draft at the platform, read back: its id there, the address that shows it for a while, and what it lost."""

    draft: str
    url: str
    losses: Sequence[Loss] = ()


class Previewing(ABC):
    """What an adapter does to show an item without publishing it. Nothing of this counts as going out.

    `reader_label` is what a person enters to get previews on his own phone; `sends_a_day` is how many may be sent.
    """

    reader_label: ClassVar[str]
    reader_help: ClassVar[str] = ""
    sends_a_day: ClassVar[int]

    @classmethod
    @abstractmethod
    def reader_fault(cls, reader: str) -> str:
        """What is wrong with what somebody entered as his own address, '' when nothing is."""

    @abstractmethod
    def preview(self, post: Post, tell: Tell) -> Previewed:
        """Makes the draft and reads it back. What an earlier attempt under the same key left behind is removed first.

        Raises the errors of `channels.errors`; nobody sees an effect, so that any of them may be tried again.
        """

    @abstractmethod
    def send_preview(self, draft: str, reader: str) -> None:
        """Sends the draft to one person's own account; raises Throttled when today's number is used up."""

    @abstractmethod
    def discard(self, post: Post, draft: str) -> None:
        """Takes everything made under the post's key away, also a draft whose number nobody was told."""
