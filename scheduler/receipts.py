"""Records what a platform answered: the delivery's next state, its attempt, where items show, who is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, insert, select, update

from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import (
    Accepted,
    ByHand,
    CannotTell,
    JobResult,
    Live,
    NotThere,
    Post,
    Settlement,
    Uncorrectable,
)
from channels.errors import ChannelError, OutcomeUnknown, Retryable, Throttled, Unauthorised, WouldSend
from content.models import PublicPiece
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.retry import RetryPolicy
from kernel.work import Work
from scheduler import taking_back
from scheduler.afterwards import add_told
from scheduler.batch import Batch, load
from scheduler.events import CredentialDied, NeedsPerson
from scheduler.figures import HELD_UP
from scheduler.models import Attempt, Delivery
from scheduler.placements import remember, remember_uncorrectable
from scheduler.posts import post_of
from scheduler.states import DeliveryState
from scheduler.windows import FREEZE, goes_on

S = DeliveryState
Answer = Settlement | Uncorrectable | ByHand | ChannelError

RETRY = RetryPolicy()
ASKING = RetryPolicy(attempts=12, first=timedelta(seconds=2), factor=2.0, longest=timedelta(minutes=10))
# What became of an attempt whose process died. So many of them are tried once more than a platform is; but not for
# ever, since the delivery itself may be what kills.
LOST = "lost"
FORGIVEN = 16
# So often others may go out between two of its last tries before it is its own fault that it does not.
PASSED, OFTEN_PASSED = "passed", 3
# A 群发 that must wait for longer than this waits for a person; shorter pauses are the pace of calls.
SOON = timedelta(minutes=10)
QUOTA = "quota"
OUTAGE_HOURS = declare(
    Rule("delivery.outage_hours", 12, "平台没有响应时，任务自动重试最多几小时", number_between(1, 72))
)
# The platform still works on a job whose time is over: asked on and on, and never sent a second time.
RUNNING = "running"
# While a platform works on a job it is asked after a share of the time that it has taken so far.
PATIENT, MOST_PATIENT = 8, timedelta(minutes=10)
ASK_SLOWLY = timedelta(hours=1)


@dataclass(frozen=True)
class Outcome:
    """An answer to one claimed delivery; `act` is what was asked (send, poll or ask) at attempt `number`."""

    delivery_id: int
    claimant: str
    attempt_id: int
    act: str
    number: int
    answer: Answer
    ended_at: datetime = field(compare=False)


def record(work: Work, outcomes: Sequence[Outcome], patience: timedelta = timedelta()) -> None:
    """Writes outcomes. An answer that comes after the lease ran out still settles an unknown delivery.

    "It is not there" is believed only when it is heard so long (`patience`) after the call was given up: a platform
    that has taken a call may still be about to act on it.
    """
    session = work.session
    ids = {outcome.delivery_id for outcome in outcomes}
    # In one order, so that two processes that record at once wait for each other instead of in a circle.
    query = select(Delivery).where(Delivery.id.in_(ids)).order_by(Delivery.id).with_for_update()
    deliveries = {row.id: row for row in session.scalars(query)}
    batch = Batch(session, deliveries.values())
    work.keep(batch)
    work.keep(load(session, PublicPiece, batch.piece_ids()))
    session.execute(_END_ATTEMPT, [_ended(outcome) for outcome in outcomes])
    with session.no_autoflush:
        for outcome in outcomes:
            _record(work, deliveries[outcome.delivery_id], outcome, batch, patience)
        batch.save()


_ATTEMPT = Attempt.__table__.c
_BEGIN_ATTEMPT = insert(Attempt.__table__).returning(_ATTEMPT.delivery_id, _ATTEMPT.id)  # type: ignore[arg-type]  # A table.
_END_ATTEMPT = update(Attempt.__table__).where(_ATTEMPT.id == bindparam("attempt"))  # type: ignore[arg-type]  # A table.


def _ended(outcome: Outcome) -> dict[str, object]:
    said, code, reason = _said(outcome.answer)
    return {
        "attempt": outcome.attempt_id,
        "ended_at": outcome.ended_at,
        "outcome": said,
        "code": code,
        "reason": reason,
    }


def _record(work: Work, delivery: Delivery, outcome: Outcome, batch: Batch, patience: timedelta) -> None:
    mine = delivery.claimed_by == outcome.claimant
    if not (mine or _is_late_but_last(work, delivery, outcome)):
        work.audit("delivery.late_answer", delivery, attempt=outcome.number, outcome=_said(outcome.answer)[0])
        return
    delivery.claimed_by = delivery.claimed_until = None
    if isinstance(outcome.answer, NotThere) and (again := _too_soon(work, delivery, patience)):
        _ask_again(delivery, again)
        return
    apply(work, delivery, outcome.answer, batch)


def _is_late_but_last(work: Work, delivery: Delivery, outcome: Outcome) -> bool:
    """Whether it answers the last sending of one that nobody asks about just now.

    Attempts are counted anew when a person has it tried again, so that their numbers tell nothing.
    """
    if delivery.state != S.UNKNOWN or delivery.claimed_by is not None or outcome.act != "send":
        return False
    sent = select(func.max(Attempt.id)).where(Attempt.delivery_id == delivery.id, Attempt.act == "send")
    return work.session.scalar(sent) == outcome.attempt_id


def _too_soon(work: Work, delivery: Delivery, patience: timedelta) -> datetime | None:
    """When to ask again before "not there" is believed; None when it may be believed now."""
    query = select(Attempt.ended_at).where(Attempt.delivery_id == delivery.id, Attempt.act == "send")
    given_up = work.session.scalar(query.order_by(Attempt.id.desc()).limit(1))
    if given_up is None:
        return None
    if given_up > work.now:  # The clock was set back since: nobody knows how long ago that was.
        return work.now + patience if delivery.asked == 0 else None
    return given_up + patience if work.now < given_up + patience else None


def _ask_again(delivery: Delivery, at: datetime) -> None:
    delivery.state, delivery.next_at = S.UNKNOWN, at
    delivery.asked += 1
    delivery.reason = "平台上暂时没有，稍后再核实一次才重新发送"


def apply(work: Work, delivery: Delivery, answer: Answer, batch: Batch) -> None:
    """Moves a delivery by an answer, wherever it came from: send, poll, question or callback."""
    if isinstance(answer, Live):
        _done(work, delivery, answer, batch)
    elif isinstance(answer, Accepted):
        if delivery.state == S.UNKNOWN and delivery.job_id == answer.job_id and not answer.moving:
            _still_running(work, delivery, answer, batch)
        else:
            _accepted(work, delivery, answer)
    elif isinstance(answer, NotThere) and delivery.job_id:
        reason = "平台受理过，现在查不到结果，请到平台上查看"
        _keep_asking(work, delivery, batch, reason, final=True)
    elif isinstance(answer, NotThere):
        _again(work, delivery, batch, "平台确认未收到，将重新发送")
    elif isinstance(answer, CannotTell):
        _keep_asking(work, delivery, batch, answer.reason, final=True)
    elif isinstance(answer, Uncorrectable):
        _uncorrectable(work, delivery, answer, batch)
    elif isinstance(answer, ByHand):
        _by_hand(work, delivery, answer, batch)
    else:
        _refused(work, delivery, answer, batch)


def settle_job(
    work: Work, account_id: int, result: JobResult, settle: Callable[[Post, JobResult], Live], public_url: str
) -> bool:
    """Records what a platform told of a job it had accepted; False when no delivery has that job.

    `settle` is the adapter's own reading of it. An event that comes after the poll adds what the poll did not know;
    one that comes twice changes nothing.
    """
    query = select(Delivery).where(
        Delivery.account_id == account_id,
        Delivery.job_id == result.job_id,
        Delivery.state.in_((S.ACCEPTED, S.UNKNOWN)),
    )
    delivery = work.session.scalars(query.with_for_update()).one_or_none()
    if delivery is None:
        return add_told(work, account_id, result, settle, public_url)
    batch = Batch(work.session, [delivery])
    close_open_attempts(work, [delivery.id], LOST, "平台先行通知了结果")
    attempt = open_attempt(work, delivery, "event")
    answer: Answer
    try:
        answer = settle(post_of(batch, delivery, public_url), result)
    except ChannelError as refusal:
        answer = refusal
    attempt.ended_at = work.now
    attempt.outcome, attempt.code, attempt.reason = _said(answer)
    delivery.claimed_by = delivery.claimed_until = None
    apply(work, delivery, answer, batch)
    batch.save()
    return True


def under_way(work: Work, account_id: int) -> bool:
    """Whether a call to this account was begun whose answer is not recorded yet."""
    query = select(Delivery.id).where(Delivery.account_id == account_id, Delivery.state == S.SENDING)
    return work.session.scalar(query.limit(1)) is not None


def open_attempts(work: Work, calls: Sequence[tuple[Delivery, str]]) -> dict[int, int]:
    """Notes that calls are about to be made, before the network is touched; returns the attempts' ids by delivery."""
    if not calls:
        return {}
    rows = [
        {"delivery_id": delivery.id, "number": delivery.attempts, "act": act, "started_at": work.now}
        for delivery, act in calls
    ]
    return dict(work.session.execute(_BEGIN_ATTEMPT, rows).all())


