"""Claims: one claimant per row, never more rows than asked for, and a lost lease records nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from kernel.claim import claim, new_claimant, still_mine
from kernel.clock import StillClock
from kernel.duties import DutyMark
from kernel.work import Works

LEASE = timedelta(seconds=45)


@pytest.fixture
def rows(works: Works) -> int:
    """Thirty rows that wait, as duties' marks: a claimable table the kernel has of its own."""
    with works.write() as work:
        work.session.add_all(
            DutyMark(name=f"row {number:02}", due_at=work.now + timedelta(seconds=number)) for number in range(30)
        )
    return 30


def take(session: Session, works: Works, claimant: str, limit: int = 5) -> list[DutyMark]:
    now = works.clock.now()
    free = or_(DutyMark.claimed_until.is_(None), DutyMark.claimed_until < now)
    return claim(session, DutyMark, [free], [DutyMark.due_at], limit=limit, claimant=claimant, now=now, lease=LEASE)


@pytest.mark.parametrize("limit", [1, 2, 7, 40])
def test_never_more_than_asked_for_and_the_earliest_first(works: Works, rows: int, limit: int) -> None:
    with works.write() as work:
        taken = take(work.session, works, "a", limit)
    assert [row.name for row in taken] == [f"row {number:02}" for number in range(min(limit, rows))]
    with works.read() as work:
        held = work.session.scalars(select(DutyMark).where(DutyMark.claimed_by == "a")).all()
    assert {row.id for row in held} == {row.id for row in taken}


def test_never_more_than_asked_for_when_few_rows_are_expected(works: Works, rows: int) -> None:
    """PostgreSQL then joins by nested loop, and would run a plain subquery once for every row."""
    narrow = [DutyMark.last_error == "", DutyMark.done_at.is_(None), DutyMark.claimed_by.is_(None)]
    with works.write() as work:
        taken = claim(
            work.session,
            DutyMark,
            [*narrow, DutyMark.due_at <= work.now + timedelta(hours=1)],
            [DutyMark.due_at, DutyMark.id],
            limit=2,
            claimant="a",
            now=work.now,
            lease=LEASE,
        )
    assert [row.name for row in taken] == ["row 00", "row 01"]
    with works.read() as work:
        assert len(work.session.scalars(select(DutyMark.id).where(DutyMark.claimed_by == "a")).all()) == 2


def test_a_claim_carries_name_end_and_values(works: Works, rows: int) -> None:
    with works.write() as work:
        now = work.now
        rows_taken = claim(
            work.session,
            DutyMark,
            [],
            [DutyMark.done_at.desc(), DutyMark.id.desc()],
            limit=2,
            claimant="a",
            now=now,
            lease=LEASE,
            last_error="claimed",
        )
    row = rows_taken[0]
    assert row.id > rows_taken[1].id
    assert (row.claimed_by, row.claimed_until, row.last_error) == ("a", now + LEASE, "claimed")


def test_rows_already_loaded_are_seen_as_claimed(works: Works, rows: int) -> None:
    with works.write() as work:
        before = work.session.scalars(select(DutyMark).order_by(DutyMark.due_at)).first()
        assert before is not None
        assert before.claimed_by is None
        assert take(work.session, works, "a", 1) == [before]
        assert before.claimed_by == "a"


def test_claimants_at_the_same_moment_share_and_never_overlap(works: Works, rows: int) -> None:
    def work_off(_number: int) -> list[int]:
        mine: list[int] = []
        while True:
            with works.write() as work:
                taken = take(work.session, works, new_claimant(), 3)
            if not taken:
                return mine
            mine += [row.id for row in taken]

    with ThreadPoolExecutor(6) as pool:
        shares = list(pool.map(work_off, range(6)))
    everything = [row_id for share in shares for row_id in share]
    assert len(everything) == len(set(everything)) == rows


def test_a_lease_that_ran_out_frees_the_row(works: Works, clock: StillClock, rows: int) -> None:
    with works.write() as work:
        first = take(work.session, works, "a", 1)[0]
    with works.write() as work:
        assert first.id not in {row.id for row in take(work.session, works, "b", 40)}
    clock.step(seconds=46)
    with works.write() as work:
        assert take(work.session, works, "c", 1)[0].id == first.id


def test_only_the_last_claimant_records(works: Works, clock: StillClock, rows: int) -> None:
    with works.write() as work:
        row = take(work.session, works, "slow", 1)[0]
    clock.step(seconds=46)
    with works.write() as work:
        assert take(work.session, works, "quick", 1)[0].id == row.id
    with works.write() as work:
        assert still_mine(work.session, DutyMark, row.id, "slow") is None
        held = still_mine(work.session, DutyMark, row.id, "quick")
        assert held is not None
        held.claimed_by = held.claimed_until = None
    with works.write() as work:
        assert still_mine(work.session, DutyMark, row.id, "quick") is None


def test_claimants_are_never_named_alike() -> None:
    assert len({new_claimant() for _ in range(1000)}) == 1000
