"""Decisions are numbered without gaps, and each record's heading bears its number."""

from __future__ import annotations

import re
from pathlib import Path

RECORDS = Path(__file__).parents[2] / "docs" / "why"


def test_decisions_are_numbered_without_gaps() -> None:
    records = sorted(path for path in RECORDS.iterdir() if path.name != "README.md")
    numbers = []
    for record in records:
        found = re.fullmatch(r"(\d{4})-[a-z0-9-]+\.md", record.name)
        assert found, record.name
        numbers.append(int(found[1]))
        assert record.read_text("utf-8").startswith(f"# {int(found[1])}. "), record.name
    assert numbers == list(range(1, len(records) + 1))
