"""Makes previews, sends them to those who sign, and takes outdated drafts away: claim, call, record.

No transaction is open while the platform is called. A row that a dead process left claimed is due again when its claim
ends, and its next attempt first removes what the last one left at the platform.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import or_, select, update

from channels.abilities.preview import Previewed, Previewing
from channels.accounts import store as accounts
from channels.accounts.doubles import lane_of
from channels.accounts.models import Account
from channels.base import AccountInfo, Channel, Post
from channels.errors import ChannelError, OutcomeUnknown, Retryable, Throttled
from kernel.claim import claim, free, new_claimant, still_mine
from kernel.retry import RetryPolicy
from kernel.seal import Seal
from kernel.work import Work, Works
from scheduler.previews import store
from scheduler.previews.events import PreviewLost
from scheduler.previews.models import Preview, PreviewReader, PreviewSend, PreviewState, SendState

log = structlog.get_logger(__name__)
S = PreviewState

LEASE = timedelta(minutes=3)
AGAIN = RetryPolicy()
CLEAN_AGAIN = timedelta(minutes=10)
CLEAN_LATER = timedelta(days=1)
MOST = 50


@dataclass(frozen=True)
class Task:
    """One claimed preview and how it is called."""

    row_id: int
    claimant: str
    about: AccountInfo
    post: Post
    draft: str


@dataclass
class Maker:
    """Takes previews to their platforms; `make` builds the adapter of an account."""

    works: Works
    seal: Seal
    make: Callable[[AccountInfo], Channel]

    def run(self) -> int:
        """Everything that is due: made, sent, taken away; returns how many calls were made."""
        with self.works.write() as work:
            store.outdate_changed(work)
            _give_up_lost(work)
        calls = 0
        for step in (self._make_one, self._send_one, self._clean_one):
            for _ in range(MOST):
                if not step():
                    break
                calls += 1
        return calls

    # --- making -----------------------------------------------------------------------------------

    def _make_one(self) -> bool:
        task = self._claim(Preview.state == S.WANTED, Preview.next_at <= self.works.clock.now(), attempt=True)
        if task is None:
            return False
        answer: Previewed | Exception
        try:
            answer = self._adapter(task.about).preview(task.post, lambda done, of: self._tell(task, done, of))
        except Exception as failure:  # The edge: whatever an adapter raises, its row says so and stops no other.
            if not isinstance(failure, ChannelError):
                log.exception("preview failed", preview=task.row_id)
            answer = failure
        with self.works.write() as work:
            row = still_mine(work.session, Preview, task.row_id, task.claimant)
            if row is not None:
                row.claimed_by = row.claimed_until = None
                _record(work, row, answer)
        return True

    def _tell(self, task: Task, done: int, of: int) -> None:
        with self.works.write() as work:
            values = {"done": done, "of": of, "claimed_until": work.now + LEASE}
            mine = (Preview.id == task.row_id, Preview.claimed_by == task.claimant)
            work.session.execute(update(Preview).where(*mine).values(**values))

    # --- sending ----------------------------------------------------------------------------------

    def _send_one(self) -> bool:
        with self.works.write() as work:
            query = (
                select(PreviewSend, Preview, PreviewReader.reader, Account)
                .join(Preview, Preview.id == PreviewSend.preview_id)
                .join(Account, Account.id == Preview.account_id)
                .join(
                    PreviewReader,
                    (PreviewReader.person_id == PreviewSend.person_id) & (PreviewReader.channel == Account.channel),
                )
                .where(PreviewSend.state == SendState.WAITING, Preview.state == S.READY)
                .order_by(PreviewSend.id)
                .limit(1)
                .with_for_update(of=PreviewSend, skip_locked=True)
            )
            found = work.session.execute(query).one_or_none()
            if found is None:
                return False
            send, preview, reader, account = found
            send.state, send.at = SendState.SENDING, work.now
            number, draft = send.id, preview.draft
            about = accounts.info(work.session, self.seal, lane_of(work.session, account))
        state, reason = SendState.SENT, ""
        try:
            self._adapter(about).send_preview(draft, reader)
        except OutcomeUnknown as lost:
            state, reason = SendState.UNKNOWN, lost.reason
        except ChannelError as refused:
            state, reason = SendState.FAILED, refused.reason
        except Exception as failure:  # The edge: nobody knows how far the call came.
            log.exception("preview not sent", send=number)
            state, reason = SendState.UNKNOWN, type(failure).__name__
        with self.works.write() as work:
            row = work.session.get_one(PreviewSend, number)
            row.state, row.reason, row.at = state, reason[:500], work.now
            shown = work.session.get_one(Preview, row.preview_id)
            work.audit("preview.sent", shown, person=row.person_id, outcome=state.value)
        return True

    # --- taking away ------------------------------------------------------------------------------

    def _clean_one(self) -> bool:
        now = self.works.clock.now()
        task = self._claim(Preview.clean_at <= now, Preview.state.in_((S.OUTDATED, S.FAILED)), attempt=False)
        if task is None:
            return False
        reason = ""
        try:
            self._adapter(task.about).discard(task.post, task.draft)
        except Exception as failure:  # The edge: what cannot be taken away now is tried again, for as long as it takes.
            if not isinstance(failure, ChannelError):
                log.exception("preview not taken away", preview=task.row_id)
            soon = isinstance(failure, Retryable | Throttled)
            reason = failure.reason if isinstance(failure, ChannelError) else type(failure).__name__
        with self.works.write() as work:
            row = still_mine(work.session, Preview, task.row_id, task.claimant)
            if row is None:
                return True
            row.claimed_by = row.claimed_until = None
            if reason:
                row.clean_at = work.now + (CLEAN_AGAIN if soon else CLEAN_LATER)
                return True
            # What a reader saw need not be kept twice: the release has it.
            row.clean_at, row.draft, row.url, row.item, row.note = None, "", "", {**row.item, "html": ""}, {}
            work.audit("preview.removed", row, piece=row.piece_id)
        return True

    def _claim(self, *where: object, attempt: bool) -> Task | None:
        claimant = new_claimant()
        with self.works.write() as work:
            rows = claim(
                work.session,
                Preview,
                [*where, free(Preview, work.now, LEASE)],  # type: ignore[list-item]  # Conditions, as every caller here gives them.
                [Preview.id],
                limit=1,
                claimant=claimant,
                now=work.now,
                lease=LEASE,
            )
            if not rows:
                return None
            row = rows[0]
            row.attempts += attempt
            # An account in rehearsal is shown at its stand-in: the real one is left alone.
            account = work.session.get_one(Account, row.account_id)
            about = accounts.info(work.session, self.seal, lane_of(work.session, account))
            post = Post(
                key=row.key, action="publish", items=[store.item_from(row)], attempt=row.attempts, note=row.note
            )
            return Task(row.id, claimant, about, post, row.draft)

    def _adapter(self, about: AccountInfo) -> Previewing:
        adapter = self.make(about)
        if not isinstance(adapter, Previewing):
            raise TypeError(f"{about.channel} shows no previews")
        return adapter


def _record(work: Work, row: Preview, answer: Previewed | Exception) -> None:
    if isinstance(answer, ChannelError) and answer.data:
        row.note = {**row.note, **answer.data}
    if isinstance(answer, Previewed):
        row.draft, row.url, row.reason = answer.draft[:200], answer.url[:1000], ""
        row.losses, row.ready_at = store.losses_of(answer.losses), work.now
    if row.state != S.WANTED:
        row.clean_at = work.now  # The words changed meanwhile; what was just made has to go.
        return
    if isinstance(answer, Previewed):
        row.state, row.next_at = S.READY, None
        work.audit("preview.made", row, piece=row.piece_id, losses=len(row.losses))
        store.address(work, row)
        _tell_of_losses(work, row)
        return
    row.reason = (answer.reason if isinstance(answer, ChannelError) else type(answer).__name__)[:500]
    again = isinstance(answer, Retryable | Throttled | OutcomeUnknown)
    not_before = answer.until if isinstance(answer, Throttled) else None
    row.next_at = AGAIN.next_at(row.attempts, work.now, not_before) if again else None
    if row.next_at is None:
        row.state, row.clean_at = S.FAILED, work.now
        work.audit("preview.failed", row, piece=row.piece_id, reason=row.reason)


def _tell_of_losses(work: Work, row: Preview) -> None:
    blocking = [loss for loss in row.losses if loss["level"] == "block"]
    if blocking:
        account = work.session.get_one(Account, row.account_id)
        first = blocking[0]["message"]
        work.emit(PreviewLost(row.id, row.piece_id, row.unit_id, account.name, row.item["title"], len(blocking), first))


def _give_up_lost(work: Work) -> None:
    """Sends whose process died: nobody knows whether the phone has them."""
    # So far ahead is no time that was: the clock was set back since.
    over = or_(PreviewSend.at < work.now - LEASE, PreviewSend.at > work.now + LEASE)
    lost = (PreviewSend.state == SendState.SENDING, over)
    values = {"state": SendState.UNKNOWN, "reason": "发送进程中断"}
    work.session.execute(update(PreviewSend).where(*lost).values(**values))
