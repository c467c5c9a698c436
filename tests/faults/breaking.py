"""The faults, each on an account of its own, so that they happen at the same time and none waits for another.

Before them the product runs with its clock two hours ahead and is killed in the middle; then its clock is right again.
"""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.exc import OperationalError

from kernel.errors import XuandaError
from scheduler import booking, by_hand, settle
from scheduler.models import Delivery
from scheduler.states import DeliveryState
from tests.faults.accounts import (
    BROWSERS,
    BROWSERS_HANGING,
    MASS,
    MASS_TOLD,
    PHONES,
    PUBLISHING,
    PUBLISHING_TOLD,
    WEIBO,
    Browser,
    Kind,
    number_of,
)
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
WECHAT_BUSY, USED_UP = -1, 45009
BY_HAND = "人工发布"
# What is written of a browser that nobody knows to have got it.
NOT_REACHED, NOT_CALLED = ("unknown", "gone", "refused"), ("", "waiting")


@dataclass
class Case:
    """One fault: what the platform does wrong on this lane, and the deliveries that meet it; no kind is the portal."""

    name: str
    kind: Kind | None
    pieces: int
    # As a fault of the platforms'; `browser` is whose calls are broken, by his place.
    breaks: tuple[dict[str, Any], ...] = ()
    ids: list[int] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    # The account's number on its platform.
    account: str = ""
    # For which of them a person had to decide.
    decided: set[int] = field(default_factory=set)
    seconds: float = 0.0

    def book(self, desk: Desk, lanes: Sequence[int]) -> None:
        """Signs and books its pieces; without a lane they are for the portal."""
        self.account = number_of(self.kind, lanes[0]) if self.kind else ""
        self.titles = [f"{self.name}第{number}号。" for number in range(self.pieces)]
        pieces = [desk.sign(title, lanes) for title in self.titles]
        self.ids = desk.book(pieces, lanes)


def cases(lease: float, crowd: int = 30) -> list[Case]:
    """Every fault by lane; the last one has none, because the portal is a folder."""
    return [
        *_posting(lease, crowd),
        *_wechat(lease),
        *_pushing(lease),
        Case("disk full while the portal writes", None, 2),
    ]


def _posting(lease: float, crowd: int) -> list[Case]:
    beyond = lease + 0.5
    return [
        Case("clock two hours ahead, killed, set back", WEIBO, 4, ({"kind": "delay", "seconds": 0.4, "count": 0},)),
        Case("reply lost after acting", WEIBO, 3, ({"kind": "cut_after", "count": 3},)),
        Case("reply comes after the lease", WEIBO, 2, ({"kind": "late_answer", "seconds": beyond, "count": 2},)),
        Case("acts only after the lease", WEIBO, 2, ({"kind": "delay", "seconds": beyond, "count": 2},)),
        Case("connection cut before acting", WEIBO, 2, ({"kind": "cut_before", "count": 2},)),
        Case(
            "burst of 5xx",
            WEIBO,
            4,
            ({"kind": "http_5xx", "count": 2}, {"kind": "http_5xx", "code": 503, "count": 2}),
        ),
        Case("throttled", WEIBO, 3, ({"kind": "errcode", "code": TOO_OFTEN, "count": 2},)),
        Case("processes claim side by side", WEIBO, crowd),
        Case("taken over by hand as it comes back", WEIBO, 6, ({"kind": "errcode", "code": BUSY, "count": 0},)),
        Case("database away in the middle", WEIBO, 6, ({"kind": "delay", "seconds": 0.4, "count": 0},)),
    ]


def _wechat(lease: float) -> list[Case]:
    """The same for 群发, which the platform takes once, and for 只发布, which it takes as often as it is told."""
    beyond, draft = lease + 0.5, {"path": "cgi-bin/draft/add"}
    late = ({"kind": "late_answer", "seconds": beyond}, {"kind": "delay", "seconds": beyond})
    refused = ({"kind": "http_5xx", **draft}, {"kind": "errcode", "code": WECHAT_BUSY})
    # Followers are not told tomorrow what was meant for today, unless a person says so.
    used_up = {"kind": "errcode", "code": USED_UP, **draft}
    return [
        Case("published: reply lost after acting", PUBLISHING, 2, ({"kind": "cut_after", "count": 2},)),
        Case("published: reply, then act after the lease", PUBLISHING_TOLD, 2, late),
        Case("published: 5xx, busy, used up", PUBLISHING, 3, (*refused, {"kind": "errcode", "code": USED_UP})),
        Case(
            "published: draft or submit lost, token expired",
            PUBLISHING_TOLD,
            3,
            ({"kind": "cut_after", **draft}, {"kind": "cut_before"}, {"kind": "token_expire_now"}),
        ),
        Case("mass-sent: reply lost after acting", MASS_TOLD, 2, ({"kind": "cut_after", "count": 2},)),
        Case("mass-sent: reply, then act after the lease", MASS, 2, late),
        Case("mass-sent: 5xx, busy, used up", MASS_TOLD, 3, (*refused, used_up)),
        Case(
            "mass-sent: draft or submit lost, token expired",
            MASS,
            3,
            ({"kind": "cut_after", **draft}, {"kind": "cut_before"}, {"kind": "token_expire_now"}),
        ),
    ]


