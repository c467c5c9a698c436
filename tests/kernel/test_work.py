"""One piece of work is one transaction, ended in a fixed order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from kernel.audit import AuditLine, verify
from kernel.events import Event, Listeners
from kernel.people import Unit
from kernel.work import Actor, Work, Works, _Turn


@dataclass(frozen=True)
class UnitFounded(Event):
    """A unit was founded."""

    name: str


@dataclass(frozen=True)
class UnitNamed(Event):
    """A unit was named, told by a listener of the first."""

    name: str


def unit(name: str) -> Unit:
    return Unit(name=name, code=name)


def names(works: Works) -> list[str]:
    with works.read() as work:
        return list(work.session.scalars(select(Unit.name).order_by(Unit.id)))


def test_a_work_commits_when_its_block_ends(works: Works) -> None:
    with works.write() as work:
        work.session.add(unit("north"))
        assert names_in(work) == ["north"]
    assert names(works) == ["north"]


def names_in(work: Work) -> list[str]:
    return list(work.session.scalars(select(Unit.name)))


def test_a_failure_rolls_back_rows_audit_and_effects_alike(works: Works, listeners: Listeners) -> None:
    heard: list[str] = []
    listeners.after(UnitFounded, lambda event: heard.append(event.name))

    def fail() -> None:
        with works.write() as work:
            work.session.add(unit("north"))
            work.session.flush()
            work.audit("unit.created")
            work.emit(UnitFounded("north"))
            work.after_commit(lambda: heard.append("effect"))
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # Raised above.
        fail()
    assert names(works) == []
    assert heard == []
    with works.read() as work:
        assert work.session.scalars(select(AuditLine)).all() == []


def test_the_order_of_the_end(works: Works, listeners: Listeners) -> None:
    told: list[str] = []

    def write_row(work: Work, event: UnitFounded) -> None:
        told.append("in work")
        work.session.add(unit(f"child of {event.name}"))
        work.audit("unit.created")
        work.emit(UnitNamed(event.name))

    def after(_event: object) -> None:
        told.append(f"after commit, {len(names(works))} rows seen from outside")

    listeners.in_work(UnitFounded, write_row)
    listeners.in_work(UnitNamed, lambda _work, _event: told.append("the listener's own fact"))
    listeners.after(UnitFounded, after)
    with works.write() as work:
        work.session.add(unit("north"))
        work.audit("unit.founded")
        work.emit(UnitFounded("north"))
        work.after_commit(lambda: told.append("effect"))
    assert told == ["in work", "the listener's own fact", "after commit, 2 rows seen from outside", "effect"]
    with works.read() as work:
        acts = work.session.scalars(select(AuditLine.act).order_by(AuditLine.seq)).all()
    assert acts == ["unit.founded", "unit.created"]


def test_facts_of_a_kind_are_told_together_after_each_was_told(works: Works, listeners: Listeners) -> None:
    told: list[object] = []
    listeners.in_work_together(UnitNamed, lambda _work, facts: told.append([fact.name for fact in facts]))
    listeners.in_work_together(UnitFounded, lambda _work, facts: told.append([fact.name for fact in facts]))
    listeners.in_work(UnitFounded, lambda work, fact: work.emit(UnitNamed(fact.name.upper())))
    listeners.in_work(UnitFounded, lambda _work, fact: told.append(fact.name))
    with works.write() as work:
        work.emit(UnitFounded("north"))
        work.emit(UnitFounded("south"))
    assert told == ["north", "south", ["north", "south"], ["NORTH", "SOUTH"]]


def test_a_listener_that_fails_takes_the_fact_with_it(works: Works, listeners: Listeners) -> None:
    def refuse(_work: Work, _event: UnitFounded) -> None:
        raise ValueError

    def found() -> None:
        with works.write() as work:
            work.session.add(unit("north"))
            work.emit(UnitFounded("north"))

    listeners.in_work(UnitFounded, refuse)
    with pytest.raises(ValueError):  # noqa: PT011  # Raised above.
        found()
    assert names(works) == []


def test_an_effect_that_fails_undoes_nothing_and_stops_no_other(works: Works) -> None:
    told: list[str] = []

    def fail() -> None:
        raise RuntimeError("lost")

    with works.write() as work:
        work.session.add(unit("north"))
        work.after_commit(fail)
        work.after_commit(lambda: told.append("second"))
    assert names(works) == ["north"]
    assert told == ["second"]


def test_everything_in_a_work_happens_at_one_moment(works: Works) -> None:
    with works.write(Actor("王五", None, None, "192.0.2.1")) as work:
        began = work.now
        works.clock.step(minutes=5)  # type: ignore[attr-defined]  # The still clock.
        work.audit("probe.done")
    with works.read() as work:
        line = work.session.scalars(select(AuditLine)).one()
    assert (line.at, line.actor_name, line.address) == (began, "王五", "192.0.2.1")


@pytest.mark.parametrize("change", ["add", "dirty", "delete", "audit", "emit"])
def test_a_reading_work_refuses_every_change(works: Works, change: str) -> None:
    with works.write() as work:
        work.session.add(unit("north"))

    def read() -> None:
        with works.read() as work:
            found = work.session.scalars(select(Unit)).one()
            if change == "add":
                work.session.add(unit("south"))
            elif change == "dirty":
                found.name = "changed"
            elif change == "delete":
                work.session.delete(found)
            elif change == "audit":
                work.audit("probe")
            else:
                work.emit(UnitFounded("south"))

    with pytest.raises(RuntimeError):
        read()
    assert names(works) == ["north"]


@pytest.mark.parametrize("how", ["flush", "execute"])
def test_what_a_reading_work_sends_all_the_same_is_not_kept(works: Works, how: str) -> None:
    def read() -> None:
        with works.read() as work:
            if how == "flush":
                work.session.add(unit("south"))
                work.session.flush()
            else:
                work.session.execute(text("INSERT INTO unit (name, code, path) VALUES ('s', 's', '/')"))

    if works.engine.dialect.name == "postgresql":
        with pytest.raises(DBAPIError):
            read()
    else:
        read()
    assert names(works) == []


def test_readers_see_the_state_before_while_a_writer_works(works: Works) -> None:
    with works.write() as work:
        work.session.add(unit("north"))
        work.session.flush()
        seen: list[list[str]] = []
        reader = threading.Thread(target=lambda: seen.append(names(works)))
        reader.start()
        reader.join(10)
        assert seen == [[]]


def test_writers_wait_for_one_another_and_lose_nothing(works: Works) -> None:
    with works.write() as work:
        work.session.add(unit("0"))

    def count_up() -> None:
        for _ in range(10):
            with works.write() as work:
                row = work.session.scalars(select(Unit).with_for_update()).one()
                row.name = str(int(row.name) + 1)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert names(works) == ["40"]


# --- shared works -----------------------------------------------------------------------------------


def found(name: str) -> Callable[[Work], str]:
    """An act that founds a unit once; a name that is taken is a failure."""

    def act(work: Work) -> str:
        work.session.add(unit(name))
        work.session.flush()
        work.audit("unit.created", name=name)
        work.emit(UnitFounded(name))
        return name

    return act


def side_by_side(works: Works, acts: Sequence[str]) -> list[str]:
    """Lets threads wait for one writer, so that what they do is shared; returns what each got, or its failure."""

    def one(name: str) -> str:
        try:
            return works.together(found(name), Actor(name))
        except DBAPIError as failure:
            return type(failure).__name__

    with ThreadPoolExecutor(len(acts)) as pool, works.write():
        running = [pool.submit(one, name) for name in acts]
        if works.engine.dialect.name == "sqlite":
            wait_until(lambda: len(works._waiting) == len(acts))
    return [future.result() for future in running]


def wait_until(ready: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not ready() and time.monotonic() < until:
        time.sleep(0.002)
    assert ready()


def test_what_waits_for_one_writer_is_committed_at_once(works: Works, listeners: Listeners) -> None:
    heard: list[str] = []
    listeners.after(UnitFounded, lambda event: heard.append(event.name))
    commits: list[object] = []
    event.listen(works.engine, "commit", commits.append)
    wanted = [f"unit {number}" for number in range(8)]
    assert side_by_side(works, wanted) == wanted
    assert sorted(names(works)) == wanted
    assert sorted(heard) == wanted
    if works.engine.dialect.name == "sqlite":
        assert len(commits) == 2  # The one all waited behind, and theirs.
    with works.read() as work:
        lines = work.session.scalars(select(AuditLine).order_by(AuditLine.seq)).all()
        assert verify(work.session).fault is None
    assert sorted(line.actor_name for line in lines) == wanted


def test_one_that_fails_takes_no_other_with_it(works: Works, listeners: Listeners) -> None:
    heard: list[str] = []
    listeners.after(UnitFounded, lambda event: heard.append(event.name))
    got = side_by_side(works, ["north", "south", "north", "east"])
    assert sorted(got) == ["IntegrityError", "east", "north", "south"]
    assert sorted(names(works)) == sorted(heard) == ["east", "north", "south"]


def test_a_database_that_is_away_is_not_waited_for_by_each_in_turn(
    sqlite_works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def away(shares: Sequence[object]) -> None:
        tried.append(len(shares))
        raise OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))

    monkeypatch.setattr(sqlite_works, "_share", away)
    assert side_by_side(sqlite_works, ["north", "south", "east"]) == ["OperationalError"] * 3
    assert tried == [3]


def test_in_a_crowd_everybody_is_served(sqlite_works: Works) -> None:
    def several(place: int) -> list[str]:
        got = []
        for number in range(20):
            if place % 4:
                got.append(sqlite_works.together(found(f"{place}-{number}")))
            else:
                with sqlite_works.write() as work:
                    got.append(found(f"{place}-{number}")(work))
        return got

    with ThreadPoolExecutor(12) as pool:
        running = [pool.submit(several, place) for place in range(12)]
        got = [name for future in running for name in future.result(timeout=60)]
    assert len(got) == len(set(got)) == 240
    assert sorted(names(sqlite_works)) == sorted(got)


def test_whoever_writes_for_many_goes_before_whoever_writes_alone(sqlite_works: Works) -> None:
    turn, order = sqlite_works._turn, list[str]()
    assert isinstance(turn, _Turn)

    def alone(name: str) -> None:
        with sqlite_works.write():
            order.append(name)

    def shared(_work: Work) -> None:
        order.append("shared")

    def queued(number: int) -> bool:
        return len(turn._queue) == number

    with ThreadPoolExecutor(4) as pool:
        with sqlite_works.write():
            running = []
            for number in range(3):
                running.append(pool.submit(alone, f"alone {number}"))
                wait_until(partial(queued, number + 1))
            running.append(pool.submit(sqlite_works.together, shared))
            wait_until(partial(queued, 4))
        for one in running:
            one.result(timeout=10)
    assert order == ["shared", "alone 0", "alone 1", "alone 2"]


def test_a_turn_that_is_broken_off_while_it_waits_is_nobodys(
    sqlite_works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = sqlite_works._turn
    assert isinstance(turn, _Turn)

    class Broken(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            super().wait(10 if handed else 0)
            raise KeyboardInterrupt

    def waits() -> None:
        with turn:
            pass

    for handed in (False, True):
        with ThreadPoolExecutor(1) as pool, turn, monkeypatch.context() as patch:
            patch.setattr("kernel.work.threading", SimpleNamespace(Event=Broken, get_ident=threading.get_ident))
            waiting = pool.submit(waits)
            if handed:
                wait_until(lambda: len(turn._queue) == 1)
            else:
                assert isinstance(waiting.exception(timeout=10), KeyboardInterrupt)
        if handed:
            assert isinstance(waiting.exception(timeout=10), KeyboardInterrupt)
        assert (turn._taken, list(turn._queue)) == (False, [])


def beside(call: Callable[[], Any]) -> Future[Any]:
    """Runs the call in a thread that nobody waits for when it hangs, not even the end of the process."""
    told: Future[Any] = Future()

    def run() -> None:
        try:
            told.set_result(call())
        except BaseException as failure:  # noqa: BLE001  # Whatever it is, it is for whoever asks for the result.
            told.set_exception(failure)

    threading.Thread(target=run, daemon=True).start()
    return told


def test_whoever_is_broken_off_leaves_nobody_waiting(sqlite_works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    share, broken = sqlite_works._share, threading.Event()

    def break_off(shares: Sequence[Any]) -> Any:
        if not broken.is_set():
            broken.set()
            wait_until(lambda: len(sqlite_works._waiting) == 1)
            raise KeyboardInterrupt
        return share(shares)

    monkeypatch.setattr(sqlite_works, "_share", break_off)
    first = beside(lambda: sqlite_works.together(found("north")))
    wait_until(broken.is_set)
    second = beside(lambda: sqlite_works.together(found("south")))
    with pytest.raises(KeyboardInterrupt):
        first.result(timeout=10)
    assert second.result(timeout=10) == "south"
    assert names(sqlite_works) == ["south"]


def test_what_is_shared_is_not_opened_inside_a_work(sqlite_works: Works) -> None:
    with sqlite_works.write(), pytest.raises(RuntimeError):
        sqlite_works.together(found("north"))
    assert sqlite_works.together(found("south")) == "south"
    assert names(sqlite_works) == ["south"]
