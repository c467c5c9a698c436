"""Tags: labels that an account gives to its followers, by which a mass message may reach some of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from channels.base import Problem


@dataclass(frozen=True)
class Tag:
    """A label, and how many followers have it."""

    id: int
    name: str
    people: int = 0


@dataclass(frozen=True)
class TagLimits:
    """How many tags an account may have, how long a name may be in bytes, how many people one call may tag, and how
    many tags one of them may have (`his`)."""

    tags: int
    name: int
    people_a_call: int
    his: int


class Tags(ABC):
    """A channel whose accounts tag their followers."""

    tag_limits: ClassVar[TagLimits]

    @abstractmethod
    def tags(self) -> list[Tag]:
        """The account's tags as they are now."""

    @abstractmethod
    def create_tag(self, name: str) -> Tag:
        """A new tag."""

    @abstractmethod
    def rename_tag(self, tag_id: int, name: str) -> None:
        """Another name for a tag; its people keep it."""

    @abstractmethod
    def delete_tag(self, tag_id: int) -> None:
        """Takes a tag from everybody and from the account."""

    @abstractmethod
    def tag_people(self, tag_id: int, people: Sequence[str]) -> None:
        """Gives these people the tag; who has it already keeps it."""

    @abstractmethod
    def untag_people(self, tag_id: int, people: Sequence[str]) -> None:
        """Takes the tag from these people; who has not got it is left as he is."""

    @abstractmethod
    def tags_of(self, person: str) -> list[int]:
        """The numbers of the tags that somebody has."""


def name_problems(limits: TagLimits, name: str) -> list[Problem]:
    """What does not fit about a name."""
    size = len(name.encode())
    if not name.strip():
        return [Problem("name", "请填写标签名称。")]
    if size > limits.name:
        return [Problem("name", f"标签名称为 {size} 字节，最多 {limits.name} 字节（一个汉字 3 字节）。")]
    return []
