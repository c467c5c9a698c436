"""The audit log: one chain whatever writes at once, and every kind of tampering found."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.orm import Session

from hub.db import open_database
from kernel import audit
from kernel.audit import GENESIS, AuditHead, AuditLine, Verdict, digest, verify
from kernel.clock import StillClock, SystemClock
from kernel.people import Unit, add_unit
from kernel.work import Actor, Works

LINES = 12


def check(works: Works, expected: tuple[int, str] | None = None) -> Verdict:
    with works.read() as work:
        return verify(work.session, expected)


def write_lines(works: Works, count: int, each: int = 1) -> None:
    for number in range(count):
        with works.write(Actor("王五")) as work:
            for part in range(each):
                work.audit("probe.done", None, number=number, part=part)


@pytest.fixture
def chained(works: Works) -> Works:
    """A database with twelve lines."""
    write_lines(works, LINES)
    return works


def test_an_empty_log_holds(works: Works) -> None:
    assert check(works) == Verdict(0, GENESIS, None)


def test_lines_are_numbered_and_linked(chained: Works) -> None:
    with chained.read() as work:
        lines = work.session.scalars(select(AuditLine).order_by(AuditLine.seq)).all()
    assert [line.seq for line in lines] == list(range(1, LINES + 1))
    assert lines[0].previous == GENESIS
    for before, line in pairwise(lines):
        assert line.previous == before.hash
        assert line.hash == digest(line)
    assert check(chained) == Verdict(LINES, lines[-1].hash, None)


def test_a_line_says_who_what_and_of_which_unit(works: Works) -> None:
    with works.write(Actor("王五", 7, None, "192.0.2.1")) as work:
        unit = add_unit(work.session, "北区", "north")
        work.audit("unit.created", unit, code="north", at=work.now, 说明="中文")
    with works.read() as work:
        line = work.session.scalars(select(AuditLine)).one()
    assert (line.actor_id, line.actor_name, line.address) == (7, "王五", "192.0.2.1")
    assert (line.act, line.object_kind, line.object_id) == ("unit.created", "unit", unit.id)
    assert '"说明": "中文"' in line.details
    assert check(works).fault is None


@pytest.mark.parametrize("block", [1, 5, 1000])
def test_lines_written_while_it_is_verified_are_no_fault(
    chained: Works, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(audit, "BLOCK", block)
    true_head, rounds = audit._head, []

    def meanwhile(session: Session) -> tuple[int, str]:
        rounds.append(1)
        if len(rounds) < 3:
            write_lines(chained, 2)
        return true_head(session)

    monkeypatch.setattr(audit, "_head", meanwhile)
    assert check(chained).fault is None
    monkeypatch.undo()
    assert check(chained).lines == LINES + 2 * min(2, len(rounds))


def test_without_a_unit_of_its_own_a_line_belongs_to_the_actors(works: Works) -> None:
    with works.write() as work:
        unit = add_unit(work.session, "北区", "north")
    with works.write(Actor("王五", 7, unit.id)) as work:
        work.audit("probe.done")
    with works.read() as work:
        assert work.session.scalars(select(AuditLine.unit_id)).one() == unit.id


def test_the_moment_is_hashed_the_same_whatever_the_database_keeps(works: Works) -> None:
    works.clock.step(microseconds=123456)  # type: ignore[attr-defined]  # The still clock.
    write_lines(works, 2)
    assert check(works).fault is None


def test_many_lines_of_one_work_stay_in_order(works: Works) -> None:
    write_lines(works, 2, each=30)
    assert check(works).lines == 60


def test_four_threads_write_one_chain(works: Works) -> None:
    """From an empty log on: the very first lines come at the same moment too."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _n: write_lines(works, 15, each=2), range(4)))
    assert check(works) == replace(check(works), lines=120, fault=None)


def write_in_a_process(url: str, count: int) -> int:
    """One process of its own with its own connection."""
    engine = open_database(url, pool_size=2)
    try:
        write_lines(Works(engine, SystemClock()), count)
    finally:
        engine.dispose()
    return count


def test_four_processes_write_one_chain(database_url: str, works: Works) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(4, mp_context=context) as pool:
        written = sum(pool.map(write_in_a_process, [database_url] * 4, [25] * 4))
    verdict = check(works)
    assert (verdict.lines, verdict.fault) == (written, None)


def test_a_work_that_fails_leaves_no_gap(chained: Works) -> None:
    def fail() -> None:
        with chained.write() as work:
            work.audit("probe.lost")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  # Raised above.
        fail()
    write_lines(chained, 1)
    assert check(chained).lines == LINES + 1


Tamper = Callable[[Connection], Any]


def set_line(number: int, **values: object) -> Tamper:
    return lambda connection: connection.execute(update(AuditLine).where(AuditLine.seq == number).values(**values))


def forge_line(connection: Connection) -> None:
    """A line changed together with its own hash, by somebody who knows how it is made."""
    row = connection.execute(select(AuditLine).where(AuditLine.seq == 5)).one()
    line = AuditLine(**{**row._mapping, "actor_name": "nobody"})
    set_line(5, actor_name="nobody", hash=digest(line))(connection)


