"""Fitting in a process of its own with low priority, so that nobody's answer waits while the bot learns.

`python -m bot.apart` reads examples (JSON) from standard input and writes the fitted classifier to standard output; it
ends with the process whose number it is given.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bot.errors import TrainingFailed
from bot.nlu.classifier import Classifier, Example
from bot.nlu.errors import NothingToLearn

ROOT = Path(__file__).resolve().parent.parent
LIMIT_SECONDS = 1800
NICE = 19
NOTHING = 3
"""The exit status that says that there was nothing to learn."""
_PR_SET_PDEATHSIG = 1


def fit(examples: Sequence[Example], python: str = sys.executable) -> Classifier:
    """As `Classifier.fit`; raises what that raises, and TrainingFailed where the process did not do its work."""
    # Nothing of the installation's settings: what it needs to know are the examples.
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("XUANDA_")}
    try:
        done = subprocess.run(  # noqa: S603  # Our own module; the examples are data on its standard input.
            [python, "-m", "bot.apart", str(os.getpid())],
            input=json.dumps(examples).encode(),
            capture_output=True,
            cwd=ROOT,
            env=surroundings,
            check=False,
            timeout=LIMIT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise TrainingFailed(why=str(failure)[:200]) from failure
    if done.returncode == NOTHING:
        raise NothingToLearn
    if done.returncode != 0:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise TrainingFailed(why=f"the process that learns ended with {done.returncode}: {''.join(last)[:200]}")
    return Classifier.from_bytes(done.stdout)


def main() -> int:
    """Examples in, a classifier out."""
    _end_with(int(sys.argv[1]) if len(sys.argv) > 1 else os.getppid())
    os.nice(NICE)
    examples = [Example(text, key) for text, key in json.load(sys.stdin.buffer)]
    try:
        fitted = Classifier.fit(examples)
    except NothingToLearn:
        return NOTHING
    sys.stdout.buffer.write(fitted.to_bytes())
    return 0


def _end_with(parent: int) -> None:
    """What nobody waits for any more is not learned to its end; only Linux tells a process so."""
    if sys.platform == "linux":
        # It counts from the end of the very thread that started this one, which waits in `fit`.
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Nothing is told of a parent that was gone before.
    if os.getppid() != parent:
        sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())
