"""Comments (留言、评论) beneath what was published: heard, answered, chosen, taken away, as the platform allows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from channels.base import Placed
from channels.errors import Unsupported

Act = Literal["select", "delete", "remove_answer", "switch", "choose"]
# In a post's note: whether readers may write beneath it, where that is chosen when it is booked (`choose`).
CHOSEN = "comments"
OPEN, FANS, CLOSED = "open", "fans", "closed"


@dataclass(frozen=True)
class Comment:
    """What a reader wrote, as the platform shows it now; `selected` is 精选 (others can read it)."""

    id: str
    author: str
    name: str
    text: str
    at: datetime
    selected: bool = False


@dataclass(frozen=True)
class OwnAnswer:
    """What the account itself answered; `to` is the comment's id, empty where the platform does not say."""

    id: str
    to: str
    text: str
    at: datetime


@dataclass(frozen=True)
class Heard:
    """What stands beneath an item. `complete`: it is everything, so that what is missing is gone from the platform.

    `cursor` is given back at the next hearing; `more` when something newer waits that this hearing did not reach.
    """

    comments: Sequence[Comment]
    answers: Sequence[OwnAnswer] = ()
    complete: bool = False
    cursor: str = ""
    more: bool = False


@dataclass(frozen=True)
class CommentLimits:
    """What can be done with comments beyond reading and answering; `notes` are told to people beforehand."""

    can: frozenset[Act]
    one_answer: bool
    notes: tuple[str, ...] = ()


class HearsComments(ABC):
    """The ability; methods touch the network and raise the errors of `channels.errors`.

    `Unsupported` means that the account has no right to it, now and tomorrow.
    """

    comment_limits: ClassVar[CommentLimits]

    @abstractmethod
    def hear_comments(self, placed: Placed, cursor: str) -> Heard:
        """What readers wrote beneath an item, and what the account answered there."""

    @abstractmethod
    def answer_fault(self, text: str) -> str:
        """Why these words would not be taken as an answer, in plain words; '' when they would. Pure."""

    @abstractmethod
    def answer_comment(self, placed: Placed, comment: Comment, text: str) -> str:
        """Answers a reader where all can read it; returns the answer's id at the platform, '' where it has none.

        A lost answer raises OutcomeUnknown. Words that stand there already are done.
        """

    def select_comment(self, placed: Placed, comment_id: str, selected: bool) -> None:
        """精选: shows a comment to all readers, or no longer; a second time does nothing."""
        raise Unsupported("该平台没有精选评论的接口")

    def delete_comment(self, placed: Placed, comment_id: str) -> None:
        """Takes a reader's comment away; one that is gone already is gone."""
        raise Unsupported("该平台不能删除市民的评论")

    def delete_answer(self, placed: Placed, comment_id: str, answer_id: str) -> None:
        """Takes the account's own answer away; one that is gone already is gone."""
        raise Unsupported("该平台不能删除答复")

    def switch_comments(self, placed: Placed, opened: bool) -> None:
        """Opens an item for comments, or closes it."""
        raise Unsupported("该平台不能通过接口开关评论")
