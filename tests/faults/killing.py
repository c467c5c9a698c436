"""SIGKILL at random instants, again and again; between two runs both clocks are moved on instead of waiting."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from sqlalchemy import func, select

from channels.adapters.web_push.fan_out import IN_FLIGHT
from kernel.audit import verify
from scheduler import booking
from scheduler.models import Attempt, Delivery
from scheduler.states import DeliveryState
from tests.faults.accounts import MANY_BROWSERS, MASS, PHONES, PUBLISHING, WEIBO
from tests.faults.breaking import reached_people
from tests.faults.stage import STARTING, Desk, Stage, until
from tests.faults.verdict import Verdict

S = DeliveryState
LANES = 5
PIECES_A_ROUND = 2
SLOW, SLOW_PIECES = LANES, 10
KILLED = [*[WEIBO] * (LANES + 1), PUBLISHING, MASS, PHONES, MANY_BROWSERS]
# Every third round has something for these too, since they are slower and 群发 is limited.
OTHERS, OFTEN = list(range(SLOW + 1, len(KILLED))), 3
FAN_OUT = len(KILLED) - 1
MINUTE = 60.0
# As long as a fan-out may wait for its push service, and after how many such waits in which nothing moved it is over.
AS_LONG_AS_IT_MAY_WAIT = timedelta(minutes=16)
IDLE_RUNS = 3


def kill_again_and_again(stage: Stage, desk: Desk, rounds: int) -> Verdict:
    """So many rounds of booking, waiting until something arrives, and killing every process a moment later."""
    seed = time.time_ns()
    chance = random.Random(seed)  # noqa: S311  # Instants, no secrets.
    began = time.monotonic()
    stage.break_calls("delay", SLOW, count=0, seconds=0.45)
    lanes, slow = list(range(LANES)), [SLOW]
    for lane in (*lanes, *OTHERS):
        stage.break_calls("delay", lane, count=0, seconds=0.3 if lane == FAN_OUT else 0.05)
    browsers = {one.number for one in desk.browsers[FAN_OUT]}
    told: list[tuple[int, str]] = []
    most = 0
    for number in range(rounds):
        pieces = [desk.sign(f"第{number}轮第{place}号", lanes) for place in range(PIECES_A_ROUND)]
        before, unsure = stage.last(), stage.unsure()
        desk.book(pieces, lanes)
        if number % OFTEN == 0:
            title = f"第{number}轮通知"
            told.append((desk.book([desk.sign(title, OTHERS)], OTHERS)[-1], title))
        stage.start_later(stage.pace.step)
        fault = f"nothing goes out any more (seed {seed}, round {number})"
        wanted = browsers if number % OFTEN == 0 else None
        until(partial(_something_went_out, stage, before, wanted), STARTING, fault)
        time.sleep(chance.uniform(0, 0.5))
        stage.end(signal.SIGKILL)
        # Several workers may be at several notices: each of them leaves what it had on its way.
        most = max(most, *(stage.unsure() - unsure).values(), 0)

    # More on the slow account than a claim lasts for: what does not fit has to be given back.
    desk.book([desk.sign(f"慢第{number}号", slow) for number in range(SLOW_PIECES)], slow)
    stage.start_later(stage.pace.step, max(2, stage.processes))
    swept = _swept(stage)
    shown = _until_all_is_over(stage, desk)
    verdict = _judge(
        stage, desk, f"SIGKILL × {rounds}, lease {stage.pace.lease:.0f} s", time.monotonic() - began, swept
    )
    return _with_browsers(stage, desk, replace(verdict, shown=shown), told, most)


def _until_all_is_over(stage: Stage, desk: Desk) -> int:
    """Lets the product go on as long as anything still gets anywhere; returns for how many a person decided.

    A fan-out waits for its push service longer and longer while that one, on a busy machine, answers too late.
    """
    decided = idle = 0
    while True:
        before = stage.last(), stage.count(Delivery.state != S.DONE)
        until(lambda: not stage.busy(), STARTING, None)
        stage.end(signal.SIGTERM)
        decided += _decided(stage, desk)
        left = stage.count(Delivery.state != S.DONE)
        idle = idle + 1 if before == (stage.last(), left) else 0
        if not left or idle == IDLE_RUNS:
            return decided
        stage.start_later(AS_LONG_AS_IT_MAY_WAIT)


def _decided(stage: Stage, desk: Desk) -> int:
    """What was given up, or waits for a person, is tried again by one; returns how many."""
    steps = {S.FAILED: booking.retry, S.HELD: booking.resume}
    with stage.hub.works.read() as work:
        query = select(Delivery.id, Delivery.state).where(Delivery.state.in_(steps), Delivery.next_at.is_(None))
        left = work.session.execute(query).all()
    for delivery_id, state in left:
        with desk.office.working("officer") as (work, who):
            steps[state](work, who, work.session.get_one(Delivery, delivery_id))
    return len(left)


def _something_went_out(stage: Stage, before: int, wanted: set[str] | None) -> bool:
    """To one of the wanted, where it matters: a fan-out is to be killed in its middle."""
    return any(wanted is None or one.account in wanted for one in stage.arrived(before))


def _swept(stage: Stage) -> bool:
    """All but one are killed while something is on its way; the one finds it within a minute by the real clock."""
    moving = (Delivery.state == S.SENDING, Delivery.claimed_until > stage.hub.clock.now() + stage.offset)
    until(lambda: bool(stage.count(*moving)), STARTING, None)
    stage.end(signal.SIGKILL, spare=1)
    held = stage.claimants()
    return until(lambda: not held & stage.claimants(), MINUTE, None)


def _judge(stage: Stage, desk: Desk, name: str, seconds: float, swept: bool) -> Verdict:
    browsers = {one.number for one in desk.browsers[FAN_OUT]}
    arrived = Counter(one for one in stage.arrived() if one.account not in browsers)
    with stage.hub.works.read() as work:
        open_attempts = work.session.scalar(select(func.count(Attempt.id)).where(Attempt.outcome == "")) or 0
        chain = verify(work.session).fault
    booked = stage.count(Delivery.account_id != desk.lanes[FAN_OUT])
    return Verdict(
        name,
        stage.hub.engine.dialect.name,
        booked=booked,
        reached=len(arrived),
        twice=sum(times - 1 for times in arrived.values()),
        lost=booked - len(arrived),
        stuck=(0 if swept else 1) + open_attempts + stage.count(Delivery.claimed_by.is_not(None)),
        unknown=stage.count(Delivery.state != S.DONE),
        shown=0,
        seconds=seconds,
        note=chain or "",
    )


def _with_browsers(stage: Stage, desk: Desk, verdict: Verdict, told: Sequence[tuple[int, str]], most: int) -> Verdict:
    """A fan-out is counted by browser; a kill leaves no more than what was on its way in doubt."""
    rows = stage.rows([delivery_id for delivery_id, _ in told])
    people = reached_people(stage, desk.browsers[FAN_OUT], rows, [title for _, title in told])
    return replace(
        verdict,
        booked=verdict.booked + people.booked,
        reached=verdict.reached + people.reached,
        twice=verdict.twice + people.twice,
        lost=verdict.lost + people.lost,
        shown=verdict.shown + people.shown,
        note=verdict.note or (f"{most} of one notice in doubt after one kill" if most > IN_FLIGHT else ""),
    )
