"""The table of outbound limits names tests that exist, and no test of a limit is left out of it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs/limits.md"
CITED = re.compile(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`")


def names_in(path: Path) -> set[str]:
    """The names of a file's tests."""
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_each_limit_names_tests_that_exist_and_each_test_of_a_limit_is_named() -> None:
    cited = CITED.findall(TABLE.read_text("utf-8"))
    folder = ROOT / "tests/channels"
    assert len(cited) > 40
    missing = [f"{file}::{name}" for file, name in cited if name not in names_in(folder / file)]
    assert missing == []
    limits = {
        (f"adapters/{path.name}", name) for path in folder.glob("adapters/test_limits_*.py") for name in names_in(path)
    }
    unnamed = {one for one in limits if one not in set(cited)}
    assert unnamed == set()


def test_a_row_without_a_test_says_why() -> None:
    rows = [
        line
        for line in TABLE.read_text("utf-8").splitlines()
        if line.startswith("| ") and not line.startswith("| limit")
    ]
    assert [row for row in rows if not CITED.search(row) and "not reached:" not in row] == []