def _pushing(lease: float) -> list[Case]:
    broken: list[dict[str, Any]] = [
        *({"kind": "http_5xx", "browser": place} for place in (0, 1)),
        *({"kind": "throttle", "browser": place, "seconds": 3} for place in (2, 3)),
        *({"kind": "cut_after", "browser": place} for place in (4, 5)),
        {"kind": "errcode", "code": 410, "browser": 6},
    ]
    return [
        Case(
            "phones: reply lost, or after the lease",
            PHONES,
            3,
            ({"kind": "cut_after", "count": 2}, {"kind": "late_answer", "seconds": lease + 0.5}),
        ),
        Case(
            "phones: 5xx, too often, number lost",
            PHONES,
            3,
            ({"kind": "http_5xx"}, {"kind": "throttle", "seconds": 20}, {"kind": "cut_after", "path": "v3/push/cid"}),
        ),
        Case("browsers: one push service hangs", BROWSERS_HANGING, 1),
        Case("browsers: a service fails and throttles", BROWSERS, 1, tuple(broken)),
    ]


CLOCK, LOST, AFTER_LEASE, SIDE_BY_SIDE, BY_HAND_LANE, AWAY = 0, 1, 3, 7, 8, 9
PORTAL = len(cases(0)) - 1
LANES = [case.kind for case in cases(0) if case.kind is not None]


def break_everything(stage: Stage, desk: Desk, database: Database, away: float, crowd: int = 30) -> list[Verdict]:
    """Lets all of it happen, waits until nothing moves any more, and judges each."""
    every = cases(stage.pace.lease, crowd)
    with small_disk(stage.site) as disk:
        # The clock, first by itself: everything else is to happen under a right one.
        _begin(stage, desk, every, [CLOCK])
        stage.offset = AHEAD
        before = stage.last()
        stage.start(1)
        until(lambda: bool(stage.arrived(before)), STARTING, "nothing went out with the clock ahead")
        stage.end(signal.SIGKILL)
        stage.offset = timedelta()

        mend_disk = _fill(disk, stage.site)
        numbers = _begin(stage, desk, every, range(1, PORTAL + 1))
        began = time.monotonic()
        stage.start()
        with ThreadPoolExecutor(1) as hands:
            hand = hands.submit(_take_over, stage, desk, every[BY_HAND_LANE], numbers[BY_HAND_LANE])
            with stage.given_up_on_failure():
                until(lambda: _arrived(stage, every[AWAY]) > 0, STARTING, None)
                until(lambda: _tried(stage, every[PORTAL]), LIMIT, None)
                mend_disk()
                database.away(away)
            hand.result()
        _until_over(stage, desk, every, began)
        return [_judge(stage, desk, case, lane) for lane, case in enumerate(every)]


def break_some(stage: Stage, desk: Desk) -> list[Verdict]:
    """The faults that a safeguard stands against, without anything else going on."""
    places = (LOST, AFTER_LEASE, SIDE_BY_SIDE)
    every = cases(stage.pace.lease)
    _begin(stage, desk, every, places)
    chosen = [every[place] for place in places]
    began = time.monotonic()
    stage.start()
    _until_over(stage, desk, chosen, began, FEW_RUNS, SHORTER)
    return [_judge(stage, desk, every[place], place) for place in places]


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
        # One process is enough for what waited; nobody is pushed to any more, so that it asks.
        stage.start_later(_step(stage, left), 1)


def _step(stage: Stage, left: Sequence[Case]) -> timedelta:
    """How far the clocks are moved: until tomorrow where nothing else waits."""
    now = stage.hub.clock.now() + stage.offset
    rows = [row for case in left for row in stage.rows(case.ids) if row.state != S.DONE]
    waits = min((row.next_at - now if row.next_at else LATER for row in rows), default=LATER)
    return max(LATER, waits + timedelta(seconds=1))


def _begin(stage: Stage, desk: Desk, every: Sequence[Case], places: Sequence[int]) -> dict[int, list[int]]:
    numbers = {}
    for place in places:
        lanes = [] if place == PORTAL else [place]
        every[place].book(desk, lanes)
        numbers[place] = [_break(stage, desk, place, **one) for one in every[place].breaks]
    return numbers


def _break(stage: Stage, desk: Desk, lane: int, browser: int | None = None, **fault: Any) -> int:
    whose = {} if browser is None else {"account": desk.browsers[lane][browser].number}
    return stage.break_calls(lane=lane, **fault, **whose)


def _take_over(stage: Stage, desk: Desk, case: Case, numbers: Sequence[int]) -> None:
    """A person takes each over at about the instant at which it would be sent again, by an interface that is back."""
    until(lambda: all(row.attempts and row.state == S.BOOKED for row in stage.rows(case.ids)), LIMIT, None)
    for number in numbers:
        stage.mend(number)
    rows = stage.rows(case.ids)
    with ThreadPoolExecutor(len(rows)) as people:
        list(people.map(lambda row: _take(stage, desk, row), rows))


