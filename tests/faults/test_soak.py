"""What a soak has to keep to be called good, and what it prints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.faults.soak import FLAT, LIMIT, Memory, Result, Size

GOOD = Result(
    portal=3,
    wechat=2,
    answers=1,
    faults=[],
    seconds=[0.1, LIMIT],
    memory=Memory(1, [100.0, 100.0, 100.0 * FLAT]),
    trained=4,
    promoted=20,
    promotions=20,
    again=0,
)


def test_all_of_it_has_to_be_kept() -> None:
    assert GOOD.good
    assert any("at least 20" in line for line in GOOD.lines())


@pytest.mark.parametrize(
    "broken",
    [
        {"faults": ["lost"]},
        {"seconds": [0.1, LIMIT + 0.01]},
        {"memory": Memory(1, [100.0, 100.0, 101.0 * FLAT])},
        {"promoted": 19},
    ],
)
def test_what_is_not_kept_is_no_soak(broken: dict[str, Any]) -> None:
    assert not replace(GOOD, **broken).good


def test_where_something_was_broken_only_messages_count() -> None:
    slow = replace(GOOD, seconds=[9.0], promoted=0, broken="Rasa killed")
    assert slow.good
    assert not replace(slow, faults=["lost"]).good


def test_ten_minutes_ask_for_twenty_models() -> None:
    assert (Size().promotions, Size(seconds=60).promotions) == (20, 2)
