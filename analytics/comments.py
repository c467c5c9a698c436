"""How well comments beneath published items were answered within the office's limit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from bot.comments.models import Comment
from bot.comments.states import CommentState
from bot.comments.store import real

PERIOD = timedelta(days=30)


@dataclass(frozen=True)
class InTime:
    """Comments whose deadline fell into the period, and how many of them were answered before it."""

    due: int
    kept: int

    @property
    def share(self) -> float | None:
        """Between 0 and 1; None where nothing was due."""
        return self.kept / self.due if self.due else None


def answered_in_time(session: Session, units: Collection[int], now: datetime, period: timedelta = PERIOD) -> InTime:
    """The share for these units; what needed no answer, or was gone before its deadline, does not count."""
    asked = (
        Comment.unit_id.in_(units),
        real(),
        Comment.due_at >= now - period,
        or_(Comment.due_at < now, Comment.answered_at.is_not(None)),
        Comment.state != CommentState.SETTLED,
        or_(Comment.gone_at.is_(None), Comment.gone_at >= Comment.due_at, Comment.answered_at.is_not(None)),
    )
    kept = and_(Comment.answered_at.is_not(None), Comment.answered_at <= Comment.due_at)
    due = session.scalar(select(func.count(Comment.id)).where(*asked)) or 0
    return InTime(due, session.scalar(select(func.count(Comment.id)).where(*asked, kept)) or 0)
