"""Claim, send, record: takes what is due to its platform, lane by lane (a lane is an account).

Three kinds of rows are due: booked ones are sent, accepted ones polled, unknown ones asked about. The
claim and the record are works of their own; between them no transaction is open. Rows are claimed and
answers recorded many at a time, so that a thousand due rows do not wait for a thousand commits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import structlog
from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from channels.abilities.together import Together
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import AccountInfo, Channel, Post
from channels.errors import ChannelError, OutcomeUnknown, Retryable
from kernel.claim import claim, free, new_claimant
from kernel.people import Unit
from kernel.seal import Seal
from kernel.work import Work, Works
from scheduler import reached, receipts, taking_back
from scheduler.batch import Batch, load
from scheduler.elsewhere import PORTAL
from scheduler.leaving import changes, kept_back, spoiled
from scheduler.models import Delivery
from scheduler.posts import post_of
from scheduler.receipts import Answer, Outcome
from scheduler.states import DeliveryState
from scheduler.windows import stopping

log = structlog.get_logger(__name__)
S = DeliveryState
CHINA = ZoneInfo("Asia/Shanghai")

# A lane claims what it will send in about LANE_SECONDS, by the pace of its last calls, and never more than LANE_MOST;
# one claim over all lanes stops at CLAIM_MOST rows, so that nobody else waits long for the database.
LANE_FIRST, LANE_MOST, LANE_SECONDS = 20, 100, 5.0
CLAIM_MOST = 200
RECORD_EVERY = 0.05
RECORD_PAUSES = (0.1, 0.5, 2.0, 5.0)
SEND_FIRST = (S.BOOKED, S.ACCEPTED, S.UNKNOWN)


@dataclass(frozen=True)
class Timing:
    """How long a claim lasts and how long one call may take, in seconds; a call must fit into a claim."""

    lease: float = 45.0
    send_timeout: float = 20.0

    def __post_init__(self) -> None:
        if self.send_timeout >= self.lease:
            raise ValueError("a call must fit into a claim: send_timeout must be shorter than lease")


@dataclass(frozen=True)
class Job:
    """One claimed delivery with everything its call needs; `number` is that of the attempt.

    `account` is what its adapter is told, None where the account cannot be opened.
    """

    delivery_id: int
    claimant: str
    attempt_id: int
    act: str
    number: int
    post: Post
    job_id: str
    claimed_until: datetime
    account: AccountInfo | None = None


@dataclass(frozen=True)
class Claimed:
    """What one claim took, by lane; `more` when something else may be due on these lanes at this moment."""

    jobs: Mapping[int, Sequence[Job]]
    more: bool


@dataclass
class Dispatcher:
    """Claims, sends, records. `make` builds the adapter for an account; the wiring decides which.

    `zone` is the office's, for its quiet hours; `pace` is how many seconds a call took on each lane of late.
    """

    works: Works
    seal: Seal
    make: Callable[[AccountInfo], Channel]
    public_url: str
    timing: Timing = field(default_factory=Timing)
    zone: ZoneInfo = CHINA
    pace: dict[int, float] = field(default_factory=dict)

    def due_lanes(self, *, portal: bool = True) -> list[int]:
        """The accounts on which something is due now: first where an emergency is, then what has waited longest;
        without portals if so wished."""
        with self.works.read() as work:
            query = select(Delivery.account_id).where(*self._due(work.now)).group_by(Delivery.account_id)
            if not portal:
                query = query.where(Delivery.channel != PORTAL)
            urgent = func.max(case((Delivery.emergency, 1), else_=0)).desc()
            return list(work.session.scalars(query.order_by(urgent, func.min(Delivery.next_at))))

    def next_moments(self, lanes: Collection[int]) -> dict[int, datetime]:
        """When something will be due next on each of these accounts, among what nobody holds."""
        with self.works.read() as work:
            query = (
                select(Delivery.account_id, func.min(Delivery.next_at))
                .where(Delivery.state.in_(SEND_FIRST), Delivery.account_id.in_(lanes))
                .where(free(Delivery, work.now, self._lease))
                .group_by(Delivery.account_id)
            )
            return {lane: at for lane, at in work.session.execute(query) if at is not None}

    def run_lane(self, account_id: int) -> int:
        """Takes everything due on this account to its platform; returns how many calls were made."""
        calls = 0
        while True:
            claimed = self.claim([account_id])
            jobs = claimed.jobs.get(account_id, ())
            answered = 0
            for outcomes in _every(RECORD_EVERY, self.answers(account_id, jobs)):
                self.record(outcomes)
                answered += len(outcomes)
            calls += answered
            if not claimed.more and answered == len(jobs):
                return calls

    def claim(self, lanes: Sequence[int]) -> Claimed:
        """Claims what is due on these lanes and notes the attempts, in one work."""
        claimant = new_claimant()
        with self.works.write() as work:
            rows, more = self._claim_rows(work, lanes, claimant)
            batch = Batch(work.session, rows)
            with work.session.no_autoflush:
                calls = [(row, *call) for row in rows if (call := self._prepare(work, row, batch))]
                # A process that dies while it asks leaves its question open; the next one to ask closes it.
                asked = [row.id for row, act, _ in calls if act != "send"]
                receipts.close_open_attempts(work, asked, receipts.LOST, "核实进程中断")
                attempts = receipts.open_attempts(work, [(row, act) for row, act, _ in calls])
                opened = self._opened(work, {row.account_id for row, _, _ in calls}, batch)
                jobs: dict[int, list[Job]] = {}
                for row, act, post in calls:
                    job = _job(row, claimant, attempts[row.id], act, post)
                    jobs.setdefault(row.account_id, []).append(replace(job, account=opened.get(row.account_id)))
        return Claimed(jobs, more)

    def _opened(self, work: Work, lanes: Collection[int], batch: Batch) -> Mapping[int, AccountInfo]:
        """What adapters are told of these accounts; one that cannot be opened is left to its own lane to tell of."""
        units = load(work.session, Unit, {batch.account(lane).unit_id for lane in lanes})
        found: dict[int, AccountInfo] = {}
        for lane in lanes:
            with suppress(Exception):  # The edge: the lane meets it again, and its deliveries get the reason.
                found[lane] = accounts.info(work.session, self.seal, batch.account(lane))
        del units  # Held until here, so that the session finds them without asking.
        return found

    def _claim_rows(self, work: Work, lanes: Sequence[int], claimant: str) -> tuple[list[Delivery], bool]:
        rows: list[Delivery] = []
        more = False
        for lane in lanes:
            if len(rows) >= CLAIM_MOST:
                return rows, True
            limit = self._most(lane)
            found = claim(
                work.session,
                Delivery,
                [Delivery.account_id == lane, *self._due(work.now)],
                # 应急发布 goes before all that waits on its lane.
                [Delivery.emergency.desc(), Delivery.next_at, Delivery.id],
                limit=limit,
                claimant=claimant,
                now=work.now,
                lease=self._lease,
            )
            more = more or len(found) == limit
            rows += found
        return rows, more

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=self.timing.lease)

    def _due(self, now: datetime) -> tuple[ColumnElement[bool], ...]:
        # A row in `sending` is never claimed here: it is on its way, or the sweep will find it.
        return (Delivery.state.in_(SEND_FIRST), Delivery.next_at <= now, free(Delivery, now, self._lease))

    def _most(self, lane: int) -> int:
        pace = self.pace.get(lane, LANE_SECONDS / LANE_FIRST)
        return max(1, min(LANE_MOST, int(LANE_SECONDS / max(pace, 0.001))))

    def _prepare(self, work: Work, delivery: Delivery, batch: Batch) -> tuple[str, Post] | None:
        """The call to make and what goes with it; None when the delivery stays here."""
        try:
            if kept_back(work, delivery, batch, self.zone):
                return None
            act = _begin(work, delivery)
            if act == "send":
                reached.follow(work.session, delivery)
                if delivery.action == "withdraw":
                    taking_back.leaves(delivery, batch)
                changes(delivery, batch)
            post = post_of(batch, delivery, self.public_url)
            if act == "ask" and stopping(work.session, delivery, batch.freezes):
                post = replace(post, look_only=True)
            return act, post
        except SQLAlchemyError:
            raise  # Not this delivery's fault: nothing of the work can be kept.
        except Exception as failure:
            # The edge: a release that this version cannot read must not keep the others of its batch from leaving.
            log.exception("release cannot be read", delivery=delivery.id)
            spoiled(work, delivery, batch, failure)
            return None

    def answers(self, lane: int, jobs: Sequence[Job], enough: Callable[[], bool] = lambda: False) -> Iterator[Outcome]:
        """Calls the lane's platform for these jobs, one after another, with no transaction open.

        Gives back what does not fit into the claim any more, and all that is left once `enough` says so.
        """
        call = self._caller(lane, jobs[0].account) if jobs else None
        started, done = time.monotonic(), 0
        while done < len(jobs):
            left = jobs[done].claimed_until - self.works.clock.now()
            if call is None or enough() or left < timedelta(seconds=self.timing.send_timeout):
                # The claim would run out during the call; the rest is due again at once, under a new claim.
                self._give_back(jobs[done:])
                break
            said = call(jobs[done:])
            now = self.works.clock.now()
            for job, answer in zip(jobs[done:], said, strict=False):
                yield Outcome(job.delivery_id, job.claimant, job.attempt_id, job.act, job.number, answer, now)
            done += len(said)
            self.pace[lane] = (time.monotonic() - started) / done

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Writes outcomes in one work; where that fails, each in its own, so that a bad one holds up no other.

        While the database is away it tries again for some seconds, because an answer is dear.
        """
        for pause in RECORD_PAUSES:
            try:
                with self.works.write() as work:
                    receipts.record(work, outcomes, self._lease)
                return
            except OperationalError:
                log.warning("database away, answers wait", answers=len(outcomes))
                time.sleep(pause)
            except Exception:  # The edge: what stays unwritten is found by the sweep and asked about, not sent again.
                log.exception("answers not recorded", deliveries=[outcome.delivery_id for outcome in outcomes])
                break
        for outcome in outcomes if len(outcomes) > 1 else ():
            self.record([outcome])

    def _caller(self, lane: int, about: AccountInfo | None = None) -> Callable[[Sequence[Job]], Sequence[Answer]]:
        try:
            adapter = self.make(about or self._account(lane))
        except Exception as failure:  # The edge: an account that cannot be opened must not leave its rows on their way.
            log.exception("account cannot be used", account=lane)
            reason = f"账号无法使用：{type(failure).__name__}: {failure}"
            return lambda _jobs: [Retryable(reason)]
        return Caller(adapter)

    def _account(self, lane: int) -> AccountInfo:
        with self.works.read() as work:
            return accounts.info(work.session, self.seal, work.session.get_one(Account, lane))

    def _give_back(self, jobs: Sequence[Job]) -> None:
        nobody = {"claimed_by": None, "claimed_until": None}
        never = case((Delivery.attempts <= 1, None), else_=Delivery.handed_on_at)
        with self.works.write() as work:
            for sent in (True, False):
                given = [job for job in jobs if (job.act == "send") is sent]
                mine = Delivery.claimed_by.in_({job.claimant for job in given})
                back = {"state": S.BOOKED, "attempts": Delivery.attempts - 1, "handed_on_at": never} if sent else {}
                statement = update(Delivery).where(Delivery.id.in_([job.delivery_id for job in given]), mine)
                work.session.execute(statement.values(**nobody, **back))
            receipts.not_sent(work, [job.attempt_id for job in jobs], "本轮时间不足，改由下一轮发送")


