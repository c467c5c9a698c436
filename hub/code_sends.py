"""Sends codes to citizens' telephones by the office's own gateway: claimed before the network, known there by its key.

A code whose sending nobody can tell the end of is not sent again by itself: the citizen asks for another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement

from bot.models import PhoneCode
from bot.phone_codes import Codes
from bot.states import CodeState
from hub.notifier import Attempted, Message, Sender, attempt
from kernel.outbox import Outbox
from kernel.retry import RetryPolicy
from kernel.work import Work, Works

S = CodeState

RETRY = RetryPolicy(attempts=4, first=timedelta(seconds=5), factor=3.0, longest=timedelta(minutes=1))
TITLE = "办件查询验证码"


@dataclass
class CodeSends(Outbox[PhoneCode, Message, Attempted]):
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

    def call(self, job: Message) -> Attempted:
        """One message by the gateway."""
        return attempt(self.sender, job)

    def record(self, work: Work, row: PhoneCode, job: Message, answer: Attempted) -> None:
        """Sent, another attempt, or why not."""
        later = RETRY.next_at(row.attempts, work.now) if answer.again else None
        row.state, row.next_at = (S.BOOKED, later) if later else (S(answer.end), None)
        row.reason = answer.reason[:200]

    def lost(self, work: Work, row: PhoneCode) -> None:
        """Unknown: the citizen asks for another."""
        row.state, row.reason = S.UNKNOWN, "the sending process stopped"
