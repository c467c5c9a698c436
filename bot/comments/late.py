"""Comments that nobody answered in time, and words of danger in them, are told to people."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from bot import rules as desk_rules
from bot.comments.events import CommentDanger, CommentsLate
from bot.comments.models import Comment
from bot.comments.states import CommentState
from bot.comments.store import real
from kernel.office_rules import value_of
from kernel.work import Work, Works

BATCH = 500


def alarm_late(works: Works) -> int:
    """Tells, once per comment and together per unit, what passed its deadline unanswered; returns how many."""
    with works.write() as work:
        query = select(Comment).where(
            Comment.state == CommentState.OPEN, Comment.due_at < work.now, Comment.late_told_at.is_(None), real()
        )
        rows = work.session.scalars(query.order_by(Comment.due_at).limit(BATCH).with_for_update(skip_locked=True)).all()
        by_unit: dict[int, list[Comment]] = {}
        for row in rows:
            row.late_told_at = work.now
            work.audit("comment.late", row)
            by_unit.setdefault(row.unit_id, []).append(row)
        for unit_id, late in by_unit.items():
            work.emit(CommentsLate(unit_id, late[0].id, len(late)))
        return len(rows)


def alarm_danger_again(works: Works) -> int:
    """Danger that nobody has taken up is told again; returns how often."""
    with works.write() as work:
        query = select(Comment).where(Comment.urgent_at.is_not(None), Comment.acknowledged_at.is_(None), real())
        told = 0
        for row in work.session.scalars(query.limit(BATCH).with_for_update(skip_locked=True)):
            again = float(value_of(work.session, desk_rules.URGENT_AGAIN, row.unit_id, work.now))
            if row.urgent_told_at is None or row.urgent_told_at <= work.now - timedelta(minutes=again):
                alarm(work, row)
                told += 1
        return told


def alarm(work: Work, comment: Comment) -> None:
    """Tells the people on duty of danger in a comment, once more."""
    comment.urgent_told += 1
    comment.urgent_told_at = work.now
    work.audit("comment.alarmed", comment, word=comment.urgent_word, round=comment.urgent_told)
    work.emit(CommentDanger(comment.id, comment.unit_id, comment.urgent_word, comment.text[:200], comment.urgent_told))
