"""Answers on their way beneath a comment: booked as rows, claimed before the network, sent at most once.

No platform has a key for them: what was in flight when a process died, or whose answer was lost, is `unknown` until
it is seen standing there, and is sent again only by a person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy import ColumnElement, select

from bot.comments.collect import answered, placed_of
from bot.comments.events import AnswerLost
from bot.comments.models import Comment, CommentAnswer, CommentThread
from bot.comments.states import CommentState
from bot.states import ReplyState
from channels.abilities.comments import Comment as Shown
from channels.abilities.comments import HearsComments
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import AccountInfo, Channel, Placed
from channels.errors import ChannelError, OutcomeUnknown, Refused, Retryable, Throttled, Unsupported
from kernel.outbox import Outbox
from kernel.retry import RetryPolicy
from kernel.seal import Seal
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
S = ReplyState

RETRY = RetryPolicy(attempts=5, first=timedelta(seconds=10), factor=3.0, longest=timedelta(minutes=10))


@dataclass(frozen=True)
class _Job:
    answer_id: int
    account: AccountInfo
    placed: Placed
    comment: Shown
    text: str


@dataclass
class Answerer(Outbox[CommentAnswer, _Job, str | ChannelError]):
    """Sends what is booked, oldest first; `lease` bounds one call."""

    works: Works
    seal: Seal
    make: Callable[[AccountInfo], Channel]
    lease: timedelta = timedelta(seconds=90)
    retry: RetryPolicy = field(default_factory=lambda: RETRY)

    table = CommentAnswer
    booked = S.BOOKED
    sending = S.SENDING

    def due(self, work: Work) -> Sequence[ColumnElement[bool]]:
        """What was written to real readers waits until their account is no longer in a rehearsal."""
        rehearsing = (
            select(Comment.id)
            .join(Account, Account.id == Comment.account_id)
            .where(Account.rehearsal, Account.stands_for.is_(None))
        )
        return (~CommentAnswer.comment_id.in_(rehearsing),)

    def prepare(self, work: Work, row: CommentAnswer) -> _Job | None:
        """The comment and where it stands; without either the answer fails."""
        comment = work.session.get_one(Comment, row.comment_id)
        account = work.session.get_one(Account, comment.account_id)
        stopped = not account.active and account.stands_for is None
        why = "评论已不存在" if comment.state == CommentState.GONE else "账号已停用" if stopped else ""
        if why:
            self._end(work, row, S.FAILED, why)
            return None
        thread = work.session.get_one(CommentThread, comment.thread_id)
        shown = Shown(comment.remote_id, comment.author, comment.name, comment.text, comment.at, comment.selected)
        about = accounts.info(work.session, self.seal, account)
        return _Job(row.id, about, placed_of(thread), shown, row.text)

    def call(self, job: _Job) -> str | ChannelError:
        """The platform's number of the answer, or what was wrong."""
        try:
            adapter = self.make(job.account)
            if not isinstance(adapter, HearsComments):
                return Unsupported("该渠道没有评论接口")
            return adapter.answer_comment(job.placed, job.comment, job.text)
        except ChannelError as error:
            return error
        except Exception as failure:  # The edge: what an adapter did not foresee may have gone out or not.
            log.exception("comment not answered", answer=job.answer_id)
            return OutcomeUnknown(type(failure).__name__)

    def record(self, work: Work, row: CommentAnswer, job: _Job, answer: str | ChannelError) -> None:
        """Done, again, refused or unknown."""
        if isinstance(answer, str):
            row.remote_id = answer[:100]
            self._end(work, row, S.DONE)
            accounts.succeeded(work, job.account.id)
        elif isinstance(answer, OutcomeUnknown):
            self._end(work, row, S.UNKNOWN, answer.reason, answer.platform_code)
        elif isinstance(answer, Retryable | Throttled):
            self._again(work, row, answer)
        else:
            self._end(work, row, S.FAILED, answer.reason, answer.platform_code)
            if not isinstance(answer, Refused | Unsupported):
                accounts.failed(work, job.account.id, answer.reason)

    def lost(self, work: Work, row: CommentAnswer) -> None:
        """Unknown until it is seen standing there."""
        self._end(work, row, S.UNKNOWN, "发送进程中断")

    def _again(self, work: Work, row: CommentAnswer, outcome: Retryable | Throttled) -> None:
        later = outcome.until if isinstance(outcome, Throttled) else None
        at = self.retry.next_at(row.attempts, work.now, later)
        if at is None:
            self._end(work, row, S.FAILED, outcome.reason, outcome.platform_code)
            return
        row.state, row.next_at = S.BOOKED, at
        row.reason, row.code = outcome.reason[:300], outcome.platform_code[:40]

    def _end(self, work: Work, row: CommentAnswer, state: ReplyState, reason: str = "", code: str = "") -> None:
        row.state, row.next_at = state, None
        row.reason, row.code, row.done_at = reason[:300], code[:40], work.now
        comment = work.session.get_one(Comment, row.comment_id)
        if state == S.DONE:
            answered(comment, work.now)
            work.audit("comment.sent", comment, answer=row.id)
            return
        work.audit(f"comment.{state.value}", comment, answer=row.id, reason=reason)
        work.emit(AnswerLost(comment.id, comment.unit_id, row.person_id, reason))