def _take(stage: Stage, desk: Desk, row: Delivery) -> None:
    early = random.uniform(-0.2, 0.6)  # noqa: S311  # An instant, no secret.
    moment = (row.next_at or stage.hub.clock.now()) - timedelta(seconds=early)
    time.sleep(max(0.0, min(LIMIT, (moment - stage.hub.clock.now()).total_seconds())))
    _act(stage, desk, row.id, booking.take_by_hand)
    _act(stage, desk, row.id, by_hand.close, "https://weibo.example/by-hand")


def _act(stage: Stage, desk: Desk, delivery_id: int, step: Callable[..., None], *more: Any) -> None:
    while True:
        try:
            with desk.office.working("officer") as (work, who):
                step(work, who, work.session.get_one(Delivery, delivery_id), *more)
        except XuandaError:
            return  # It is on its way already: then it is the product's.
        except OperationalError:  # The database is away: a person would try again.
            if stage.given_up.wait(0.5):
                raise
        else:
            return


def _over(stage: Stage, desk: Desk, case: Case) -> bool:
    """Whether every delivery has come to its end; a person looks at those that wait for one."""
    for row in stage.rows(case.ids):
        if row.state == S.UNKNOWN and row.next_at is None:
            there = case.titles[case.ids.index(row.id)] in "".join(_words(stage, case))
            step: Any = settle.there if there else settle.not_there
            case.decided.add(row.id)
            _act(stage, desk, row.id, step, *(({}, "看到了") if there else ()))
        elif row.state == S.HELD and row.next_at is None:
            case.decided.add(row.id)
            _act(stage, desk, row.id, booking.resume)
    return all(row.state == S.DONE for row in stage.rows(case.ids))


def _tried(stage: Stage, case: Case) -> bool:
    return any(row.attempts and row.state != S.SENDING for row in stage.rows(case.ids))


def _arrived(stage: Stage, case: Case) -> int:
    return len(_words(stage, case))


def _words(stage: Stage, case: Case) -> list[str]:
    return [one.words for one in stage.arrived() if one.account == case.account]


def _judge(stage: Stage, desk: Desk, case: Case, lane: int) -> Verdict:
    rows = stage.rows(case.ids)
    now = stage.hub.clock.now() + stage.offset
    stuck = [row.state == S.SENDING or bool(row.next_at and row.next_at < now - timedelta(seconds=10)) for row in rows]
    left = len(list(stage.site.rglob(".new-*"))) if case.kind is None else 0
    people = reached_people(stage, desk.browsers[lane], rows, case.titles) if case.kind and case.kind.browsers else None
    return Verdict(
        case.name,
        stage.hub.engine.dialect.name,
        **vars(people or _reached(stage, case, rows)),
        stuck=sum(stuck) + left,
        unknown=sum(row.state != S.DONE for row in rows),
        seconds=case.seconds,
    )


@dataclass
class Reached:
    """How many were to be reached and were, how many twice, how many not although nobody is told so."""

    booked: int
    reached: int
    twice: int
    lost: int
    shown: int


def _reached(stage: Stage, case: Case, rows: Sequence[Delivery]) -> Reached:
    if case.kind is None:
        pages = [path.read_text("utf-8") for path in stage.site.rglob("*.html")]
        times = [int(any(re.search(f"<h1[^>]*>\\s*{title}", page) for page in pages)) for title in case.titles]
    else:
        texts = _words(stage, case)
        times = [sum(title in text for text in texts) for title in case.titles]
    by_a_person = [row.remark == BY_HAND for row in rows]
    return Reached(
        booked=len(rows),
        reached=sum(count > 0 for count in times),
        # What a person published by hand must not have been sent as well.
        twice=sum(max(0, count + hand - 1) for count, hand in zip(times, by_a_person, strict=True)),
        lost=sum(count + hand == 0 for count, hand in zip(times, by_a_person, strict=True)),
        shown=sum(by_a_person) + len(case.decided),
    )


def reached_people(
    stage: Stage, browsers: Sequence[Browser], rows: Sequence[Delivery], titles: Sequence[str]
) -> Reached:
    """Counted by browser: one that got nothing must be told as such, and one that is told as reached must be."""
    arrived = Counter((one.account, one.words) for one in stage.arrived())
    found = Reached(len(rows) * len(browsers), 0, 0, 0, 0)
    for row, title in zip(rows, titles, strict=True):
        told = stage.shown(row.key)
        for one in browsers:
            times = arrived[one.number, title]
            found.reached += times > 0
            found.twice += max(0, times - 1)
            # Who was not called, because his service does not answer, is told of by number.
            state = told.get(one.id, "")
            shown = state in NOT_REACHED or (one.hangs and state in NOT_CALLED and "未能送达" in row.remark)
            found.shown += shown and not times
            found.lost += not times and not shown
    return found


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