def _begin(work: Work, delivery: Delivery) -> str:
    if delivery.state != S.BOOKED:
        # What the platform once took as a job is asked for by its number, whatever became of it since.
        return "poll" if delivery.state == S.ACCEPTED or delivery.job_id else "ask"
    delivery.state, delivery.job_id = S.SENDING, None
    delivery.attempts += 1
    delivery.first_attempt_at = delivery.first_attempt_at or work.now
    delivery.handed_on_at = delivery.handed_on_at or work.now
    return "send"


def _job(delivery: Delivery, claimant: str, attempt_id: int, act: str, post: Post) -> Job:
    if delivery.claimed_until is None:
        raise RuntimeError("a prepared delivery must be claimed")
    return Job(
        delivery.id,
        claimant,
        attempt_id,
        act,
        delivery.attempts,
        post,
        delivery.job_id or "",
        delivery.claimed_until,
    )


def _every(seconds: float, outcomes: Iterator[Outcome]) -> Iterator[list[Outcome]]:
    batch: list[Outcome] = []
    since = time.monotonic()
    for outcome in outcomes:
        batch.append(outcome)
        if time.monotonic() - since > seconds:
            yield batch
            batch, since = [], time.monotonic()
    if batch:
        yield batch


class Caller:
    """Calls a platform for jobs, one at a time, or for several in one go where the channel can do that."""

    def __init__(self, adapter: Channel) -> None:
        self._adapter = adapter
        self._alone = 0

    def __call__(self, jobs: Sequence[Job]) -> Sequence[Answer]:
        """The answer to the first of these jobs, or to the first few of them."""
        posts = self._alike(jobs)
        if len(posts) > 1 and isinstance(self._adapter, Together):
            try:
                return self._adapter.publish_together(posts)
            except Exception:  # The edge: one that is bad must not spoil the others.
                log.exception("not together, each by itself", deliveries=len(posts))
                self._alone = len(posts)
        self._alone = max(0, self._alone - 1)
        return [_call(self._adapter, jobs[0])]

    def _alike(self, jobs: Sequence[Job]) -> list[Post]:
        if self._alone or not isinstance(self._adapter, Together):
            return []
        posts: list[Post] = []
        pieces: set[int] = set()
        for job in jobs[: self._adapter.most_together]:
            own = {item.piece_id for item in job.post.items}
            if job.act != "send" or job.post.action != "publish" or own & pieces:
                break
            posts.append(job.post)
            pieces |= own
        return posts


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