def open_attempt(work: Work, delivery: Delivery, act: str) -> Attempt:
    """Notes that a call is about to be made; written before the network is touched."""
    attempt = Attempt(delivery_id=delivery.id, number=delivery.attempts, act=act, started_at=work.now)
    work.session.add(attempt)
    return attempt


def close_open_attempts(work: Work, delivery_ids: Sequence[int], outcome: str, reason: str) -> None:
    """Ends the attempts that have no answer because their process died."""
    if not delivery_ids:
        return
    statement = update(Attempt).where(Attempt.delivery_id.in_(delivery_ids), Attempt.outcome == "")
    work.session.execute(statement.values(ended_at=work.now, outcome=outcome, reason=reason))


def not_sent(work: Work, attempt_ids: Sequence[int], reason: str) -> None:
    """Ends attempts whose call was never made."""
    statement = update(Attempt).where(Attempt.id.in_(attempt_ids), Attempt.outcome == "")
    work.session.execute(statement.values(ended_at=work.now, outcome="not_sent", reason=reason))


def needs_person(work: Work, delivery: Delivery, batch: Batch) -> None:
    """Tells those above that a delivery waits for somebody."""
    work.emit(
        NeedsPerson(
            delivery.id,
            delivery.unit_id,
            delivery.account_id,
            delivery.state,
            titles(batch, delivery),
            delivery.reason,
        )
    )


