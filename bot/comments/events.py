"""What comments tell those above them."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event


@dataclass(frozen=True)
class CommentsHeard(Event):
    """Citizens wrote something new beneath an item."""

    thread_id: int
    unit_id: int
    number: int


@dataclass(frozen=True)
class CommentsLate(Event):
    """Comments of a unit passed their deadline without an answer; `comment_id` is the oldest of them."""

    unit_id: int
    comment_id: int
    number: int


@dataclass(frozen=True)
class CommentDanger(Event):
    """Words of danger stand in a comment; told again until somebody has taken it up."""

    comment_id: int
    unit_id: int
    word: str
    words: str
    round: int


@dataclass(frozen=True)
class AnswerLost(Event):
    """An answer to a comment did not arrive, or nobody knows whether it did."""

    comment_id: int
    unit_id: int
    person_id: int | None
    reason: str
