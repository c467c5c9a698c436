"""Exchange by files: a carrier that brings them late, twice, broken, in another order, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.outer.exchange import AGAIN_SECONDS, LIFE_SECONDS, ByFiles
from hub.outer.folders import COPYING_SECONDS, MOST_WAITING, Folders
from hub.outer.models import OuterLink, OuterProblem
from kernel.clock import StillClock
from tests.hub.outer.pair import Side, two_sides


@dataclass
class Gap:
    """Two sides with two folders each, and what carries files between them."""

    inner: Side
    outer: Side
    folder: Path
    at: float = 1000.0
    ways: dict[str, ByFiles] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("inner", "outer"):
            self.start(name)

    def start(self, name: str) -> None:
        """A fresh process of one side."""
        side: Side = getattr(self, name)
        folders = Folders(self.folder / name / "in", self.folder / name / "out")
        self.ways[name] = ByFiles(side.log, folders, name, clock=lambda: self.at)

    def round(self, name: str) -> None:
        """One look of one side."""
        self.ways[name].round()

    def files(self, name: str) -> list[Path]:
        """What waits to be fetched from a side."""
        return sorted((self.folder / name / "out").glob("*.parcel"))

    def carry(self, name: str, *, keep: bool = False) -> list[Path]:
        """Brings everything a side wrote to the other one, old enough to be whole."""
        target = self.folder / ("outer" if name == "inner" else "inner") / "in"
        target.mkdir(parents=True, exist_ok=True)
        brought = []
        for path in self.files(name):
            brought.append(Path(shutil.copy(path, target) if keep else shutil.move(path, target)))
        for path in brought:
            age(path)
        return brought

    def both(self) -> None:
        """One turn each way."""
        for name in ("inner", "outer"):
            self.round(name)
            self.carry(name)


def age(path: Path) -> None:
    """As if it had come a while ago."""
    old = path.stat().st_mtime - COPYING_SECONDS - 1
    os.utime(path, (old, old))


@pytest.fixture
def gap(sqlite_template: Path, tmp_path: Path, clock: StillClock) -> Iterator[Gap]:
    """Two sides apart."""
    inner, outer = two_sides(sqlite_template, tmp_path, clock)
    yield Gap(inner, outer, tmp_path)
    for side in (inner, outer):
        side.log.works.engine.dispose()


def problems(side: Side) -> list[tuple[str, str]]:
    with side.log.works.read() as work:
        rows = work.session.scalars(select(OuterProblem).order_by(OuterProblem.id))
        return [(row.name, row.reason) for row in rows]


def test_files_carry_both_ways_and_are_cleared(gap: Gap) -> None:
    for told in range(3):
        gap.inner.put(told)
        gap.outer.put(-told)
    for _turn in range(3):
        gap.both()
    assert (gap.outer.taken, gap.inner.taken) == ([0, 1, 2], [0, -1, -2])
    assert problems(gap.inner) == problems(gap.outer) == []
    assert not list((gap.folder / "inner" / "in").glob("*.parcel"))


def test_what_was_lost_on_the_way_is_written_again(gap: Gap) -> None:
    gap.inner.put("first")
    gap.round("inner")
    for path in gap.files("inner"):
        path.unlink()
    gap.inner.put("second")
    for _turn in range(2):
        gap.both()
    assert gap.outer.taken == []
    gap.at += AGAIN_SECONDS + 1
    gap.both()
    gap.round("outer")
    assert gap.outer.taken == ["first", "second"]


def test_a_process_that_dies_after_writing_or_before_deleting_does_nothing_twice(gap: Gap) -> None:
    gap.inner.put("once")
    gap.round("inner")
    gap.start("inner")
    gap.round("inner")
    brought = gap.carry("inner", keep=True)
    kept = {path: path.read_bytes() for path in brought}
    gap.round("outer")
    assert gap.outer.taken == ["once"]
    for path, data in kept.items():  # As if it had died between taking and deleting.
        path.write_bytes(data)
        age(path)
    gap.start("outer")
    gap.round("outer")
    assert gap.outer.taken == ["once"]
    assert "重复或乱序" in problems(gap.outer)[0][1]


def test_what_is_broken_foreign_or_out_of_order_is_put_apart_with_its_reason(
    gap: Gap, sqlite_template: Path, clock: StillClock
) -> None:
    gap.inner.put(1)
    gap.round("inner")
    gap.inner.put(2)
    gap.round("inner")
    first, second = gap.files("inner")
    inbox = gap.folder / "outer" / "in"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "000000000009-inner.parcel").write_bytes(second.read_bytes()[:-5])
    (inbox / "notes.parcel").write_text("hello")
    strangers = gap.folder / "strangers"
    strangers.mkdir()
    foreign, _ = two_sides(sqlite_template, strangers, clock)
    (inbox / "000000000008-inner.parcel").write_bytes(foreign.log.parcel(numbered=True)[0])
    (inbox / "readme.txt").write_text("not ours to touch")
    for path in inbox.iterdir():
        age(path)
    gap.round("outer")
    gap.carry("inner")
    gap.round("outer")
    # The second overtakes the first on another day.
    (inbox / first.name).write_bytes(b"")
    age(inbox / first.name)
    gap.round("outer")
    told = dict(problems(gap.outer))
    assert "签名不符" in told["000000000009-inner.parcel"]
    assert "文件名" in told["notes.parcel"]
    assert "签名不符" in told["000000000008-inner.parcel"]
    assert gap.outer.taken == [1, 2]
    assert (inbox / "readme.txt").exists()
    assert len(list((inbox / "refused").iterdir())) == 4
    for _turn in range(3):
        gap.both()
    with gap.inner.log.works.read() as work:
        assert work.session.get_one(OuterLink, 1).heard_at == clock.now()


def test_a_file_that_is_still_being_copied_is_left_alone(gap: Gap) -> None:
    gap.inner.put("whole in the end")
    gap.round("inner")
    whole = gap.files("inner")[0]
    inbox = gap.folder / "outer" / "in"
    inbox.mkdir(parents=True)
    half = inbox / whole.name
    half.write_bytes(whole.read_bytes()[:50])
    gap.round("outer")
    assert half.exists()
    assert problems(gap.outer) == []
    half.write_bytes(whole.read_bytes())
    gap.round("outer")
    assert gap.outer.taken == ["whole in the end"]


def test_a_sign_of_life_leaves_now_and_then_and_nothing_else(gap: Gap) -> None:
    for _turn in range(4):
        gap.both()
    before = len(list((gap.folder / "inner" / "in").glob("*")))
    gap.round("inner")
    assert gap.files("inner") == []
    gap.at += LIFE_SECONDS + 1
    gap.round("inner")
    assert len(gap.files("inner")) == 1
    assert before <= 1


def test_files_that_nobody_fetches_are_told(gap: Gap) -> None:
    out = gap.folder / "inner" / "out"
    gap.round("inner")
    for number in range(MOST_WAITING):
        (out / f"{number:012d}-x.parcel").write_bytes(b"")
    gap.inner.put("stays inside")
    gap.round("inner")
    with gap.inner.log.works.read() as work:
        assert "网闸可能没有取走" in work.session.get_one(OuterLink, 1).trouble
