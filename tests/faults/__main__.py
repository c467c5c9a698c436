"""`make faults`: every fault on both databases, SIGKILL at length, the drill behind nginx, the proof that it can fail.

Prints a line for each; exit code 1 when one of them is not as it must be.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.streams import room_for
from tests.faults import many
from tests.faults.breaking import LANES, break_everything, break_some
from tests.faults.databases import database
from tests.faults.killing import KILLED, kill_again_and_again
from tests.faults.soak import Size, database_away, rasa_killed, soak
from tests.faults.stage import AS_DELIVERED, SHORT, staged
from tests.faults.verdict import Verdict, table
from tests.faults.weakened import SAFEGUARDS

PROCESSES = {"sqlite": 1, "postgresql": 3}
PARTS = ("faults", "kill", "many", "proof")
SOAK = "soak"
BROKEN_SECONDS = 10.0
AWAY_SECONDS = 300.0
"""The product is promised to outlast a database that is away for five minutes."""


def main() -> int:
    """Does what was asked for; 1 when something went out twice, was lost, stuck or left untold."""
    chosen = options().parse_args()
    size = Size(chosen.citizens, chosen.agents, chosen.seconds, chosen.pause)
    # Whoever ends this ends what it started.
    signal.signal(signal.SIGTERM, lambda *_about: sys.exit(1))
    kinds = (chosen.only,) if chosen.only else tuple(PROCESSES)
    parts = {
        "faults": lambda: [_faults(kind, chosen.away) for kind in kinds],
        "kill": lambda: [_kills(kind, chosen.rounds, chosen.default_rounds) for kind in kinds],
        "many": lambda: [_many()],
        "proof": lambda: [_proof()],
        SOAK: lambda: [_soak(kind, size, chosen.broken) for kind in kinds],
    }
    print(table([]), flush=True)
    good = [one for part in chosen.part or PARTS for one in parts[part]()]
    return 0 if all(good) else 1


def options() -> argparse.ArgumentParser:
    """What may be asked for; as it stands, every part at length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=(*PARTS, SOAK), action="append", help="this part only; may be given again")
    parser.add_argument("--only", choices=tuple(PROCESSES), help="one database only")
    parser.add_argument("--rounds", type=int, default=200, help="SIGKILL with short periods")
    parser.add_argument("--default-rounds", type=int, default=20, help="SIGKILL with the periods as delivered")
    parser.add_argument("--away", type=float, default=AWAY_SECONDS, help="seconds for which the database is away")
    usual = Size()
    parser.add_argument("--citizens", type=int, default=usual.citizens, help="in the soak; a quarter is on WeChat")
    parser.add_argument("--agents", type=int, default=usual.agents, help="in the soak")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="how long the soak lasts")
    parser.add_argument("--pause", type=float, default=usual.pause, help="how long a citizen thinks, in seconds")
    parser.add_argument("--break", dest="broken", choices=("database", "rasa"), help="what breaks amid the soak")
    return parser


def _faults(kind: str, away: float) -> bool:
    with (
        _folder() as folder,
        database(kind, folder) as base,
        staged(folder, base.url, LANES, 2 + (kind != "sqlite")) as (stage, desk),
    ):
        return _said(break_everything(stage, desk, base, away))


def _kills(kind: str, rounds: int, default_rounds: int) -> bool:
    good = True
    for pace, number in ((SHORT, rounds), (AS_DELIVERED, default_rounds)):
        if not number:
            continue
        with (
            _folder() as folder,
            database(kind, folder) as base,
            staged(folder, base.url, KILLED, PROCESSES[kind], pace) as (stage, desk),
        ):
            good = _said([kill_again_and_again(stage, desk, number)]) and good
    return good


def _soak(kind: str, size: Size, broken: str | None) -> bool:
    room_for(3 * (size.citizens + size.agents))
    with _folder() as folder, database(kind, folder) as base:
        breaking = {"database": database_away(base, BROKEN_SECONDS), "rasa": rasa_killed()}.get(broken or "")
        result = soak(folder, base, size, breaking)
    print(f"soak on {kind}: {size.citizens} citizens, {size.agents} agents, {size.seconds:.0f} s")
    print("\n".join(result.lines()), flush=True)
    return result.good


def _many() -> bool:
    with _folder() as folder, database("postgresql", folder) as base:
        return many.drill(folder, base.url, lambda line: print(line, flush=True))


def _proof() -> bool:
    """Without each safeguard the suite must fail."""
    noticed = True
    for safeguard in SAFEGUARDS:
        with _folder() as folder, database("sqlite", folder) as base, staged(folder, base.url, LANES, 2) as scene:
            stage, desk = scene
            stage.without = safeguard
            verdicts = break_some(stage, desk)
        _said(verdicts)
        failed = [one.name for one in verdicts if not one.good]
        print(f"without the {safeguard}: {', '.join(failed) or 'NOTHING'} failed, as it must", flush=True)
        noticed = noticed and bool(failed)
    return noticed


def _said(verdicts: list[Verdict]) -> bool:
    for one in verdicts:
        print(table([one]).splitlines()[1], flush=True)
    return all(one.good for one in verdicts)


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="xuanda-faults-", ignore_cleanup_errors=True) as name:
        yield Path(name)


if __name__ == "__main__":
    sys.exit(main())
