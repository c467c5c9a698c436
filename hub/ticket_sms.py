"""Text messages that a ticket was answered: to whoever left a mobile number and agreed to it, once for each answer.

A message whose end nobody can tell is shown as unknown and not sent again by itself; what it says is no secret, and how
to read the answer needs a code to the same telephone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.dialogue.phrases import mobile_in
from bot.models import Ticket, TicketSms
from bot.states import INSIDE, ReplyState
from bot.words import Words
from hub.notifier import Message, NotSent, Sender, Unanswered
from kernel.once import insert_once
from kernel.outbox import Outbox
from kernel.people import Unit
from kernel.retry import RetryPolicy
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
S = ReplyState

RETRY = RetryPolicy(attempts=5, first=timedelta(seconds=30), factor=4.0, longest=timedelta(hours=1))
TITLE = "工单答复提醒"


@dataclass(frozen=True)
class _Ended:
    """How a call ended, why, and whether it surely did not leave and is worth another attempt."""

    state: ReplyState
    reason: str = ""
    again: bool = False


@dataclass
class TicketTexts(Outbox[TicketSms, Message, _Ended]):
    """What is booked leaves by `sender`, in the words of the reply templates; `address` is where the answer is read."""

    works: Works
    sender: Sender
    words: Words
    address: str
    lease: timedelta = timedelta(minutes=1)

    table = TicketSms
    booked = S.BOOKED
    sending = S.SENDING

    def book(self, work: Work, ticket: Ticket) -> bool:
        """Books a message for this answer, once, where the citizen agreed and left a mobile number."""
        if ticket.sms_agreed_at is None or ticket.kind in INSIDE or not mobile_in(ticket.contact):
            return False
        values = {"state": S.BOOKED.value, "attempts": 0, "next_at": work.now, "reason": ""}
        fresh = insert_once(work.session, TicketSms, ticket_id=ticket.id, round=ticket.round, **values)
        if fresh:
            work.audit("ticket.sms_booked", ticket, number=ticket.number)
        return fresh

    def prepare(self, work: Work, row: TicketSms) -> Message | None:
        """The words, and the number as the ticket has it at this moment; it may have been deleted meanwhile."""
        ticket = work.session.get_one(Ticket, row.ticket_id)
        phone = mobile_in(ticket.contact)
        if not phone:
            row.state, row.next_at, row.reason = S.FAILED, None, "手机号码已删除"
            return None
        unit = work.session.get_one(Unit, ticket.unit_id).name
        text = self.words.say("ticket_sms", number=ticket.number, unit=unit, address=self.address)
        return Message(row.id, phone, TITLE, text, "", key="ticket-sms")

    def call(self, job: Message) -> _Ended:
        """One message by the gateway."""
        try:
            self.sender.send(job)
        except NotSent as refusal:
            return _Ended(S.FAILED, str(refusal), again=not refusal.lasting)
        except Unanswered as lost:
            return _Ended(S.UNKNOWN, str(lost))
        except Exception as failure:  # The edge of a sender: what it did not foresee may have gone out or not.
            log.exception("sending a text message failed", message=job.id)
            return _Ended(S.UNKNOWN, type(failure).__name__)
        return _Ended(S.DONE)

    def record(self, work: Work, row: TicketSms, job: Message, answer: _Ended) -> None:
        """Sent, another attempt, or why not."""
        later = RETRY.next_at(row.attempts, work.now) if answer.again else None
        if later:
            row.state, row.next_at, row.reason = S.BOOKED, later, answer.reason[:200]
            return
        self._ended(work, row, answer.state, answer.reason)

    def lost(self, work: Work, row: TicketSms) -> None:
        """Nobody knows whether it left; a second one is a person's to send."""
        self._ended(work, row, S.UNKNOWN, "发送进程中断")

    def _ended(self, work: Work, row: TicketSms, state: ReplyState, reason: str) -> None:
        row.state, row.next_at, row.reason = state, None, reason[:200]
        row.done_at = work.now if state == S.DONE else None
        work.audit(f"ticket.sms_{state.value}", work.session.get_one(Ticket, row.ticket_id), reason=reason)


def of_ticket(session: Session, ticket_id: int) -> Sequence[TicketSms]:
    """The messages of a ticket, the newest first."""
    query = select(TicketSms).where(TicketSms.ticket_id == ticket_id).order_by(TicketSms.id.desc())
    return session.scalars(query).all()
