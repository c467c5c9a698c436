"""Every metric says what it answers and how it is worked out, in the console and in the reference."""

from __future__ import annotations

import re

import pytest

from analytics.metrics import METRICS
from templates.catalogue import load
from tests.house.test_names import ROOT


@pytest.mark.parametrize("name", sorted(METRICS))
def test_the_metric_is_documented(name: str) -> None:
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert METRICS[name].label in cells
    assert all(cells)
    assert len(cells[-1]) > 20


def test_the_reference_is_in_english() -> None:
    english = load("en")
    for metric in METRICS.values():
        for words in (metric.label, metric.unit, metric.question, metric.formula):
            assert words in english or not re.search(r"[\u4e00-\u9fff]", words), words


def test_a_metric_is_kept_under_its_own_name() -> None:
    assert {name: metric.name for name, metric in METRICS.items()} == {name: name for name in METRICS}
