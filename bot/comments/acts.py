"""What a person does with a comment; what touches the platform is asked for by those who hold the adapter."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.comments.collect import taken_back
from bot.comments.errors import AnswerUnderWay, WordsToCheck
from bot.comments.models import Comment, CommentAnswer
from bot.comments.states import COMMENT_LABELS, CommentState
from bot.states import ReplyState
from channels.abilities.comments import HearsComments
from content import checks
from content.models import ListedWord
from kernel.errors import Invalid, WrongState
from kernel.people import ancestors
from kernel.work import Work

S = CommentState
UNDER_WAY = (ReplyState.BOOKED, ReplyState.SENDING)


def findings(session: Session, unit_id: int, text: str) -> list[checks.Finding]:
    """What the word checks say of an answer: the office's list, misstatements, personal data, marks of secrecy."""
    rows = session.scalars(select(ListedWord).where(ListedWord.unit_id.in_(ancestors(session, unit_id))))
    words = [checks.Word(row.word, "block" if row.level == "block" else "warn", row.instead, row.note) for row in rows]
    return checks.of_words([checks.Part("text", "答复", text)], words)


def answer(work: Work, comment: Comment, adapter: HearsComments, text: str, *, checked: bool = False) -> CommentAnswer:
    """Books an answer, to leave at once. Raises Invalid, or WordsToCheck until the person has looked at warnings."""
    words = text.strip()
    if len(words) < 2:
        raise Invalid(field="text", why="请写明答复内容。")
    fault = adapter.answer_fault(words)
    if fault:
        raise Invalid(field="text", why=fault)
    found = findings(work.session, comment.unit_id, words)
    blocked = [one.message for one in found if one.level == "block"]
    if blocked:
        raise Invalid(field="text", why="".join(blocked))
    if found and not checked:
        raise WordsToCheck(field="text", what="".join(one.message for one in found))
    _locked(work, comment)
    if comment.state == S.GONE:
        raise WrongState(state=COMMENT_LABELS[S.GONE], act="答复")
    if _standing(work, comment, one_only=adapter.comment_limits.one_answer):
        raise AnswerUnderWay
    row = CommentAnswer(
        comment_id=comment.id,
        person_id=work.actor.person_id,
        text=words,
        state=ReplyState.BOOKED,
        at=work.now,
        next_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    work.audit("comment.answered", comment, answer=row.id, text=words)
    return row


def send_again(work: Work, comment: Comment, row: CommentAnswer) -> None:
    """A person looked and says that it is not there; only so is an answer sent a second time."""
    statement = (
        update(CommentAnswer)
        .where(CommentAnswer.id == row.id, CommentAnswer.state.in_((ReplyState.UNKNOWN, ReplyState.FAILED)))
        .values(state=ReplyState.BOOKED, next_at=work.now, reason="", code="", done_at=None)
        .returning(CommentAnswer.id)
        .execution_options(synchronize_session=False)
    )
    if work.session.scalar(statement) is None:
        raise AnswerUnderWay
    work.session.refresh(row)
    work.audit("comment.sent_again", comment, answer=row.id)


def settle(work: Work, comment: Comment, reason: str) -> None:
    """无需答复: praise, a repetition, something that asks nothing."""
    words = reason.strip()
    if not words:
        raise Invalid(field="reason", why="请写明为什么无需答复。")
    values: dict[str, object] = {"state": S.SETTLED, "reason": words[:200], "settled_by": work.actor.person_id}
    _move(work, comment, (S.OPEN,), "标为无需答复", values)
    work.audit("comment.settled", comment, reason=words)


def settle_many(work: Work, comments: Sequence[Comment], reason: str) -> int:
    """The same for several; those that were answered meanwhile are left as they are. Returns how many."""
    if not reason.strip():
        raise Invalid(field="reason", why="请写明为什么无需答复。")
    chosen = [row for row in comments if row.state == S.OPEN]
    for row in chosen:
        settle(work, row, reason)
    return len(chosen)


def reopen(work: Work, comment: Comment) -> None:
    """It needs an answer after all; its deadline stays."""
    _move(work, comment, (S.SETTLED,), "重新打开", {"state": S.OPEN, "reason": "", "settled_by": None})
    work.audit("comment.reopened", comment)


def acknowledge(work: Work, comment: Comment) -> None:
    """A person has taken up the danger; the alarm ends. A second time does nothing."""
    if comment.urgent_at is not None and comment.acknowledged_at is None:
        comment.acknowledged_at, comment.acknowledged_by = work.now, work.actor.person_id
        work.audit("comment.acknowledged", comment, word=comment.urgent_word)


def selected(work: Work, comment: Comment, chosen: bool) -> None:
    """The platform shows it to all readers now, or no longer."""
    comment.selected = chosen
    work.audit("comment.selected" if chosen else "comment.unselected", comment)


def removed(work: Work, comment: Comment, reason: str) -> None:
    """The platform took it away at our wish; its words stay here."""
    comment.state, comment.gone_at = S.GONE, work.now
    comment.reason, comment.settled_by = reason[:200], work.actor.person_id
    work.audit("comment.removed", comment, reason=reason, text=comment.text[:500])


def answer_removed(work: Work, comment: Comment, row: CommentAnswer) -> None:
    """The platform took our answer away at our wish."""
    taken_back(work, comment, row)


def _standing(work: Work, comment: Comment, *, one_only: bool) -> bool:
    states = (*UNDER_WAY, ReplyState.UNKNOWN, ReplyState.DONE) if one_only else (*UNDER_WAY, ReplyState.UNKNOWN)
    query = select(CommentAnswer.id).where(
        CommentAnswer.comment_id == comment.id, CommentAnswer.state.in_(states), CommentAnswer.removed_at.is_(None)
    )
    return work.session.scalar(query.limit(1)) is not None


def _locked(work: Work, comment: Comment) -> None:
    query = select(Comment).where(Comment.id == comment.id).with_for_update()
    work.session.scalars(query.execution_options(populate_existing=True)).one()


def _move(work: Work, comment: Comment, allowed: tuple[CommentState, ...], act: str, values: dict[str, object]) -> None:
    statement = (
        update(Comment)
        .where(Comment.id == comment.id, Comment.state.in_(allowed))
        .values(**values)
        .returning(Comment.id)
        .execution_options(synchronize_session=False)
    )
    moved = work.session.scalar(statement)
    work.session.refresh(comment)
    if moved is None:
        raise WrongState(state=COMMENT_LABELS[CommentState(comment.state)], act=act)
