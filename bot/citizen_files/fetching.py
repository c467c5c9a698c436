"""Fetches what citizens sent from the platforms: claimed, downloaded with no transaction open, recorded.

Asking twice shows nobody anything, so that whatever was lost is asked again, until the platform has let go of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from bot import rules
from bot.citizen_files.checking import Checked, NotWhatItSays, check
from bot.citizen_files.models import CitizenFile
from bot.citizen_files.states import FileState
from bot.events import ConversationChanged
from bot.models import Conversation
from channels.abilities.citizens_files import HandsOutFiles, NoLongerThere
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import AccountInfo, Channel
from channels.errors import ChannelError, Refused, Retryable, Throttled
from kernel.blobs import BlobRef, Blobs
from kernel.claim import claim, free, new_claimant, still_mine
from kernel.office_rules import value_of
from kernel.retry import RetryPolicy
from kernel.seal import Seal
from kernel.work import Work, Works

log = structlog.get_logger(__name__)

# At most 200 times in three days: the platform's own end comes first.
RETRY = RetryPolicy(attempts=200, first=timedelta(seconds=10), factor=3.0, longest=timedelta(minutes=30))
BATCH = 20
_ENDS = {FileState.KEPT: "saved"}
LATE = "平台只保留 3 天，到期前没有取到"


@dataclass(frozen=True)
class _Job:
    file_id: int
    claimant: str
    account: AccountInfo
    kind: str
    handle: str
    most: int


@dataclass(frozen=True)
class _Got:
    kept: BlobRef
    checked: Checked


@dataclass
class Fetcher:
    """Fetches what is awaited. `make` builds the adapter of an account; `lease` bounds one download."""

    works: Works
    seal: Seal
    make: Callable[[AccountInfo], Channel]
    blobs: Blobs
    lease: timedelta = timedelta(minutes=3)
    retry: RetryPolicy = field(default_factory=lambda: RETRY)

    def fetch_due(self) -> int:
        """Fetches every file that is due, the longest awaited first; returns how many calls were made."""
        calls = 0
        while calls < BATCH and (job := self._claim()):
            answer = self._call(job)
            with self.works.write() as work:
                self._record(work, job, answer)
            calls += 1
        return calls

    def _claim(self) -> _Job | None:
        """The next file, claimed; what the platform has let go of by now ends without a call."""
        claimant = new_claimant()
        while True:
            with self.works.write() as work:
                rows = claim(
                    work.session,
                    CitizenFile,
                    [
                        CitizenFile.state == FileState.WAITING,
                        CitizenFile.next_at <= work.now,
                        free(CitizenFile, work.now, self.lease),
                    ],
                    [CitizenFile.next_at, CitizenFile.id],
                    limit=1,
                    claimant=claimant,
                    now=work.now,
                    lease=self.lease,
                    attempts=CitizenFile.attempts + 1,
                )
                if not rows:
                    return None
                job = self._prepare(work, rows[0], claimant)
            if job is not None:
                return job

    def _prepare(self, work: Work, row: CitizenFile, claimant: str) -> _Job | None:
        account = work.session.get(Account, row.account_id) if row.account_id else None
        if account is None or not account.active:
            _end(work, row, FileState.REFUSED, "账号已停用")
            return None
        if row.until_at is not None and row.until_at <= work.now:
            _end(work, row, FileState.GONE, f"{LATE}：{row.reason}" if row.reason else LATE)
            return None
        most = int(float(value_of(work.session, rules.FILE_MEGABYTES, account.unit_id, work.now)) * 1_000_000)
        about = accounts.info(work.session, self.seal, account)
        return _Job(row.id, claimant, about, row.kind, row.handle, most)

    def _call(self, job: _Job) -> _Got | ChannelError | NotWhatItSays:
        """Downloads, checks and keeps one file; a file that is kept twice is kept once."""
        try:
            adapter = self.make(job.account)
            if not isinstance(adapter, HandsOutFiles):
                return Refused("该渠道不能取回市民发来的文件")
            checked = check(job.kind, adapter.hand_out(job.handle, job.most))
            return _Got(self.blobs.put(checked.data), checked)
        except (ChannelError, NotWhatItSays) as error:
            return error
        except Exception as failure:  # The edge: asking again does no harm.
            log.exception("fetching failed", file=job.file_id)
            return Retryable(type(failure).__name__)

    def _record(self, work: Work, job: _Job, answer: _Got | ChannelError | NotWhatItSays) -> None:
        row = still_mine(work.session, CitizenFile, job.file_id, job.claimant)
        if row is None or row.state != FileState.WAITING:
            return
        if isinstance(answer, _Got):
            row.sha256, row.size, row.media_type = answer.kept.sha256, answer.kept.size, answer.checked.media_type
            row.kept_at = work.now
            _end(work, row, FileState.KEPT)
        elif isinstance(answer, NotWhatItSays):
            _end(work, row, FileState.REFUSED, answer.message("zh"))
        elif isinstance(answer, NoLongerThere):
            _end(work, row, FileState.GONE, answer.reason)
        elif isinstance(answer, Refused):
            _end(work, row, FileState.REFUSED, answer.reason)
        else:
            self._again(work, row, answer)

    def _again(self, work: Work, row: CitizenFile, answer: ChannelError) -> None:
        later = answer.until if isinstance(answer, Throttled) else None
        at = self.retry.next_at(row.attempts, work.now, later)
        if at is None:
            _end(work, row, FileState.GONE, answer.reason)
            return
        row.next_at, row.reason, row.claimed_by, row.claimed_until = at, answer.reason[:300], None, None
        _tell(work, row)


def _end(work: Work, row: CitizenFile, state: FileState, reason: str = "") -> None:
    row.state, row.next_at, row.claimed_by, row.claimed_until = state, None, None, None
    row.reason = reason[:300]
    work.audit(f"citizen_file.{_ENDS.get(state, state.value)}", _tell(work, row), file=row.id, reason=row.reason)


def _tell(work: Work, row: CitizenFile) -> Conversation:
    conversation = work.session.get_one(Conversation, row.conversation_id)
    work.emit(ConversationChanged(conversation.id, conversation.unit_id))
    return conversation
