"""Duties: once per period whoever looks, and one that fails stops no other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from kernel.clock import StillClock
from kernel.duties import Duty, DutyMark, run_due
from kernel.work import Works

HOUR = timedelta(hours=1)


def mark(works: Works, name: str = "count") -> DutyMark:
    with works.read() as work:
        return work.session.scalars(select(DutyMark).where(DutyMark.name == name)).one()


def test_a_duty_runs_at_once_and_then_each_period(works: Works, clock: StillClock) -> None:
    runs: list[object] = []
    duty = Duty("count", HOUR, lambda: runs.append(clock.now()))
    assert run_due(works, [duty]) == ["count"]
    assert run_due(works, [duty]) == []
    clock.step(minutes=59)
    assert run_due(works, [duty]) == []
    clock.step(minutes=1)
    assert run_due(works, [duty]) == ["count"]
    assert len(runs) == 2
    assert mark(works).due_at == clock.now() + HOUR
    assert mark(works).done_at == clock.now()


def test_a_clock_that_is_set_back_makes_no_duty_wait_for_hours_long_past(works: Works, clock: StillClock) -> None:
    runs: list[int] = []
    duty = Duty("count", HOUR, lambda: runs.append(1))
    run_due(works, [duty])
    clock.step(minutes=-30)
    assert run_due(works, [duty]) == []
    clock.step(hours=-3)
    assert run_due(works, [duty]) == ["count"]
    assert mark(works).due_at == clock.now() + HOUR


def test_many_lookers_run_it_once(works: Works) -> None:
    runs: list[int] = []
    duties = [Duty(f"duty {number}", HOUR, lambda number=number: runs.append(number)) for number in range(5)]  # type: ignore[misc]  # mypy infers no type for a bound default.
    with ThreadPoolExecutor(4) as pool:
        ran = list(pool.map(lambda _n: run_due(works, duties), range(4)))
    assert sorted(runs) == list(range(5))
    assert sorted(name for names in ran for name in names) == [f"duty {number}" for number in range(5)]


def test_one_that_fails_is_noted_and_stops_no_other(works: Works, clock: StillClock) -> None:
    runs: list[str] = []

    def fail() -> None:
        raise ValueError("no paper in the printer")

    duties = [Duty("bad", HOUR, fail), Duty("good", HOUR, lambda: runs.append("good"))]
    assert sorted(run_due(works, duties)) == ["bad", "good"]
    assert runs == ["good"]
    bad = mark(works, "bad")
    assert (bad.last_error, bad.done_at) == ("ValueError: no paper in the printer", None)
    assert bad.due_at == clock.now() + HOUR
    assert mark(works, "good").last_error == ""


def test_a_later_success_clears_the_fault(works: Works, clock: StillClock) -> None:
    answers = [ValueError("once"), None]

    def run() -> None:
        answer = answers.pop(0)
        if answer:
            raise answer

    duty = Duty("count", HOUR, run)
    run_due(works, [duty])
    clock.step(hours=1)
    run_due(works, [duty])
    assert (mark(works).last_error, mark(works).done_at) == ("", clock.now())


def test_a_process_that_dies_keeps_it_only_for_its_lease(works: Works, clock: StillClock) -> None:
    runs: list[str] = []

    def die() -> None:
        raise KeyboardInterrupt

    try:
        run_due(works, [Duty("count", HOUR, die, lease=timedelta(minutes=10))])
    except KeyboardInterrupt:
        runs.append("died")
    heir = Duty("count", HOUR, lambda: runs.append("ran"))
    assert run_due(works, [heir]) == []
    clock.step(minutes=10, seconds=1)
    assert run_due(works, [heir]) == ["count"]
    assert runs == ["died", "ran"]


def test_one_that_outlives_its_lease_does_not_overwrite_its_heirs_record(works: Works, clock: StillClock) -> None:
    def slow() -> None:
        clock.step(minutes=11)
        run_due(works, [Duty("count", 2 * HOUR, lambda: None)])

    run_due(works, [Duty("count", HOUR, slow, lease=timedelta(minutes=10))])
    assert mark(works).due_at == clock.now() + 2 * HOUR


def test_a_duty_opens_its_own_works(works: Works) -> None:
    def write() -> None:
        with works.write() as work:
            work.audit("probe.done")

    assert run_due(works, [Duty("count", HOUR, write)]) == ["count"]
    assert mark(works).last_error == ""


def test_a_duty_that_is_no_longer_declared_is_left_alone(works: Works) -> None:
    run_due(works, [Duty("old", HOUR, lambda: None)])
    assert run_due(works, []) == []


def test_two_of_one_name_are_refused(works: Works) -> None:
    pair = [Duty("same", timedelta(minutes=1), lambda: None), Duty("same", timedelta(minutes=2), lambda: None)]
    with pytest.raises(ValueError, match="two duties are named same"):
        run_due(works, pair)
