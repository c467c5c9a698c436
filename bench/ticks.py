"""What a look at the timetable costs as it fills: one item due among few and among many that are booked for later."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import insert, select

from bench.figures import Figure, measure
from bench.offices import BenchOffice, bench_office
from content.models import Piece, Release
from scheduler.models import Delivery, DeliveryItem
from scheduler.states import DeliveryState

SMALL, LARGE, RUNS = 1_000, 100_000, 40
BATCH = 5_000
MONTH = 30 * 24 * 3600


@measure("dispatch.tick")
def tick_ratio() -> Iterator[Figure]:
    """Finding, claiming, sending and recording the one item that is due, with 100,000 booked rows against 1,000."""
    yield from measured(SMALL, LARGE, RUNS)


def measured(small: int, large: int, runs: int) -> Iterator[Figure]:
    """The figures for timetables of any size; both take turns, so that both see the same machine."""
    with bench_office() as few, bench_office() as many:
        pieces = [_prepare(few, small, runs), _prepare(many, large, runs)]
        times: list[list[float]] = [[], []]
        for run in range(runs):
            for office, piece, taken in zip((few, many), pieces, times, strict=True):
                taken.append(_tick(office, piece, run))
    base, grown = (statistics.median(one) for one in times)
    ratio = round(grown / base, 3)
    against = f"{small} booked: {base * 1000:.1f} ms"
    yield Figure("dispatch.tick.ms_100k", round(grown * 1000, 1), "ms", against)
    yield Figure("dispatch.tick.ratio_100k", ratio, "large/small", f"{small} booked", ratio)


def _prepare(office: BenchOffice, booked: int, accounts: int) -> int:
    office.add_accounts("fake", accounts)
    piece = office.signed("关于调整市区供热时间的通知", office.accounts)
    _fill(office, piece, booked)
    return piece


def _tick(office: BenchOffice, piece: int, run: int) -> float:
    account = office.accounts[run]
    office.book([piece], [account], office.hub.clock.now())
    dispatcher = office.dispatcher()
    began = time.perf_counter()
    for lane in dispatcher.due_lanes():
        dispatcher.run_lane(lane)
    taken = time.perf_counter() - began
    with office.hub.works.read() as work:
        done = select(Delivery.state).where(Delivery.account_id == account.id, Delivery.state == DeliveryState.DONE)
        if work.session.scalar(done) is None:
            raise RuntimeError("what was due did not go out")
    return taken


def _fill(office: BenchOffice, piece_id: int, booked: int) -> None:
    """Books that many rows for the next month, on all accounts in turn."""
    with office.hub.works.write() as work:
        piece = work.session.get_one(Piece, piece_id)
        release = work.session.get_one(Release, piece.release_id)
        for first in range(0, booked, BATCH):
            numbers = range(first, min(first + BATCH, booked))
            rows = []
            for number in numbers:
                at = work.now + timedelta(seconds=3600 + MONTH * number / booked)
                account = office.accounts[number % len(office.accounts)]
                rows.append({
                    "id": 1_000_000 + number, "unit_id": piece.unit_id, "account_id": account.id,
                    "channel": account.channel, "action": "publish", "identity": f"{number:064d}",
                    "key": f"{number:040d}", "state": DeliveryState.BOOKED, "scheduled_at": at, "next_at": at,
                    "created_at": work.now,
                })  # fmt: skip
            items = [
                {
                    "delivery_id": 1_000_000 + number,
                    "position": 1,
                    "action": "publish",
                    "piece_id": piece_id,
                    "release_id": release.id,
                }
                for number in numbers
            ]
            work.session.execute(insert(Delivery), rows)
            work.session.execute(insert(DeliveryItem), items)
