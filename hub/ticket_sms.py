"""Text messages that a ticket was answered: to whoever left a mobile number and agreed to it, once for each answer.

A message whose end nobody can tell is shown as unknown and not sent again by itself; what it says is no secret, and how
to read the answer needs a code to the same telephone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.dialogue.phrases import mobile_in
from bot.models import Ticket, TicketSms
from bot.states import INSIDE, ReplyState
from bot.words import Words
from hub.notifier import Attempted, Message, Sender, attempt
from kernel.once import insert_once
from kernel.outbox import Outbox
from kernel.people import Unit
from kernel.retry import RetryPolicy
from kernel.work import Work, Works

S = ReplyState

RETRY = RetryPolicy(attempts=5, first=timedelta(seconds=30), factor=4.0, longest=timedelta(hours=1))
TITLE = "工单答复提醒"


@dataclass
class TicketTexts(Outbox[TicketSms, Message, Attempted]):
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

    def call(self, job: Message) -> Attempted:
        """One message by the gateway."""
        return attempt(self.sender, job)

    def record(self, work: Work, row: TicketSms, job: Message, answer: Attempted) -> None:
        """Sent, another attempt, or why not."""
        later = RETRY.next_at(row.attempts, work.now) if answer.again else None
        if later:
            row.state, row.next_at, row.reason = S.BOOKED, later, answer.reason[:200]
            return
        self._ended(work, row, S.DONE if answer.end == "sent" else S(answer.end), answer.reason)

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
