"""The fault suite in short: nothing goes out twice, nothing is lost, nothing stays stuck, nothing is left untold.

Each fault is told in `docs/how-to/prove-it.md`; `make faults` runs them at length.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import forked, postgres
from tests.faults.__main__ import options
from tests.faults.breaking import LANES, break_everything
from tests.faults.databases import database
from tests.faults.killing import KILLED, kill_again_and_again
from tests.faults.stage import staged
from tests.faults.verdict import Verdict, table

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
KILLS = {"sqlite": (1, 6), "postgresql": (3, 2)}
# Longer than SQLite waits for a lock, and than a query waits for a server that starts again.
AWAY, CROWD = 6.0, 10


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_breaks_is_done_once_and_told(tmp_path: Path, kind: str) -> None:
    _needs(kind)
    with database(kind, tmp_path) as base, staged(tmp_path, base.url, LANES, 2) as (stage, desk):
        verdicts = break_everything(stage, desk, base, AWAY, CROWD)
    assert all(one.good for one in verdicts), f"\n{table(verdicts)}"


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_sent_twice_or_lost_when_the_product_is_killed(tmp_path: Path, kind: str) -> None:
    _needs(kind)
    processes, rounds = KILLS[kind]
    with (
        database(kind, tmp_path) as base,
        staged(tmp_path, base.url, KILLED, processes, begin=forked.started) as (stage, desk),
    ):
        verdict = kill_again_and_again(stage, desk, rounds)
    assert verdict.good, f"\n{table([verdict])}"


def test_at_length_the_database_is_away_for_five_minutes() -> None:
    assert options().parse_args([]).away == 300
    assert options().parse_args(["--away", "60"]).away == 60


def test_a_verdict_is_good_only_without_any_fault() -> None:
    good = {"booked": 3, "reached": 3, "twice": 0, "lost": 0, "stuck": 0, "unknown": 0, "shown": 1, "seconds": 1.0}
    assert Verdict("x", "sqlite", **good).good
    for fault in ("twice", "lost", "stuck", "unknown"):
        bad = Verdict("x", "sqlite", **{**good, fault: 1})
        assert not bad.good
        assert "FAILED" in table([bad])


def _needs(kind: str) -> None:
    if kind == "postgresql" and postgres.programs() is None:
        # Where CI has it, XUANDA_NO_SKIP turns a skip into a failure.
        pytest.skip("PostgreSQL's programs are not installed (apt install postgresql)")
