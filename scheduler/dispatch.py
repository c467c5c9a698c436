"""Claim, send, record: takes what is due on one lane (an account) to its platform.

Three kinds of rows are due: booked ones are sent, accepted ones polled, unknown ones asked about. The
claim and the record are works of their own; between them no transaction is open. A batch is claimed at
once and recorded together, at the latest every 50 ms, so that a thousand due rows do not wait for a
thousand commits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import structlog
from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import AccountInfo, Channel, Post
from channels.errors import ChannelError, OutcomeUnknown
from kernel.claim import claim, new_claimant
from kernel.seal import Seal
from kernel.work import Work, Works
from scheduler import receipts
from scheduler.models import Delivery, DeliveryItem
from scheduler.posts import hindrance, items_of, post_of
from scheduler.receipts import Answer, Outcome
from scheduler.states import DeliveryState

log = structlog.get_logger(__name__)
S = DeliveryState

BATCH = 20
RECORD_EVERY = 0.05
SEND_FIRST = (S.BOOKED, S.ACCEPTED, S.UNKNOWN)


@dataclass(frozen=True)
class Timing:
    """How long a claim lasts and how long one call may take, in seconds; a call must fit into a claim."""

    lease: float = 45.0
    send_timeout: float = 20.0


@dataclass(frozen=True)
class Job:
    """One claimed delivery with everything its call needs."""

    delivery_id: int
    claimant: str
    attempt_id: int
    act: str
    post: Post
    job_id: str
    claimed_until: datetime


@dataclass
class Dispatcher:
    """Runs lanes. `make` builds the adapter for an account; the wiring decides which."""

    works: Works
    seal: Seal
    make: Callable[[AccountInfo], Channel]
    public_url: str
    timing: Timing = field(default_factory=Timing)

    def due_lanes(self) -> list[int]:
        """The accounts on which something is due now."""
        with self.works.read() as work:
            query = select(Delivery.account_id).where(*_due(work.now)).distinct()
            return list(work.session.scalars(query))

    def next_due(self) -> datetime | None:
        """When something will be due next, for tests and for showing it."""
        with self.works.read() as work:
            query = select(func.min(Delivery.next_at)).where(Delivery.state.in_(SEND_FIRST))
            return work.session.scalar(query)

    def run_lane(self, account_id: int) -> int:
        """Takes everything due on this account to its platform; returns how many calls were made."""
        calls = 0
        adapter: Channel | None = None
        while True:
            jobs, more = self._claim(account_id)
            if jobs and adapter is None:
                adapter = self._adapter(account_id)
            answered = 0
            for batch in self._answers(jobs, adapter):
                with self.works.write() as work:
                    for outcome in batch:
                        receipts.record(work, outcome)
                answered += len(batch)
            calls += answered
            if not more and answered == len(jobs):
                return calls

    def _adapter(self, account_id: int) -> Channel:
        with self.works.read() as work:
            account = work.session.get_one(Account, account_id)
            about = accounts.info(work.session, self.seal, account)
        return self.make(about)

    def _claim(self, account_id: int) -> tuple[list[Job], bool]:
        claimant = new_claimant()
        lease = timedelta(seconds=self.timing.lease)
        with self.works.write() as work:
            rows = claim(
                work.session,
                Delivery,
                [Delivery.account_id == account_id, *_due(work.now)],
                [Delivery.next_at, Delivery.id],
                limit=BATCH,
                claimant=claimant,
                now=work.now,
                lease=lease,
            )
            jobs = [job for row in rows if (job := self._prepare(work, row))]
        return jobs, len(rows) == BATCH

    def _prepare(self, work: Work, delivery: Delivery) -> Job | None:
        if delivery.state == S.BOOKED:
            if _kept_back(work, delivery):
                delivery.claimed_by = delivery.claimed_until = None
                return None
            delivery.state = S.SENDING
            delivery.attempts += 1
            delivery.first_attempt_at = delivery.first_attempt_at or work.now
            act = "send"
        else:
            act = "poll" if delivery.state == S.ACCEPTED else "ask"
        attempt = receipts.open_attempt(work, delivery, act)
        work.session.flush()
        if delivery.claimed_by is None or delivery.claimed_until is None:
            raise RuntimeError("a prepared delivery must be claimed")
        return Job(
            delivery.id,
            delivery.claimed_by,
            attempt.id,
            act,
            post_of(work.session, delivery, self.public_url),
            delivery.job_id or "",
            delivery.claimed_until,
        )

    def _answers(self, jobs: Sequence[Job], adapter: Channel | None) -> Iterator[list[Outcome]]:
        batch: list[Outcome] = []
        since = time.monotonic()
        for place, job in enumerate(jobs):
            now = self.works.clock.now()
            if adapter is None or job.claimed_until - now < timedelta(seconds=self.timing.send_timeout):
                # The claim would run out during the call; the rest is due again at once, under a new claim.
                self._give_back(jobs[place:])
                break
            answer = _call(adapter, job)
            batch.append(
                Outcome(job.delivery_id, job.claimant, job.attempt_id, job.act, answer, self.works.clock.now())
            )
            if time.monotonic() - since > RECORD_EVERY:
                yield batch
                batch, since = [], time.monotonic()
        if batch:
            yield batch

    def _give_back(self, jobs: Sequence[Job]) -> None:
        with self.works.write() as work:
            for job in jobs:
                statement = (
                    update(Delivery)
                    .where(Delivery.id == job.delivery_id, Delivery.claimed_by == job.claimant)
                    .values(claimed_by=None, claimed_until=None)
                )
                if job.act == "send":
                    statement = statement.values(state=S.BOOKED, attempts=Delivery.attempts - 1)
                work.session.execute(statement)
                receipts.close_open_attempts(work, job.delivery_id, "not_sent", "本轮时间不足，改由下一轮发送")


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    free = or_(Delivery.claimed_until.is_(None), Delivery.claimed_until < now)
    # A row in `sending` is never claimed here: it is on its way, or the sweep will find it.
    return (Delivery.state.in_(SEND_FIRST), Delivery.next_at <= now, free)


def _call(adapter: Channel, job: Job) -> Answer:
    try:
        if job.act == "poll":
            return adapter.poll(job.post, job.job_id)
        if job.act == "ask":
            return adapter.reconcile(job.post)
        return _act(adapter, job.post)
    except ChannelError as answer:
        return answer
    except httpx.HTTPError as failure:
        return OutcomeUnknown(f"网络中断：{type(failure).__name__}")
    except Exception as failure:  # The edge: an adapter's own fault must not stop the lane.
        log.exception("adapter failed", delivery=job.delivery_id)
        return OutcomeUnknown(f"适配程序出错：{type(failure).__name__}: {failure}")


def _act(adapter: Channel, post: Post) -> Answer:
    if post.action in ("correct", "refresh"):
        return adapter.correct(post)
    if post.action == "withdraw":
        return adapter.withdraw(post)
    return adapter.publish(post)


def _kept_back(work: Work, delivery: Delivery) -> bool:
    """Whether the delivery may not leave now: unsigned, outside its window, or missed by too much."""
    if _missed(work, delivery):
        return True
    hindered = [
        (item, found)
        for item, release, _ in items_of(work.session, delivery.id)
        if not item.dropped and (found := hindrance(delivery, release, work.now))
    ]
    if not hindered:
        return False
    left = _count(work.session, delivery.id) - len(hindered)
    if delivery.unsigned == "drop" and left > 0:
        for item, found in hindered:
            item.dropped = found.reason
            work.audit("delivery.item_dropped", delivery, piece=item.piece_id, reason=found.reason)
        return False
    first = hindered[0][1]
    if delivery.unsigned == "drop":
        _stop(work, delivery, S.CANCELLED, first.reason, first.code)
    else:
        _stop(work, delivery, S.HELD, first.reason, first.code)
    return True


def _missed(work: Work, delivery: Delivery) -> bool:
    if delivery.missed_after is None or delivery.missed_act == "send" or delivery.attempts:
        return False
    late = work.now - delivery.scheduled_at
    if late <= timedelta(minutes=delivery.missed_after):
        return False
    why = f"超过预定时间 {int(late.total_seconds() // 60)} 分钟"
    _stop(work, delivery, S.HELD if delivery.missed_act == "hold" else S.CANCELLED, why, "missed")
    return True


def _stop(work: Work, delivery: Delivery, state: DeliveryState, why: str, code: str) -> None:
    delivery.state, delivery.next_at, delivery.reason, delivery.code = state, None, why, code
    if state == S.CANCELLED:
        delivery.done_at = work.now
    work.audit(f"delivery.{state.value}", delivery, reason=why)
    receipts.needs_person(work, delivery)


def _count(session: Session, delivery_id: int) -> int:
    query = select(func.count(DeliveryItem.id)).where(
        DeliveryItem.delivery_id == delivery_id, DeliveryItem.dropped == ""
    )
    return session.scalar(query) or 0
