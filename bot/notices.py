"""服务通知 about tickets: booked as rows, claimed before the network, repeated only where the platform knows our key.

A template message carries a key that the platform remembers for ten minutes: within them a lost answer is settled by
repeating. A subscribe message has no key: what was in flight is unknown until the platform tells of its end, and only a
person sends it again. It is booked only where the follower agreed, and uses that agreement up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot import consents
from bot.events import NoticeLost
from bot.models import Conversation, NoticeEnd, Ticket, TicketNotice
from bot.states import ReplyState
from channels.abilities.service_notices import ServiceNotice, ServiceNotices
from channels.accounts import store as accounts
from channels.accounts.models import Account, NoticeForm
from channels.base import AccountInfo, Channel, JobResult
from channels.errors import ChannelError, OutcomeUnknown, Refused, Retryable, Throttled, Unauthorised
from channels.registry import channel
from kernel.claim import new_claimant
from kernel.errors import WrongState
from kernel.once import insert_once
from kernel.outbox import Outbox
from kernel.retry import RetryPolicy
from kernel.seal import Seal
from kernel.work import Work, Works
from templates.catalogue import _

log = structlog.get_logger(__name__)
S = ReplyState

ANSWERED = "ticket_answered"
TEMPLATE = "template"
# What may stand in a form's places, by the word the office writes.
FIELDS: Mapping[str, str] = {
    "number": _("编号"),
    "kind": _("类别"),
    "text": _("事由"),
    "unit": _("承办单位"),
    "answer": _("答复"),
    "time": _("答复时间"),
}
FIXED = "="
# The platform's own word that he has not agreed, or does not any more (developers.weixin.qq.com, bizsend).
NOT_AGREED = ("43101",)
RETRY = RetryPolicy(attempts=5, first=timedelta(seconds=5), factor=3.0, longest=timedelta(minutes=2))
ASK_AGAIN = timedelta(seconds=10)


def form_for(session: Session, account_id: int | None) -> NoticeForm | None:
    """The form an account uses when a ticket was answered; None where none is set up or its platform takes none."""
    query = select(NoticeForm, Account).join(Account, Account.id == NoticeForm.account_id)
    query = query.where(NoticeForm.account_id == account_id, NoticeForm.purpose == ANSWERED, NoticeForm.active)
    found = session.execute(query).one_or_none() if account_id else None
    return None if found is None or not_offered(found[1]) else found[0]


def not_offered(account: Account) -> str:
    """Why the account's platform takes no such notices of it, as it is registered now; '' where it does."""
    adapter = channel(account.channel)
    return adapter.not_offered(account.settings) if issubclass(adapter, ServiceNotices) else ""