def insert_line(connection: Connection) -> None:
    """A line added at the end with a hash of its own, without its place at the head."""
    row = dict(connection.execute(select(AuditLine).where(AuditLine.seq == LINES)).one()._mapping)
    row |= {"seq": LINES + 1, "previous": row["hash"], "act": "forged"}
    row["hash"] = digest(AuditLine(**row))
    connection.execute(insert(AuditLine).values(**row))


def swap_lines(connection: Connection) -> None:
    """Two lines change places."""
    for old, new in ((5, 900), (6, 5), (900, 6)):
        set_line(old, seq=new)(connection)


def cut_the_end(connection: Connection) -> None:
    """The last lines are taken away."""
    connection.execute(delete(AuditLine).where(AuditLine.seq > 9))


def renumber(connection: Connection) -> None:
    """A line is taken away and the rest moves up."""
    connection.execute(delete(AuditLine).where(AuditLine.seq == 5))
    for seq in range(6, LINES + 1):
        set_line(seq, seq=seq - 1)(connection)


TAMPERING: dict[str, tuple[Tamper, int, str]] = {
    "a name changed": (set_line(5, actor_name="nobody"), 4, "line 5 was changed"),
    "an act changed": (set_line(5, act="other"), 4, "line 5 was changed"),
    "an object changed": (set_line(5, object_id=999), 4, "line 5 was changed"),
    "details changed": (set_line(5, details="{}"), 4, "line 5 was changed"),
    "a moment changed": (set_line(5, at=StillClock().now() + timedelta(seconds=1)), 4, "line 5 was changed"),
    "an address changed": (set_line(5, address="x"), 4, "line 5 was changed"),
    "a hash changed": (set_line(5, hash="0" * 64), 4, "line 5 was changed"),
    "a link changed": (set_line(5, previous="0" * 64), 4, "line 5 does not follow line 4"),
    "a line forged with its hash": (forge_line, 5, "line 6 does not follow line 5"),
    "a line removed": (lambda c: c.execute(delete(AuditLine).where(AuditLine.seq == 5)), 4, "line 5 is missing"),
    "the first line removed": (
        lambda c: c.execute(delete(AuditLine).where(AuditLine.seq == 1)),
        0,
        "line 1 is missing",
    ),
    "a line removed, the rest renumbered": (renumber, 4, "line 5 does not follow line 4"),
    "a line inserted": (insert_line, LINES + 1, "the log ends at line 13, but line 12 was the last"),
    "lines swapped": (swap_lines, 4, "line 5 does not follow line 4"),
    "the end cut off": (cut_the_end, 9, "the log ends at line 9, but line 12 was the last"),
    "everything removed": (
        lambda c: c.execute(delete(AuditLine)),
        0,
        "the log ends at line 0, but line 12 was the last",
    ),
    "the head removed": (
        lambda c: c.execute(delete(AuditHead)),
        LINES,
        "the log ends at line 12, but line 0 was the last",
    ),
}


@pytest.mark.parametrize("kind", TAMPERING)
def test_tampering_is_found(chained: Works, kind: str) -> None:
    tamper, good, fault = TAMPERING[kind]
    with chained.engine.begin() as connection:
        tamper(connection)
    verdict = check(chained)
    assert (verdict.lines, verdict.fault) == (good, fault)


def test_a_whole_chain_written_anew_is_found_by_a_line_noted_down(chained: Works) -> None:
    """Whoever owns the database can rewrite everything; a number and hash kept elsewhere give him away."""
    noted = (LINES, check(chained).head)
    assert check(chained, noted).fault is None
    with chained.engine.begin() as connection:
        connection.execute(delete(AuditLine))
        connection.execute(delete(AuditHead))
    with chained.write(Actor("nobody")) as work:
        for number in range(LINES):
            work.audit("probe.done", None, number=number)
    assert check(chained).fault is None
    assert check(chained, noted).fault == f"line {LINES} is not the one noted down"


def test_a_line_noted_down_that_is_gone_is_missed(chained: Works) -> None:
    noted = (LINES, check(chained).head)
    with chained.engine.begin() as connection:
        cut_the_end(connection)
        last = connection.execute(select(AuditLine.hash).where(AuditLine.seq == 9)).scalar_one()
        connection.execute(update(AuditHead).values(seq=9, hash=last))
    assert check(chained).fault is None
    assert check(chained, noted).fault == f"line {LINES}, noted down, is gone"


def test_a_unit_of_the_target_is_kept_even_when_the_actor_has_another(works: Works) -> None:
    with works.write() as work:
        north = add_unit(work.session, "北区", "north")
        south = add_unit(work.session, "南区", "south")
    target = AuditLine(seq=99, unit_id=south.id)
    with works.write(Actor("王五", 7, north.id)) as work:
        work.audit("probe.done", target)
    with works.read() as work:
        line = work.session.scalars(select(AuditLine)).one()
        assert line.unit_id == south.id
        assert work.session.get_one(Unit, south.id).code == "south"
