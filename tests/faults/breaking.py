"""The faults, each on an account of its own, so that they happen at the same time and none waits for another.

Before them the product runs with its clock two hours ahead and is killed in the middle; then its clock is right again.
"""

from __future__ import annotations

import os
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from kernel.errors import XuandaError
from scheduler import booking, by_hand, settle
from scheduler.models import Delivery
from scheduler.states import DeliveryState
from tests.faults.databases import Database
from tests.faults.stage import STARTING, Desk, Stage, small_disk, until
from tests.faults.verdict import Verdict

S = DeliveryState
AHEAD = timedelta(hours=2)
# How far both clocks are moved while the product is down: longer than any wait it may have been told to keep.
LATER = timedelta(minutes=11)
MOST_RUNS = 12
# A product without a safeguard may never come to rest.
FEW_RUNS, SHORTER = 3, 40.0
# Lease and sweep take seconds here; the rest is for a busy machine.
LIMIT = 120.0
BUSY, TOO_OFTEN = 10001, 20016
BY_HAND = "人工发布"


@dataclass
class Case:
    """One fault: what the platform does wrong on this lane, and the deliveries that meet it."""

    name: str
    pieces: int
    breaks: tuple[dict[str, Any], ...] = ()
    ids: list[int] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def book(self, desk: Desk, lanes: Sequence[int]) -> None:
        """Signs and books its pieces; without a lane they are for the portal."""
        self.titles = [f"{self.name}第{number}号。" for number in range(self.pieces)]
        pieces = [desk.sign(title, lanes) for title in self.titles]
        self.ids = desk.book(pieces, lanes)


def cases(lease: float, crowd: int = 30) -> list[Case]:
    """Every fault by lane; the last one has none, because the portal is a folder."""
    beyond = lease + 0.5
    return [
        Case("clock two hours ahead, killed, set back", 4, ({"kind": "delay", "seconds": 0.4, "count": 0},)),
        Case("reply lost after acting", 3, ({"kind": "cut_after", "count": 3},)),
        Case("reply comes after the lease", 2, ({"kind": "late_answer", "seconds": beyond, "count": 2},)),
        Case("acts only after the lease", 2, ({"kind": "delay", "seconds": beyond, "count": 2},)),
        Case("connection cut before acting", 2, ({"kind": "cut_before", "count": 2},)),
        Case("burst of 5xx", 4, ({"kind": "http_5xx", "count": 2}, {"kind": "http_5xx", "code": 503, "count": 2})),
        Case("throttled", 3, ({"kind": "errcode", "code": TOO_OFTEN, "count": 2},)),
        Case("processes claim side by side", crowd),
        Case("taken over by hand as it comes back", 6, ({"kind": "errcode", "code": BUSY, "count": 0},)),
        Case("database away in the middle", 6, ({"kind": "delay", "seconds": 0.4, "count": 0},)),
        Case("disk full while the portal writes", 2),
    ]


CLOCK, LOST, AFTER_LEASE, SIDE_BY_SIDE, BY_HAND_LANE, AWAY, PORTAL = 0, 1, 3, 7, 8, 9, 10
WEIBO_LANES = PORTAL


def break_everything(stage: Stage, desk: Desk, database: Database, away: float, crowd: int = 30) -> list[Verdict]:
    """Lets all of it happen, waits until nothing moves any more, and judges each."""
    every = cases(stage.pace.lease, crowd)
    with small_disk(stage.site) as disk:
        # The clock, first by itself: everything else is to happen under a right one.
        _begin(stage, desk, every, [CLOCK])
        stage.offset = AHEAD
        before = stage.last()
        stage.start(1)
        until(lambda: bool(stage.posts(before)), STARTING, "nothing went out with the clock ahead")
        stage.end(signal.SIGKILL)
        stage.offset = timedelta()

        mend_disk = _fill(disk, stage.site)
        numbers = _begin(stage, desk, every, range(1, PORTAL + 1))
        began = time.monotonic()
        stage.start()
        hand = threading.Thread(target=_take_over, args=(stage, desk, every[BY_HAND_LANE], numbers[BY_HAND_LANE]))
        hand.start()
        until(lambda: _arrived(stage, every[AWAY]) > 0, STARTING, None)
        until(lambda: _tried(stage, every[PORTAL]), LIMIT, None)
        mend_disk()
        database.away(away)
        hand.join()
        _until_over(stage, desk, every, began)
        return [_judge(stage, case, portal=case is every[PORTAL]) for case in every]


def break_some(stage: Stage, desk: Desk) -> list[Verdict]:
    """The faults that a safeguard stands against, without anything else going on."""
    places = (LOST, AFTER_LEASE, SIDE_BY_SIDE)
    every = cases(stage.pace.lease)
    _begin(stage, desk, every, places)
    chosen = [every[place] for place in places]
    began = time.monotonic()
    stage.start()
    _until_over(stage, desk, chosen, began, FEW_RUNS, SHORTER)
    return [_judge(stage, case, portal=False) for case in chosen]