def book(
    work: Work, ticket: Ticket, conversation: Conversation, form: NoticeForm, facts: Mapping[str, str], url: str
) -> TicketNotice | None:
    """Books the notice that a ticket was answered; None where he has not agreed to be sent one."""
    if not _allowed(work, form.account_id, conversation.sender, form.template_id, form.way):
        work.audit("notice.no_consent", ticket, number=ticket.number)
        return None
    values = {place: said[1:] if said.startswith(FIXED) else facts.get(said, "") for place, said in form.places.items()}
    row = TicketNotice(
        ticket_id=ticket.id,
        account_id=form.account_id,
        sender=conversation.sender,
        way=form.way,
        template_id=form.template_id,
        values=values,
        url=url,
        key=new_claimant(),
        state=S.BOOKED,
        next_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    work.audit("notice.booked", ticket, number=ticket.number)
    return row


def of_ticket(session: Session, ticket_id: int) -> Sequence[tuple[TicketNotice, NoticeEnd | None]]:
    """The notices of a ticket with what the platform told of each one's end, the newest first."""
    ended = (NoticeEnd.account_id == TicketNotice.account_id) & (NoticeEnd.job == TicketNotice.job)
    query = select(TicketNotice, NoticeEnd).outerjoin(NoticeEnd, ended & (TicketNotice.job != ""))
    rows = session.execute(query.where(TicketNotice.ticket_id == ticket_id).order_by(TicketNotice.id.desc()))
    return [(row, end) for row, end in rows]


def send_again(work: Work, row: TicketNotice) -> TicketNotice:
    """Sends a notice that failed or whose fate nobody knows once more, under a key of its own."""
    if row.state not in (S.FAILED, S.UNKNOWN):
        raise WrongState(state="已处理", act="重发")
    if not _allowed(work, row.account_id, row.sender, row.template_id, row.way):
        raise WrongState(state="本人没有（再次）同意订阅", act="重发")
    row.state, row.reason = S.FAILED, f"{row.reason}（已由人重发）"[:300]
    names = ("ticket_id", "account_id", "sender", "way", "template_id", "values", "url")
    fresh = TicketNotice(**{name: getattr(row, name) for name in names}, key=new_claimant(), next_at=work.now)
    fresh.state = S.BOOKED
    work.session.add(fresh)
    work.session.flush()
    work.audit("notice.sent_again", work.session.get_one(Ticket, row.ticket_id), first=row.id)
    return fresh


def ended(work: Work, account_id: int, result: JobResult) -> bool:
    """Keeps what the platform told of a notice's end, whether or not the call's own answer was recorded yet."""
    subscribed = result.job_id.startswith(f"{consents.ONCE}:")
    if not (subscribed or result.job_id.startswith(f"{TEMPLATE}:")):
        return False
    known = {"account_id": account_id, "job": result.job_id[:60]}
    if insert_once(work.session, NoticeEnd, **known, arrived=result.done, reason=result.reason[:300], at=work.now):
        query = select(TicketNotice).where(TicketNotice.account_id == account_id)
        query = _the_last(query, result) if subscribed else query.where(TicketNotice.job == result.job_id)
        row = work.session.scalars(query.with_for_update()).one_or_none()
        if row is not None:
            row.job = result.job_id[:60]
            _apply(work, row)
    return True


def _the_last(query: Select[TicketNotice], result: JobResult) -> Select[TicketNotice]:
    """The last message of this form to this follower of whose end nobody has heard."""
    return (
        query.where(
            TicketNotice.sender == result.data.get("sender"),
            TicketNotice.template_id == result.data.get("template_id"),
            TicketNotice.way.in_(consents.BY_CONSENT),
            TicketNotice.state.in_((S.SENDING, S.DONE, S.UNKNOWN)),
            TicketNotice.job == "",
        )
        .order_by(TicketNotice.id.desc())
        .limit(1)
    )


def _allowed(work: Work, account_id: int, sender: str, template_id: str, way: str) -> bool:
    return way not in consents.BY_CONSENT or consents.take(work, account_id, sender, template_id, way)


def _apply(work: Work, row: TicketNotice) -> bool:
    """What the platform told of the end decides, over what it said when it took the job; whether it told anything."""
    query = select(NoticeEnd).where(NoticeEnd.account_id == row.account_id, NoticeEnd.job == row.job)
    end = work.session.scalars(query).one_or_none() if row.job else None
    if end is None or row.state == S.SENDING:
        return False  # While it is being sent: whoever records the answer looks here again.
    ticket = work.session.get_one(Ticket, row.ticket_id)
    if end.arrived:
        row.state, row.reason = S.DONE, ""
        work.audit("notice.arrived", ticket, notice=row.id)
        return True
    row.state, row.reason = S.FAILED, end.reason[:300]
    work.audit("notice.failed", ticket, notice=row.id, reason=end.reason)
    work.emit(NoticeLost(ticket.id, ticket.unit_id, ticket.number, end.reason))
    return True


def _key_minutes(session: Session, row: TicketNotice) -> float:
    """For how long the platform knows a key again; the whole call must lie inside."""
    adapter = channel(session.get_one(Account, row.account_id).channel)
    return adapter.key_minutes if issubclass(adapter, ServiceNotices) else 0.0


@dataclass(frozen=True)
class _Job:
    """One call; `first`: no earlier one may have been taken."""

    row_id: int
    account: AccountInfo
    notice: ServiceNotice
    first: bool


@dataclass
class Teller(Outbox[TicketNotice, _Job, str | ChannelError]):
    """Sends what is booked. `make` builds the adapter of an account; `lease` bounds one call."""

    works: Works
    seal: Seal
    make: Callable[[AccountInfo], Channel]
    lease: timedelta = timedelta(seconds=45)
    retry: RetryPolicy = field(default_factory=lambda: RETRY)

    table = TicketNotice
    booked = S.BOOKED
    sending = S.SENDING

    def prepare(self, work: Work, row: TicketNotice) -> _Job | None:
        """The form filled in; from the first attempt on the platform may know the key, and forgets it again."""
        first = row.first_at is None
        if not first and not self._remembered(work, row, work.now):
            self._end(work, row, S.UNKNOWN, row.reason, row.code)
            return None
        row.first_at = row.first_at or work.now
        about = accounts.info(work.session, self.seal, work.session.get_one(Account, row.account_id))
        values = {place: str(text) for place, text in row.values.items()}
        way = "template" if row.way == TEMPLATE else "subscribe"
        notice = ServiceNotice(row.sender, way, row.template_id, values, row.key, row.url)  # type: ignore[arg-type]
        return _Job(row.id, about, notice, first)

    def call(self, job: _Job) -> str | ChannelError:
        """The platform's number of the job, or what was wrong."""
        platform = self.make(job.account)
        if not isinstance(platform, ServiceNotices):
            return Refused("该渠道不能发送服务通知")
        try:
            return platform.notify(job.notice)
        except ChannelError as error:
            return error
        except Exception as failure:  # The edge: what an adapter did not foresee may have gone out or not.
            log.exception("notice failed", notice=job.row_id)
            return OutcomeUnknown(type(failure).__name__)

    def record(self, work: Work, row: TicketNotice, job: _Job, answer: str | ChannelError) -> None:
        """Done, again, failed or unsure."""
        if isinstance(answer, str):
            row.job = answer[:60] or row.job
            self._end(work, row, S.DONE)
            accounts.succeeded(work, job.account.id)
            _apply(work, row)
        elif isinstance(answer, OutcomeUnknown):
            self._unsure(work, row, answer.reason)
        elif isinstance(answer, Retryable | Throttled | Unauthorised):
            self._again(work, row, job, answer)
        else:
            self._end(work, row, S.FAILED, answer.reason, answer.platform_code)

    def lost(self, work: Work, row: TicketNotice) -> None:
        """Asked again under its key, or unknown."""
        self._unsure(work, row, "发送进程中断")

    def _again(self, work: Work, row: TicketNotice, job: _Job, answer: ChannelError) -> None:
        later = answer.until if isinstance(answer, Throttled) else None
        at = self.retry.next_at(row.attempts, work.now, later)
        if job.first:
            row.first_at = None  # It surely did not leave, so that its key is not in use yet.
        elif at is None or not self._remembered(work, row, at):
            # An earlier call may have been taken, and by then the platform would take its repeat for another notice.
            self._end(work, row, S.UNKNOWN, answer.reason, answer.platform_code)
            return
        if at is None:
            self._end(work, row, S.FAILED, answer.reason, answer.platform_code)
            return
        row.state, row.next_at = S.BOOKED, at
        row.reason, row.code = answer.reason[:300], answer.platform_code[:40]

    def _remembered(self, work: Work, row: TicketNotice, at: datetime) -> bool:
        """Whether the platform still knows the row's key at a moment."""
        lasts = timedelta(minutes=_key_minutes(work.session, row) - 1)
        return row.way == TEMPLATE and row.first_at is not None and at < row.first_at + lasts

    def _unsure(self, work: Work, row: TicketNotice, reason: str) -> None:
        if self._remembered(work, row, work.now + ASK_AGAIN):
            row.state, row.next_at, row.reason = S.BOOKED, work.now + ASK_AGAIN, reason[:300]
            return
        self._end(work, row, S.UNKNOWN, reason)

    def _end(self, work: Work, row: TicketNotice, state: ReplyState, reason: str = "", code: str = "") -> None:
        row.state, row.next_at = state, None
        row.reason, row.code, row.done_at = reason[:300], code[:40], work.now
        ticket = work.session.get_one(Ticket, row.ticket_id)
        work.audit(f"notice.{state.value}", ticket, notice=row.id, reason=reason)
        if state == S.FAILED and row.way in consents.BY_CONSENT:
            self._not_used(work, row, code)
        if state == S.UNKNOWN and _apply(work, row):
            return
        if state != S.DONE:
            work.emit(NoticeLost(ticket.id, ticket.unit_id, ticket.number, reason))

    def _not_used(self, work: Work, row: TicketNotice, code: str) -> None:
        whose = (work, row.account_id, row.sender, row.template_id)
        if code in NOT_AGREED:
            consents.void(*whose)
        else:
            consents.give_back(*whose, row.way)
