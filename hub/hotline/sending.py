"""A ticket goes to the 12345 system at most once: claimed, sent with no transaction open, its number recorded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import httpx
import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.models import Ticket
from bot.states import UNANSWERED, ReplyState
from channels.transport import PrivateAddress
from hub.hotline.models import HotlineSend
from hub.hotline.signature import headers
from kernel.claim import new_claimant
from kernel.clock import Clock
from kernel.errors import Invalid, WrongState
from kernel.outbox import Outbox
from kernel.people import Unit
from kernel.retry import RetryPolicy
from kernel.typed import tidy
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
S = ReplyState
RETRY = RetryPolicy(attempts=6, first=timedelta(seconds=10), factor=3.0, longest=timedelta(minutes=30))
LONGEST_NUMBER = 60
TRY_AGAIN = (425, 429, 503)


def book(work: Work, ticket: Ticket) -> HotlineSend:
    """Books the sending; where one waits, is under way or arrived, it stays the only one."""
    # The row of the ticket is locked by this, so that two presses at once become one.
    held = update(Ticket).where(Ticket.id == ticket.id).values(state=Ticket.state)
    work.session.execute(held.execution_options(synchronize_session=False))
    work.session.refresh(ticket)
    last = latest(work.session, ticket.id)
    if ticket.hotline_number or (last is not None and last.state == S.DONE):
        raise WrongState(state=f"已有 12345 编号 {ticket.hotline_number}", act="再发送")
    if last is not None and last.state in (S.BOOKED, S.SENDING):
        return last
    if ticket.state not in UNANSWERED:
        raise WrongState(state="已答复", act="发送到 12345")
    row = HotlineSend(ticket_id=ticket.id, key=new_claimant(), state=S.BOOKED, next_at=work.now, booked_at=work.now)
    row.booked_by = work.actor.person_id
    if last is not None:
        last.reason = f"{last.reason}（已由人重发）"[:300]
    work.session.add(row)
    work.session.flush()
    work.audit("ticket.hotline_booked", ticket, number=ticket.number)
    return row


def note_number(work: Work, ticket: Ticket, number: str) -> None:
    """A person writes down the number that the 12345 system gave; what was sent without an answer is settled by it."""
    number = tidy(number).strip()
    if not 2 <= len(number) <= LONGEST_NUMBER:
        raise Invalid(field="hotline_number", why=f"请填写 12345 编号，2 到 {LONGEST_NUMBER} 字。")
    if ticket.hotline_number == number:
        return
    _keep(work, ticket, number, "hotline_number")
    last = latest(work.session, ticket.id)
    if last is not None and last.state in (S.UNKNOWN, S.FAILED):
        last.state, last.done_at = S.DONE, work.now
    work.audit("ticket.hotline_noted", ticket, number=ticket.number, hotline=number)


def latest(session: Session, ticket_id: int) -> HotlineSend | None:
    """The newest sending of a ticket."""
    return next(iter(of_ticket(session, ticket_id)), None)


def of_ticket(session: Session, ticket_id: int) -> Sequence[HotlineSend]:
    """Every sending of a ticket, the newest first."""
    query = select(HotlineSend).where(HotlineSend.ticket_id == ticket_id).order_by(HotlineSend.id.desc())
    return session.scalars(query).all()


def told(ticket: Ticket, unit: str) -> dict[str, str]:
    """What the 12345 system is told of a ticket; it needs the citizen's contact to answer him."""
    return {
        "number": ticket.number,
        "kind": ticket.kind,
        "text": ticket.text,
        "name": ticket.name,
        "contact": ticket.contact,
        "unit": unit,
        "created_at": ticket.created_at.isoformat(),
        "due_at": ticket.due_at.isoformat(),
    }


def copied(ticket: Ticket, unit: str, zone: ZoneInfo) -> str:
    """The same as lines to paste where a system has no interface."""
    lines = (
        ("编号", ticket.number),
        ("类别", ticket.kind),
        ("事由", ticket.text),
        ("称呼", ticket.name),
        ("联系方式", ticket.contact),
        ("来件单位", unit),
        ("登记时间", f"{ticket.created_at.astimezone(zone):%Y-%m-%d %H:%M}"),
        ("答复期限", f"{ticket.due_at.astimezone(zone):%Y-%m-%d}"),
    )
    return "\n".join(f"{label}：{words}" for label, words in lines if words)


