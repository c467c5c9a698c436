"""Whether a claim is over is told by kernel.claim alone: other comparisons wait for an hour long past, once a clock is
set back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.test_commit import sources
from tests.house.test_names import ROOT

ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def comparisons(path: Path) -> Iterator[int]:
    """The lines on which a claim's end is held against something."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Compare) or not any(isinstance(one, ORDERS) for one in node.ops):
            continue
        if any(isinstance(one, ast.Attribute) and one.attr == "claimed_until" for one in ast.walk(node)):
            yield node.lineno


def test_nobody_but_the_kernel_says_when_a_claim_is_over() -> None:
    found = {f"{path.relative_to(ROOT)}:{line}" for path in sources() for line in comparisons(path)}
    assert found == set()


def test_the_rule_would_notice(tmp_path: Path) -> None:
    step = tmp_path / "step.py"
    step.write_text("def lost(row, now):\n    return row.claimed_until < now\n")
    assert list(comparisons(step)) == [2]
