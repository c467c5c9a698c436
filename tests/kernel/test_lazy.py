"""A value made once for each owner, without one owner waiting for another."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from kernel.lazy import lazy


@dataclass
class Owner:
    meeting: threading.Barrier | None = None
    made: list[str] = field(default_factory=list)

    @lazy
    def value(self) -> str:
        """What is made."""
        if self.meeting is not None:
            self.meeting.wait(10)
        self.made.append("made")
        return "value"


def test_it_is_made_when_asked_for_and_only_once() -> None:
    owner = Owner()
    assert owner.made == []
    assert (owner.value, owner.value) == ("value", "value")
    assert owner.made == ["made"]
    assert Owner().made == []


def test_a_class_tells_of_it() -> None:
    assert Owner.value.__doc__ == "What is made."


def test_no_owner_waits_for_another() -> None:
    meeting = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        got = [pool.submit(lambda: Owner(meeting).value) for _ in range(2)]
        assert [one.result(20) for one in got] == ["value", "value"]
