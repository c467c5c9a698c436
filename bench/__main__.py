"""`make bench`: measures, prints a line per figure, and writes bench/results.json. ONLY=prefix chooses."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import structlog

from bench import capacity, chat, desk, dispatch, pelican, portal, push, rates, rehearsed, search, ticks
from bench.aims import aim_of
from bench.figures import MEASURES, Figure

log = structlog.get_logger(__name__)

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    """Runs the chosen measures; earlier results of others are kept. Exit status 1 when one of them failed."""
    only = os.environ.get("ONLY", "")
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() and only else {}
    print(f"{'figure':45} {'value':>10} {'unit':12} {'against':34} {'aim':9} ratio")
    failed = []
    for prefix in chosen(only):
        try:
            for figure in MEASURES[prefix]():
                print(line(figure), flush=True)
                results[figure.name] = figure.as_row()
        except Exception:  # The edge: what cannot be measured today must not hide the other figures.
            log.exception("not measured", measure=prefix)
            failed.append(prefix)
        RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1, sort_keys=True), "utf-8")
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


def chosen(only: str) -> list[str]:
    """The measures that give figures beginning with `only`."""
    return [prefix for prefix in MEASURES if prefix.startswith(only) or only.startswith(prefix)]


def line(figure: Figure) -> str:
    """A figure as it is printed."""
    ratio = "-" if figure.ratio is None else f"{figure.ratio:.2f}"
    aim = aim_of(figure.name) or "-"
    return f"{figure.name:45} {figure.value:>10} {figure.unit:12} {figure.against:34} {aim:9} {ratio}"


__all__ = ["capacity", "chat", "desk", "dispatch", "pelican", "portal", "push", "rates", "rehearsed", "search", "ticks"]

if __name__ == "__main__":
    main()
