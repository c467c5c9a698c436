"""Reads comments: the list with its filters, one comment with its answers, how many wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bot.comments.models import Comment, CommentAnswer, CommentThread
from bot.comments.states import CommentState
from channels.accounts.models import Account
from kernel.people import Permission, Person, Viewer, scoped

P = Permission


@dataclass(frozen=True)
class Waiting:
    """What waits in a viewer's reach: unanswered, of these past the deadline, and danger nobody has taken up."""

    unanswered: int
    late: int
    danger: int


def real() -> ColumnElement[bool]:
    """That a comment was written by a citizen, and not on an account's double in a rehearsal."""
    return Comment.account_id.not_in(select(Account.id).where(Account.stands_for.is_not(None)))


def waiting(session: Session, who: Viewer, now: datetime) -> Waiting:
    """The counts of the moment."""
    unanswered = Comment.state == CommentState.OPEN
    danger = Comment.urgent_at.is_not(None) & Comment.acknowledged_at.is_(None)

    def count(condition: object) -> int:
        query = select(func.count(Comment.id)).where(real(), condition)  # type: ignore[arg-type]  # Conditions of this table.
        return session.scalar(scoped(query, Comment.unit_id, who, P.CONVERSATION_READ)) or 0

    return Waiting(count(unanswered), count(unanswered & (Comment.due_at < now)), count(danger))


def answers_of(session: Session, comment_id: int) -> list[tuple[CommentAnswer, str]]:
    """A comment's answers with the names of those who wrote them, oldest first."""
    query = (
        select(CommentAnswer, Person.name)
        .outerjoin(Person, Person.id == CommentAnswer.person_id)
        .where(CommentAnswer.comment_id == comment_id)
        .order_by(CommentAnswer.at, CommentAnswer.id)
    )
    return [(row, name or "") for row, name in session.execute(query)]


def accounts_with_threads(session: Session, who: Viewer) -> Sequence[Account]:
    """The accounts in reach beneath whose items people can write."""
    used = scoped(select(CommentThread.account_id), CommentThread.unit_id, who, P.CONVERSATION_READ)
    return session.scalars(select(Account).where(Account.id.in_(used)).order_by(Account.name, Account.id)).all()