def titles(batch: Batch, delivery: Delivery) -> str:
    """The titles of a delivery's items, for notices."""
    named = "、".join(
        f"《{release.content.get('title') or piece.title}》" for _, release, piece in batch.items(delivery)
    )
    return f"【演练】{named}" if delivery.rehearses else named


def _done(work: Work, delivery: Delivery, live: Live, batch: Batch) -> None:
    if delivery.action == "withdraw" and taking_back.is_undone(delivery, batch):
        delivery.state, delivery.next_at = S.BOOKED, work.now
        delivery.reason, delivery.code = taking_back.CHANGED, ""
        work.audit("delivery.will_retry", delivery, reason=delivery.reason, at=work.now.isoformat())
        return
    delivery.state, delivery.next_at, delivery.done_at = S.DONE, None, work.now
    delivery.reason = delivery.code = ""
    delivery.remark = live.remark[:500]
    remember(work, delivery, live, batch)
    accounts.succeeded(work, delivery.account_id)
    work.audit("delivery.done", delivery, attempts=delivery.attempts, remark=live.remark)


def _accepted(work: Work, delivery: Delivery, accepted: Accepted) -> None:
    first = delivery.state != S.ACCEPTED or delivery.job_id != accepted.job_id
    delivery.state, delivery.job_id = S.ACCEPTED, accepted.job_id
    delivery.reason, delivery.code = accepted.waiting[:500], HELD_UP if accepted.held_up else ""
    delivery.next_at = work.now + accepted.poll_after
    if not (first or accepted.moving):
        delivery.next_at = max(delivery.next_at, _patiently(work, delivery))
    if first or accepted.moving:
        delivery.accepted_at = work.now
    if first:
        # None where it names no time: that of an earlier job says nothing of this one.
        delivery.accepted_until = work.now + accepted.expires_after if accepted.expires_after else None
        work.audit("delivery.accepted", delivery, job=accepted.job_id)
    if accepted.data:
        delivery.note = {**delivery.note, **accepted.data}