@dataclass(frozen=True)
class _Job:
    row_id: int
    key: str
    body: bytes


@dataclass(frozen=True)
class _Answer:
    """What came of a call: the state it leads to, the number or the reason, and whether it surely did not leave."""

    state: ReplyState
    words: str
    again: bool = False


@dataclass
class Hotline(Outbox[HotlineSend, _Job, _Answer]):
    """Sends what is booked to one address; `lease` bounds one call."""

    works: Works
    clock: Clock
    client: httpx.Client
    url: str
    secret: str
    lease: timedelta = timedelta(seconds=45)
    retry: RetryPolicy = field(default_factory=lambda: RETRY)

    table = HotlineSend
    booked = S.BOOKED
    sending = S.SENDING
    batch = 10

    def prepare(self, work: Work, row: HotlineSend) -> _Job:
        """The ticket as the 12345 system is told of it."""
        ticket = work.session.get_one(Ticket, row.ticket_id)
        facts = told(ticket, work.session.get_one(Unit, ticket.unit_id).name)
        return _Job(row.id, row.key, json.dumps(facts, ensure_ascii=False, sort_keys=True).encode())

    def call(self, job: _Job) -> _Answer:
        """One signed request."""
        head = {"Content-Type": "application/json", "Idempotency-Key": job.key}
        head |= headers(self.secret, job.body, self.clock.now())
        try:
            answer = self.client.post(self.url, content=job.body, headers=head)
        except PrivateAddress as refused:
            return _Answer(S.FAILED, refused.message("zh"))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as failure:
            return _Answer(S.FAILED, type(failure).__name__, again=True)
        except httpx.HTTPError as lost:
            return _Answer(S.UNKNOWN, type(lost).__name__)
        except Exception as failure:  # The edge of a foreign system: what was not foreseen may have arrived or not.
            log.exception("hotline send failed", send=job.row_id)
            return _Answer(S.UNKNOWN, type(failure).__name__)
        return _read(answer)

    def record(self, work: Work, row: HotlineSend, job: _Job, answer: _Answer) -> None:
        """Its number, another attempt, or why not."""
        at = self.retry.next_at(row.attempts, work.now) if answer.again else None
        if at is None:
            self._end(work, row, answer)
        else:
            row.state, row.next_at, row.reason = S.BOOKED, at, answer.words[:300]

    def lost(self, work: Work, row: HotlineSend) -> None:
        """Nobody knows, and nothing is repeated by itself."""
        self._end(work, row, _Answer(S.UNKNOWN, "发送进程中断"))

    def _end(self, work: Work, row: HotlineSend, answer: _Answer) -> None:
        ticket = work.session.get_one(Ticket, row.ticket_id)
        if answer.state == S.DONE and _taken(work.session, ticket, answer.words):
            answer = _Answer(S.FAILED, f"对方给的编号 {answer.words} 已属于另一件工单")
        row.state, row.next_at = answer.state, None
        row.done_at, row.reason = work.now, "" if answer.state == S.DONE else answer.words[:300]
        if answer.state == S.DONE:
            ticket.hotline_number = answer.words
        work.audit(f"ticket.hotline_{answer.state.value}", ticket, number=ticket.number, reason=answer.words)


def _read(answer: httpx.Response) -> _Answer:
    if answer.is_success:
        try:
            number = tidy(str(answer.json()["number"])).strip()
        except (ValueError, KeyError, TypeError):
            number = ""
        fits = 2 <= len(number) <= LONGEST_NUMBER
        return _Answer(S.DONE, number) if fits else _Answer(S.UNKNOWN, "对方已接收，但没有给出编号")
    if answer.status_code in TRY_AGAIN:
        return _Answer(S.FAILED, f"HTTP {answer.status_code}", again=True)
    if answer.is_client_error or answer.is_redirect:
        return _Answer(S.FAILED, f"HTTP {answer.status_code}")
    return _Answer(S.UNKNOWN, f"HTTP {answer.status_code}")


def _taken(session: Session, ticket: Ticket, number: str) -> bool:
    query = select(Ticket.id).where(Ticket.hotline_number == number, Ticket.id != ticket.id)
    return session.scalar(query) is not None


def _keep(work: Work, ticket: Ticket, number: str, field: str) -> None:
    if _taken(work.session, ticket, number):
        raise Invalid(field=field, why="这个 12345 编号已登记在另一件工单上。")
    ticket.hotline_number = number
    work.session.flush()
