"""Both sides as processes, killed again and again in the middle of their exchange: nothing is lost, nothing twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import select

from hub.db import open_database
from hub.outer.log import PacketLog
from hub.outer.models import OuterPart
from kernel.clock import StillClock
from kernel.seal import Seal, load_key
from kernel.work import Works
from tests.hub.outer.pair import Side, pair

TOTAL, KILLS, LONGEST = 150, 8, 90.0


def side(folder: Path, role: str, template: Path, clock: StillClock) -> Side:
    """A side's database and key, as its process will open them."""
    (folder / f"{role}.db").write_bytes(template.read_bytes())
    works = Works(open_database(f"sqlite:///{folder / role}.db"), clock)
    return Side(PacketLog(works, Seal(load_key(folder / f"{role}.key"))))


def start(folder: Path, role: str) -> subprocess.Popen[bytes]:
    """The side's process."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.hub.outer.side_process", str(folder), role, str(TOTAL)],
        cwd=Path(__file__).parents[3],
    )


def carry(folder: Path) -> None:
    """What the gap does."""
    for source, target in (("inner", "outer"), ("outer", "inner")):
        for path in sorted((folder / f"{source}-out").glob("*.parcel")):
            try:
                path.replace(folder / f"{target}-in" / path.name)
            except FileNotFoundError:
                continue  # Its side began anew and took it back.


def noted(one: Side) -> list[int]:
    """What a side took, in order."""
    with one.log.works.read() as work:
        rows = work.session.scalars(select(OuterPart.data).where(OuterPart.what == "note").order_by(OuterPart.id))
        return [int(data) for data in rows]


def test_killed_in_the_middle_nothing_is_lost_or_twice(
    tmp_path: Path, sqlite_template: Path, clock: StillClock
) -> None:
    sides = {role: side(tmp_path, role, sqlite_template, clock) for role in ("inner", "outer")}
    pair(sides["inner"], sides["outer"])
    for name in ("inner-in", "inner-out", "outer-in", "outer-out"):
        (tmp_path / name).mkdir()
    chance = random.Random(7)  # noqa: S311  # Which side, and when; nothing secret.
    processes = {role: start(tmp_path, role) for role in sides}
    try:
        kills, end, due = 0, time.monotonic() + LONGEST, time.monotonic() + 0.5
        while time.monotonic() < end and not all(len(noted(one)) >= TOTAL for one in sides.values()):
            carry(tmp_path)
            if kills < KILLS and time.monotonic() > due:
                role = chance.choice(["inner", "outer"])
                processes[role].kill()
                processes[role].wait()
                processes[role] = start(tmp_path, role)
                kills, due = kills + 1, time.monotonic() + chance.uniform(0.3, 1.0)
            time.sleep(0.02)
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    for one in sides.values():
        assert noted(one) == list(range(1, TOTAL + 1))
        one.log.works.engine.dispose()
    assert kills >= 3