def _patiently(work: Work, delivery: Delivery) -> datetime:
    """When to poll next: the longer a platform takes, the less often."""
    passed = work.now - (delivery.accepted_at or work.now)
    return work.now + min(passed / PATIENT, MOST_PATIENT)


def _still_running(work: Work, delivery: Delivery, accepted: Accepted, batch: Batch) -> None:
    """Its time is over, and the platform still works on it: shown to a person once, and asked about on and on."""
    delivery.asked += 1
    delivery.code = RUNNING
    delivery.reason = f"平台已超过应答时间，仍在处理{accepted.waiting and f'（{accepted.waiting}）'}；有结果前不会重发"[
        :500
    ]
    delivery.next_at = ASKING.next_at(delivery.asked, work.now) or work.now + ASK_SLOWLY
    if delivery.asked == ASKING.attempts:
        needs_person(work, delivery, batch)


def _again(
    work: Work,
    delivery: Delivery,
    batch: Batch,
    reason: str,
    not_before: datetime | None = None,
    code: str = "",
    *,
    silent: bool = False,
) -> None:
    tries = max(1, delivery.attempts)
    at = RETRY.next_at(tries, work.now, not_before)
    if at is None and (_is_down(work, delivery, batch, silent) or tries < RETRY.attempts + _forgiven(work, delivery)):
        at = max(work.now + RETRY.longest, not_before or work.now)
    delivery.reason, delivery.code = reason[:500], code
    if at is None:
        delivery.state, delivery.next_at = S.FAILED, None
        delivery.reason = f"已重试 {delivery.attempts} 次仍未成功：{reason}"[:500]
        work.audit("delivery.failed", delivery, reason=delivery.reason)
        needs_person(work, delivery, batch)
        return
    delivery.state, delivery.next_at = S.BOOKED, at
    work.audit("delivery.will_retry", delivery, reason=reason, at=at.isoformat())


def _is_down(work: Work, delivery: Delivery, batch: Batch, silent: bool) -> bool:
    """Whether it is the platform that does not answer, and not this very delivery that it does not take: others on its
    account have not been passing it. Then it waits, for so many hours by the office's rule."""
    if not silent:
        return False
    account = batch.account(delivery.account_id)
    query = select(Attempt.started_at).where(Attempt.delivery_id == delivery.id, Attempt.act == "send")
    before = work.session.scalar(query.order_by(Attempt.id.desc()).offset(1).limit(1))
    if before is not None and account.last_success_at is not None and account.last_success_at > before:
        delivery.note = {**delivery.note, PASSED: int(delivery.note.get(PASSED, 0)) + 1}
    hours = float(value_of(work.session, OUTAGE_HOURS, delivery.unit_id, work.now))
    waited = work.now - max(delivery.first_attempt_at or work.now, delivery.scheduled_at)
    return delivery.note.get(PASSED, 0) < OFTEN_PASSED and waited < timedelta(hours=hours)


def _forgiven(work: Work, delivery: Delivery) -> int:
    """How many tries a process of ours used up by dying with it in its hands: its platform refused nothing then."""
    query = select(func.count(Attempt.id)).where(
        Attempt.delivery_id == delivery.id, Attempt.act == "send", Attempt.outcome == LOST
    )
    return min(FORGIVEN, work.session.scalar(query) or 0)


def _used_up(work: Work, delivery: Delivery, batch: Batch, error: Throttled) -> None:
    # A quota frees at midnight; whether all followers are to be told then is for a person to say.
    why = f"额度已用完，{error.until:%m-%d %H:%M} 起可再发，请到时由人恢复：{error.reason}"[:500]
    delivery.state, delivery.next_at, delivery.reason, delivery.code = S.HELD, None, why, QUOTA
    work.audit("delivery.held", delivery, reason=why)
    needs_person(work, delivery, batch)


def _keep_asking(work: Work, delivery: Delivery, batch: Batch, reason: str, *, final: bool) -> None:
    newly = delivery.state != S.UNKNOWN
    delivery.state, delivery.reason = S.UNKNOWN, reason[:500]
    delivery.code = "" if delivery.code == RUNNING else delivery.code
    delivery.asked += 1
    # A person is told once; meanwhile the platform may be back and say it by itself.
    later = ASKING.next_at(delivery.asked, work.now)
    delivery.next_at = None if final else later or work.now + ASK_SLOWLY
    if newly:
        work.audit("delivery.unknown", delivery, reason=reason)
    if final or delivery.asked == ASKING.attempts:
        needs_person(work, delivery, batch)


