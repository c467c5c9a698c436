"""Answers on their way beneath a comment: booked as rows, claimed before the network, sent at most once.

No platform has a key for them: what was in flight when a process died, or whose answer was lost, is `unknown` until
it is seen standing there, and is sent again only by a person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy import select

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
from kernel.claim import claim, free, new_claimant, run_out, still_mine
from kernel.retry import RetryPolicy
from kernel.seal import Seal
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
S = ReplyState

RETRY = RetryPolicy(attempts=5, first=timedelta(seconds=10), factor=3.0, longest=timedelta(minutes=10))
BATCH = 20


@dataclass(frozen=True)
class _Job:
    answer_id: int
    claimant: str
    account: AccountInfo
    placed: Placed
    comment: Shown
    text: str


@dataclass
class Answerer:
    """Sends what is booked; `lease` bounds one call."""

    works: Works
    seal: Seal
    make: Callable[[AccountInfo], Channel]
    lease: timedelta = timedelta(seconds=90)
    retry: RetryPolicy = field(default_factory=lambda: RETRY)

    def send_due(self) -> int:
        """Sends every answer that is due, oldest first; returns how many calls were made."""
        self.give_up_lost()
        calls = 0
        while calls < BATCH and (job := self._claim()):
            outcome = self._call(job)
            with self.works.write() as work:
                self._record(work, job, outcome)
            calls += 1
        return calls

    def give_up_lost(self) -> int:
        """Answers whose sender died between claim and record."""
        with self.works.write() as work:
            over = run_out(CommentAnswer, work.now, self.lease)
            query = select(CommentAnswer).where(CommentAnswer.state == S.SENDING, over)
            rows = work.session.scalars(query.with_for_update(skip_locked=True)).all()
            for row in rows:
                self._end(work, row, S.UNKNOWN, "发送进程中断")
            return len(rows)

    def _claim(self) -> _Job | None:
        claimant = new_claimant()
        while True:
            with self.works.write() as work:
                # What was written to real readers waits until their account is no longer in a rehearsal.
                rehearsing = (
                    select(Comment.id)
                    .join(Account, Account.id == Comment.account_id)
                    .where(Account.rehearsal, Account.stands_for.is_(None))
                )
                held = CommentAnswer.comment_id.in_(rehearsing)
                rows = claim(
                    work.session,
                    CommentAnswer,
                    [
                        CommentAnswer.state == S.BOOKED,
                        CommentAnswer.next_at <= work.now,
                        free(CommentAnswer, work.now, self.lease),
                        ~held,
                    ],
                    [CommentAnswer.next_at, CommentAnswer.id],
                    limit=1,
                    claimant=claimant,
                    now=work.now,
                    lease=self.lease,
                    state=S.SENDING,
                    attempts=CommentAnswer.attempts + 1,
                )
                if not rows:
                    return None
                job = self._prepare(work, rows[0], claimant)
            if job is not None:
                return job

    def _prepare(self, work: Work, row: CommentAnswer, claimant: str) -> _Job | None:
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
        return _Job(row.id, claimant, about, placed_of(thread), shown, row.text)

    def _call(self, job: _Job) -> str | ChannelError:
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

    def _record(self, work: Work, job: _Job, outcome: str | ChannelError) -> None:
        row = still_mine(work.session, CommentAnswer, job.answer_id, job.claimant)
        if row is None:
            return
        if isinstance(outcome, str):
            row.remote_id = outcome[:100]
            self._end(work, row, S.DONE)
            accounts.succeeded(work, job.account.id)
        elif isinstance(outcome, OutcomeUnknown):
            self._end(work, row, S.UNKNOWN, outcome.reason, outcome.platform_code)
        elif isinstance(outcome, Retryable | Throttled):
            self._again(work, row, outcome)
        else:
            self._end(work, row, S.FAILED, outcome.reason, outcome.platform_code)
            if not isinstance(outcome, Refused | Unsupported):
                accounts.failed(work, job.account.id, outcome.reason)

    def _again(self, work: Work, row: CommentAnswer, outcome: Retryable | Throttled) -> None:
        later = outcome.until if isinstance(outcome, Throttled) else None
        at = self.retry.next_at(row.attempts, work.now, later)
        if at is None:
            self._end(work, row, S.FAILED, outcome.reason, outcome.platform_code)
            return
        row.state, row.next_at, row.claimed_by, row.claimed_until = S.BOOKED, at, None, None
        row.reason, row.code = outcome.reason[:300], outcome.platform_code[:40]

    def _end(self, work: Work, row: CommentAnswer, state: ReplyState, reason: str = "", code: str = "") -> None:
        row.state, row.next_at, row.claimed_by, row.claimed_until = state, None, None, None
        row.reason, row.code, row.done_at = reason[:300], code[:40], work.now
        comment = work.session.get_one(Comment, row.comment_id)
        if state == S.DONE:
            answered(comment, work.now)
            work.audit("comment.sent", comment, answer=row.id)
            return
        work.audit(f"comment.{state.value}", comment, answer=row.id, reason=reason)
        work.emit(AnswerLost(comment.id, comment.unit_id, row.person_id, reason))
