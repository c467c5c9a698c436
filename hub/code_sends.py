"""Sends codes to citizens' telephones by the office's own gateway: claimed before the network, known there by its key.

A code whose sending nobody can tell the end of is not sent again by itself: the citizen asks for another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import update

from bot.models import PhoneCode
from bot.phone_codes import Codes
from bot.states import CodeState
from hub.notifier import Message, NotSent, Sender, Unanswered
from kernel.claim import claim, free, new_claimant, run_out, still_mine
from kernel.retry import RetryPolicy
from kernel.work import Works

log = structlog.get_logger(__name__)
S = CodeState

RETRY = RetryPolicy(attempts=4, first=timedelta(seconds=5), factor=3.0, longest=timedelta(minutes=1))
BATCH = 20
TITLE = "办件查询验证码"


@dataclass(frozen=True)
class CodeSends:
    """What is booked leaves by `sender`."""

    works: Works
    codes: Codes
    sender: Sender
    lease: timedelta = timedelta(minutes=1)

    def send_due(self) -> int:
        """Sends what is due; returns how many calls were made."""
        self._give_up_lost()
        calls = 0
        while calls < BATCH and self._send_one():
            calls += 1
        return calls

    def _send_one(self) -> bool:
        claimant = new_claimant()
        with self.works.write() as work:
            rows = claim(
                work.session,
                PhoneCode,
                [
                    PhoneCode.state == S.BOOKED,
                    PhoneCode.next_at <= work.now,
                    PhoneCode.until_at > work.now,
                    free(PhoneCode, work.now, self.lease),
                ],
                [PhoneCode.next_at, PhoneCode.id],
                limit=1,
                claimant=claimant,
                now=work.now,
                lease=self.lease,
                state=S.SENDING,
                attempts=PhoneCode.attempts + 1,
            )
            if not rows:
                return False
            row = rows[0]
            code, phone = self.codes.address(row)
        text = f"验证码 {code}，10 分钟内有效。您正在查询办件进度；不是您本人操作，请不要告诉任何人。"
        state, reason, again = self._call(Message(row.id, phone, TITLE, text, "", key="code"))
        with self.works.write() as work:
            mine = still_mine(work.session, PhoneCode, row.id, claimant)
            if mine is not None:
                later = RETRY.next_at(mine.attempts, work.now) if again else None
                mine.state, mine.next_at = (S.BOOKED, later) if later else (state, None)
                mine.reason, mine.claimed_by, mine.claimed_until = reason[:200], None, None
        return True

    def _call(self, message: Message) -> tuple[CodeState, str, bool]:
        """How it ended, why, and whether to try again."""
        try:
            self.sender.send(message)
        except NotSent as refusal:
            return S.FAILED, str(refusal), not refusal.lasting
        except Unanswered as lost:
            return S.UNKNOWN, str(lost), False
        except Exception as failure:  # The edge of a sender: what it did not foresee may have gone out or not.
            log.exception("sending a code failed", code=message.id)
            return S.UNKNOWN, type(failure).__name__, False
        return S.SENT, "", False

    def _give_up_lost(self) -> None:
        with self.works.write() as work:
            work.session.execute(
                update(PhoneCode)
                .where(PhoneCode.state == S.SENDING, run_out(PhoneCode, work.now, self.lease))
                .values(state=S.UNKNOWN, claimed_by=None, claimed_until=None, reason="the sending process stopped")
                .execution_options(synchronize_session=False)
            )
