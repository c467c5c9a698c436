"""SIGKILL at random instants, again and again; between two runs both clocks are moved on instead of waiting."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from datetime import timedelta
from functools import partial

from sqlalchemy import func, select

from kernel.audit import verify
from scheduler.models import Attempt, Delivery
from scheduler.states import DeliveryState
from tests.faults.stage import STARTING, Desk, Stage, until
from tests.faults.verdict import Verdict

S = DeliveryState
LANES = 5
PIECES_A_ROUND = 2
SLOW, SLOW_PIECES = LANES, 10
MINUTE = 60.0


def kill_again_and_again(stage: Stage, desk: Desk, rounds: int) -> Verdict:
    """So many rounds of booking, waiting until something arrives, and killing every process a moment later."""
    seed = time.time_ns()
    chance = random.Random(seed)  # noqa: S311  # Instants, no secrets.
    began = time.monotonic()
    stage.break_calls("delay", SLOW, count=0, seconds=0.45)
    stage.break_calls("delay", count=0, seconds=0.05)
    lanes, slow = list(range(LANES)), [SLOW]
    for number in range(rounds):
        pieces = [desk.sign(f"第{number}轮第{place}号", lanes) for place in range(PIECES_A_ROUND)]
        before = stage.last()
        desk.book(pieces, lanes)
        stage.start_later(stage.pace.step)
        told = f"nothing goes out any more (seed {seed}, round {number})"
        until(partial(_something_went_out, stage, before), STARTING, told)
        time.sleep(chance.uniform(0, 0.5))
        stage.end(signal.SIGKILL)

    # More on the slow account than a claim lasts for: what does not fit has to be given back.
    desk.book([desk.sign(f"慢第{number}号", slow) for number in range(SLOW_PIECES)], slow)
    stage.start_later(stage.pace.step, max(2, stage.processes))
    swept = _swept(stage)
    for _ in range(10):
        until(lambda: not stage.busy(), STARTING, None)
        stage.end(signal.SIGTERM)
        if not stage.count(Delivery.state != S.DONE):
            break
        stage.start_later(timedelta(minutes=2))
    return _judge(stage, desk, f"SIGKILL × {rounds}, lease {stage.pace.lease:.0f} s", time.monotonic() - began, swept)


def _something_went_out(stage: Stage, before: int) -> bool:
    return bool(stage.posts(before))


def _swept(stage: Stage) -> bool:
    """All but one are killed while something is on its way; the one finds it within a minute by the real clock."""
    moving = (Delivery.state == S.SENDING, Delivery.claimed_until > stage.hub.clock.now() + stage.offset)
    until(lambda: bool(stage.count(*moving)), STARTING, None)
    stage.end(signal.SIGKILL, spare=1)
    held = stage.claimants()
    return until(lambda: not held & stage.claimants(), MINUTE, None)


def _judge(stage: Stage, desk: Desk, name: str, seconds: float, swept: bool) -> Verdict:
    arrived = Counter((line["account"], line["data"]["text"]) for line in stage.posts())
    with stage.hub.works.read() as work:
        open_attempts = work.session.scalar(select(func.count(Attempt.id)).where(Attempt.outcome == "")) or 0
        chain = verify(work.session).fault
    return Verdict(
        name,
        stage.hub.engine.dialect.name,
        booked=desk.booked,
        reached=len(arrived),
        twice=sum(times - 1 for times in arrived.values()),
        lost=desk.booked - len(arrived),
        stuck=(0 if swept else 1) + open_attempts + stage.count(Delivery.claimed_by.is_not(None)),
        unknown=stage.count(Delivery.state != S.DONE),
        shown=0,
        seconds=seconds,
        note=chain or "",
    )