def _refused(work: Work, delivery: Delivery, error: ChannelError, batch: Batch) -> None:
    if error.data:
        delivery.note = {**delivery.note, **error.data}
    asking = delivery.state in (S.UNKNOWN, S.ACCEPTED)
    code, reason = error.platform_code, error.reason
    if isinstance(error, OutcomeUnknown) or (asking and isinstance(error, Retryable | Throttled | Unauthorised)):
        _ask_later(work, delivery, error, batch)
    elif isinstance(error, Throttled) and delivery.action == "mass_send" and error.until - work.now > SOON:
        _used_up(work, delivery, batch, error)
    elif isinstance(error, Throttled):
        _again(work, delivery, batch, reason, error.until, code)
    elif isinstance(error, Retryable):
        _again(work, delivery, batch, reason, code=code, silent=True)
    else:
        delivery.state, delivery.next_at = S.FAILED, None
        delivery.reason, delivery.code = error.message("zh")[:500], code
        work.audit("delivery.failed", delivery, reason=reason, code=code)
        needs_person(work, delivery, batch)
    _account_health(work, delivery, error)


def _ask_later(work: Work, delivery: Delivery, error: ChannelError, batch: Batch) -> None:
    # While only asking fails, what was sent stays unknown or accepted; the question is repeated. Where the poll was to
    # send it, nothing may have been sent yet: that is late like any other, and not for the platform to be patient with.
    if delivery.state == S.ACCEPTED and not goes_on(delivery.channel):
        later = max(work.now + timedelta(seconds=30), _patiently(work, delivery))
        delivery.next_at = error.until if isinstance(error, Throttled) else later
        delivery.reason = error.reason[:500]
        return
    stopped = isinstance(error, WouldSend)
    _keep_asking(work, delivery, batch, error.reason, final=stopped)
    if stopped:
        # Under this code the stop's own page shows it, and the end of the stop has it asked again.
        delivery.code = FREEZE
    if isinstance(error, Throttled) and delivery.next_at is not None:
        delivery.next_at = max(delivery.next_at, error.until)


def _uncorrectable(work: Work, delivery: Delivery, answer: Uncorrectable, batch: Batch) -> None:
    delivery.reason, delivery.next_at = answer.reason[:500], None
    delivery.state = S.MANUAL if answer.by_hand else S.FAILED
    remember_uncorrectable(work, delivery, answer, batch)
    work.audit("delivery.uncorrectable", delivery, reason=answer.reason, by_hand=answer.by_hand)
    needs_person(work, delivery, batch)


def _by_hand(work: Work, delivery: Delivery, answer: ByHand, batch: Batch) -> None:
    delivery.state, delivery.next_at, delivery.reason = S.MANUAL, None, answer.reason[:500]
    work.audit("delivery.to_be_done_by_hand", delivery, reason=answer.reason)
    needs_person(work, delivery, batch)


def _account_health(work: Work, delivery: Delivery, error: ChannelError) -> None:
    if not isinstance(error, Unauthorised):
        accounts.failed(work, delivery.account_id, error.reason)
    elif accounts.credential_died(work, delivery.account_id, error.reason) and not delivery.rehearses:
        account = work.session.get_one(Account, delivery.account_id)
        work.emit(CredentialDied(account.id, account.unit_id, account.name, error.reason))


def _said(answer: Answer) -> tuple[str, str, str]:
    if isinstance(answer, ChannelError):
        return answer.outcome, answer.platform_code[:40], answer.reason[:500]
    reason = getattr(answer, "reason", "") or getattr(answer, "waiting", "")
    names: Sequence[tuple[type[object], str]] = (
        (Live, "live"),
        (Accepted, "accepted"),
        (NotThere, "not_there"),
        (CannotTell, "cannot_tell"),
        (Uncorrectable, "uncorrectable"),
        (ByHand, "by_hand"),
    )
    return next(name for kind, name in names if isinstance(answer, kind)), "", reason[:500]
