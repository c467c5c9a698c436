"""Sends codes to citizens' telephones by the office's own gateway: claimed before the network, known there by its key.

A code whose sending nobody can tell the end of is not sent again by itself: the citizen asks for another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import ColumnElement

from bot.models import PhoneCode
from bot.phone_codes import Codes
from bot.states import CodeState
from hub.notifier import Message, NotSent, Sender, Unanswered
from kernel.outbox import Outbox
from kernel.retry import RetryPolicy
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
S = CodeState

RETRY = RetryPolicy(attempts=4, first=timedelta(seconds=5), factor=3.0, longest=timedelta(minutes=1))
TITLE = "办件查询验证码"


@dataclass(frozen=True)
class _Ended:
    """How a call ended, why, and whether it surely did not leave and is worth another attempt."""

    state: CodeState
    reason: str = ""
    again: bool = False


@dataclass
class CodeSends(Outbox[PhoneCode, Message, _Ended]):
    """What is booked leaves by `sender`."""

    works: Works
    codes: Codes
    sender: Sender
    lease: timedelta = timedelta(minutes=1)

    table = PhoneCode
    booked = S.BOOKED
    sending = S.SENDING

    def due(self, work: Work) -> Sequence[ColumnElement[bool]]:
        """A code that runs out on its way helps nobody."""
        return (PhoneCode.until_at > work.now,)

    def prepare(self, work: Work, row: PhoneCode) -> Message:
        """The words with the code in them; it is read nowhere else."""
        code, phone = self.codes.address(row)
        text = f"验证码 {code}，10 分钟内有效。您正在查询办件进度；不是您本人操作，请不要告诉任何人。"
        return Message(row.id, phone, TITLE, text, "", key="code")

    def call(self, job: Message) -> _Ended:
        """One message by the gateway."""
        try:
            self.sender.send(job)
        except NotSent as refusal:
            return _Ended(S.FAILED, str(refusal), again=not refusal.lasting)
        except Unanswered as lost:
            return _Ended(S.UNKNOWN, str(lost))
        except Exception as failure:  # The edge of a sender: what it did not foresee may have gone out or not.
            log.exception("sending a code failed", code=job.id)
            return _Ended(S.UNKNOWN, type(failure).__name__)
        return _Ended(S.SENT)

    def record(self, work: Work, row: PhoneCode, job: Message, answer: _Ended) -> None:
        """Sent, another attempt, or why not."""
        later = RETRY.next_at(row.attempts, work.now) if answer.again else None
        row.state, row.next_at = (S.BOOKED, later) if later else (answer.state, None)
        row.reason = answer.reason[:200]

    def lost(self, work: Work, row: PhoneCode) -> None:
        """Unknown: the citizen asks for another."""
        row.state, row.reason = S.UNKNOWN, "the sending process stopped"
