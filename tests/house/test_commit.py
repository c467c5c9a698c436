"""Nobody commits but kernel.work: a step that commits would break the one transaction of its piece of work."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.house.test_names import PACKAGES, ROOT

# Files that own a connection of their own kind, each with its reason.
ALLOWED = {
    "kernel/work.py": "opens and ends every piece of work",
}


def calls(path: Path, *names: str) -> Iterator[int]:
    """The lines on which a method of one of these names is called."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
            yield node.lineno


def sources() -> Iterator[Path]:
    """The product's own Python files."""
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def test_nobody_commits_but_the_work() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources()
        if str(path.relative_to(ROOT)) not in ALLOWED
        for line in calls(path, "commit")
    }
    assert found == set()


def test_the_rule_would_notice(tmp_path: Path) -> None:
    step = tmp_path / "step.py"
    step.write_text("def step(session):\n    session.add(1)\n    session.commit()\n")
    assert list(calls(step, "commit")) == [3]
    assert list(calls(ROOT / "kernel/work.py", "commit"))
