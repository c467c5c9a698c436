"""`make bench`: measures, prints a line per figure, and writes bench/results.json. ONLY=prefix chooses."""

from __future__ import annotations

import json
import os
from pathlib import Path

from bench import dispatch, portal, push
from bench.figures import MEASURES

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    """Runs the chosen measures; earlier results of others are kept."""
    only = os.environ.get("ONLY", "")
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() and only else {}
    print(f"{'figure':45} {'value':>10} {'unit':12} {'against':34} ratio")
    for prefix, measure in MEASURES.items():
        if not (prefix.startswith(only) or only.startswith(prefix)):
            continue
        for figure in measure():
            ratio = "-" if figure.ratio is None else f"{figure.ratio:.2f}"
            print(f"{figure.name:45} {figure.value:>10} {figure.unit:12} {figure.against:34} {ratio}", flush=True)
            results[figure.name] = figure.as_row()
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1, sort_keys=True), "utf-8")


__all__ = ["dispatch", "portal", "push"]

if __name__ == "__main__":
    main()