def _until_over(
    stage: Stage, desk: Desk, every: Sequence[Case], began: float, runs: int = MOST_RUNS, limit: float = LIMIT
) -> None:
    """Waits until nothing moves any more, and moves both clocks on for what was told to wait."""
    for _ in range(runs):
        until(lambda: not stage.busy(), limit, None)
        left = [case for case in every if not case.seconds and not _over(stage, desk, case)]
        for case in every:
            if case not in left:
                case.seconds = case.seconds or time.monotonic() - began
        stage.end(signal.SIGTERM)
        if not left:
            return
        stage.start_later(LATER)


def _begin(stage: Stage, desk: Desk, every: Sequence[Case], places: Sequence[int]) -> dict[int, list[int]]:
    numbers = {}
    for place in places:
        lanes = [] if place == PORTAL else [place]
        every[place].book(desk, lanes)
        numbers[place] = [stage.break_calls(lane=place, **one) for one in every[place].breaks]
    return numbers


def _take_over(stage: Stage, desk: Desk, case: Case, numbers: Sequence[int]) -> None:
    """A person takes each over at about the instant at which it would be sent again, by an interface that is back."""
    until(lambda: all(row.attempts and row.state == S.BOOKED for row in stage.rows(case.ids)), LIMIT, None)
    for number in numbers:
        stage.mend(number)
    people = [threading.Thread(target=_take, args=(stage, desk, row)) for row in stage.rows(case.ids)]
    for person in people:
        person.start()
    for person in people:
        person.join()


def _take(stage: Stage, desk: Desk, row: Delivery) -> None:
    early = random.uniform(-0.2, 0.6)  # noqa: S311  # An instant, no secret.
    moment = (row.next_at or stage.hub.clock.now()) - timedelta(seconds=early)
    time.sleep(max(0.0, min(LIMIT, (moment - stage.hub.clock.now()).total_seconds())))
    _act(stage, desk, row.id, booking.take_by_hand)
    _act(stage, desk, row.id, by_hand.close, "https://weibo.example/by-hand")


def _act(stage: Stage, desk: Desk, delivery_id: int, step: Callable[..., None], *more: Any) -> None:
    try:
        with desk.office.working("officer") as (work, who):
            step(work, who, work.session.get_one(Delivery, delivery_id), *more)
    except XuandaError:
        return  # It is on its way already: then it is the product's.
    except OperationalError:  # The database is away: a person would try again.
        time.sleep(0.5)
        _act(stage, desk, delivery_id, step, *more)


def _over(stage: Stage, desk: Desk, case: Case) -> bool:
    """Whether every delivery has come to its end; a person looks at those that wait for one."""
    for row in stage.rows(case.ids):
        if row.state == S.UNKNOWN and row.next_at is None:
            there = any(case.titles[case.ids.index(row.id)] in line["data"]["text"] for line in stage.posts())
            step: Any = settle.there if there else settle.not_there
            _act(stage, desk, row.id, step, *(({}, "看到了") if there else ()))
    return all(row.state == S.DONE for row in stage.rows(case.ids))


def _tried(stage: Stage, case: Case) -> bool:
    return any(row.attempts and row.state != S.SENDING for row in stage.rows(case.ids))


def _arrived(stage: Stage, case: Case) -> int:
    return sum(any(title in line["data"]["text"] for title in case.titles) for line in stage.posts())


def _judge(stage: Stage, case: Case, *, portal: bool) -> Verdict:
    rows = stage.rows(case.ids)
    texts = [line["data"]["text"] for line in stage.posts()]
    pages = [path.read_text("utf-8") for path in stage.site.rglob("*.html")] if portal else []
    times = [
        sum(title in text for text in texts)
        if not portal
        else int(any(re.search(f"<h1[^>]*>\\s*{title}", page) for page in pages))
        for title in case.titles
    ]
    now = stage.hub.clock.now() + stage.offset
    by_a_person = [row.remark == BY_HAND for row in rows]
    stuck = [row.state == S.SENDING or bool(row.next_at and row.next_at < now - timedelta(seconds=10)) for row in rows]
    return Verdict(
        case.name,
        stage.hub.engine.dialect.name,
        booked=len(rows),
        reached=sum(count > 0 for count in times),
        # What a person published by hand must not have been sent as well.
        twice=sum(max(0, count + hand - 1) for count, hand in zip(times, by_a_person, strict=True)),
        lost=sum(count + hand == 0 for count, hand in zip(times, by_a_person, strict=True)),
        stuck=sum(stuck) + len(list(stage.site.rglob(".new-*"))),
        unknown=sum(row.state != S.DONE for row in rows),
        shown=sum(by_a_person) + sum(row.remark == "看到了" for row in rows),
        seconds=case.seconds,
    )


def _fill(disk: Path | None, site: Path) -> Callable[[], None]:
    """Leaves no room where the portal writes; returns what makes room again."""
    if disk is None:
        # No file system may be mounted here: a file stands where the folder would be, and every write fails.
        if site.exists():
            site.rename(site.with_name("site.aside"))
        site.write_text("")
        return lambda: _put_back(site)
    ballast = disk / ".ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(os.urandom(1024) * 64)
        except OSError:
            pass
    return ballast.unlink


def _put_back(site: Path) -> None:
    site.unlink()
    aside = site.with_name("site.aside")
    if aside.exists():
        aside.rename(site)
