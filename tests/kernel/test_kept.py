"""What was dear is kept for a while that its own time decides; many who ask at once have it worked out once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from kernel import kept
from kernel.kept import Kept


class Clock:
    """A clock that work moves on."""

    def __init__(self) -> None:
        self.at = 0.0
        self.made = 0

    def __call__(self) -> float:
        return self.at

    def work(self, seconds: float) -> int:
        """Takes so long and says how often it was done."""
        self.at += seconds
        self.made += 1
        return self.made


def test_what_was_dear_is_kept_for_a_multiple_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LONGEST", 30.0)
    clock = Clock()
    found = Kept(clock)
    assert found.get("a", lambda: clock.work(0.1)) == 1
    clock.at += 0.1 * kept.TIMES - 0.01
    assert found.get("a", lambda: clock.work(0.1)) == 1
    assert found.get("b", lambda: clock.work(0.1)) == 2
    clock.at += 0.02
    assert found.get("a", lambda: clock.work(5)) == 3
    clock.at += 30
    assert found.get("a", lambda: clock.work(5)) == 4


def test_what_was_cheap_is_worked_out_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LONGEST", 30.0)
    clock = Clock()
    found = Kept(clock)
    assert [found.get("a", lambda: clock.work(0.001)) for _ in range(3)] == [1, 2, 3]


def test_a_failure_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LONGEST", 30.0)
    clock = Clock()
    found = Kept(clock)

    def fails() -> int:
        clock.work(1)
        raise OSError("database away")

    with pytest.raises(OSError, match="away"):
        found.get("a", fails)
    assert found.get("a", lambda: clock.work(1)) == 2


def test_those_who_ask_while_it_is_worked_out_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LONGEST", 30.0)
    clock, begun, go_on = Clock(), Event(), Event()
    found, together = Kept(clock), Barrier(3)

    def slow() -> int:
        begun.set()
        assert go_on.wait(10)
        return clock.work(1)

    def ask() -> int:
        together.wait(10)
        return found.get("a", slow)

    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(ask) for _ in range(3)]
        assert begun.wait(10)
        go_on.set()
        assert {one.result(10) for one in asked} == {1}


def test_no_more_than_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LONGEST", 30.0)
    monkeypatch.setattr(kept, "MOST", 2)
    clock = Clock()
    found = Kept(clock)
    assert [found.get(key, lambda: clock.work(1)) for key in ("a", "b", "a", "c", "a")] == [1, 2, 1, 3, 4]
