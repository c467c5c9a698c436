"""Runs the steps in order, prints each with its time, and says whether all came out as they must."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import httpx

from hub.drill import changes, way_in, way_out
from hub.drill.faces import Apart
from hub.drill.stage import DrillFailed, Stage, stage, stop

NOTHING: Mapping[str, Callable[[], None]] = MappingProxyType({})
Step = tuple[str, Callable[[Stage], str]]

STEPS: Sequence[Step] = (
    ("write a notice with a picture", way_out.write),
    ("a mobile number blocks the submission", way_out.refuse),
    ("submit", way_out.submit),
    ("three proof passes, three signatures", way_out.sign),
    ("a browser asks to be told", way_out.follow),
    ("book on every account", way_out.book),
    ("arrive", way_out.arrive),
    ("read on the portal", way_out.read),
    ("once on each platform", way_out.once),
    ("publish an answer", way_in.publish_answer),
    ("a citizen asks on WeChat", way_in.ask),
    ("a citizen wants a person", way_in.hand_over),
    ("the agent answers", way_in.answer),
    ("close and rate", way_in.close_and_rate),
    ("the manager's figures", way_in.figures),
    ("publish by hand", changes.publish_by_hand),
    ("mend the hour and sign anew", changes.sign_anew),
    ("correct on every channel", changes.correct),
    ("withdraw from every channel", changes.withdraw),
    ("what was withdrawn is nowhere", changes.gone),
)


def run(platforms: str, say: Callable[[str], None], apart: Apart | None = None) -> bool:
    """The whole drill; True when every step came out. The first step that fails ends it."""
    started = time.monotonic()
    with stage(platforms, apart) as built:
        outside = f", citizens at {built.site}, the two apart by {apart}" if apart else ""
        say(f"{_seconds(started)}  ready: the product at {built.url}{outside}, platforms at {built.platforms}")
        if not play(built, say):
            return False
        verdict = _audit(built)
        say(f"         audit log: {verdict}")
        say(f"{_seconds(started)}  the drill is done")
        return "hold" in verdict


def play(built: Stage, say: Callable[[str], None], after: Mapping[str, Callable[[], None]] = NOTHING) -> bool:
    """Every step; `after` one of these names something else is done."""
    for name, step in STEPS:
        begun = time.monotonic()
        try:
            said = step(built)
        except (DrillFailed, httpx.HTTPError) as failure:
            say(f"{_seconds(begun)}  FAILED {name}: {failure}")
            _show_logs(built, say)
            return False
        say(f"{_seconds(begun)}  {name}: {said}")
        if name in after:
            after[name]()
    return True


def _audit(built: Stage) -> str:
    stop(built.processes.pop("product"))
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli", "audit", "verify"],
        env={**os.environ, "XUANDA_DATA": str(built.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout or done.stderr).strip()


def _show_logs(built: Stage, say: Callable[[str], None]) -> None:
    for log in sorted(built.folder.glob("*.log")):
        lines = [line for line in log.read_text("utf-8").splitlines() if "[info " not in line][-25:]
        say(f"--- {log.name}\n" + "\n".join(lines))


def _seconds(since: float) -> str:
    return f"{time.monotonic() - since:7.2f}s"
