"""Fitting in a process of its own with low priority, so that nobody's answer waits while the bot learns.

`python -m bot.apart` reads examples (JSON) from standard input and writes the fitted classifier to standard output; it
ends with the process whose number it is given, and has the priority it is given.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence

from bot import tied
from bot.errors import TrainingFailed
from bot.nlu.classifier import Classifier, Example
from bot.nlu.errors import NothingToLearn

LIMIT_SECONDS = 1800
NOTHING = 3
"""The exit status that says that there was nothing to learn."""


def fit(examples: Sequence[Example], python: str = sys.executable) -> Classifier:
    """As `Classifier.fit`; raises what that raises, and TrainingFailed where the process did not do its work."""
    # Nothing of the installation's settings: what it needs to know are the examples.
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("XUANDA_")}
    try:
        done = subprocess.run(  # noqa: S603  # Our own module; the examples are data on its standard input.
            [python, "-m", "bot.apart", *tied.ties()],
            input=json.dumps(examples).encode(),
            capture_output=True,
            cwd=tied.ROOT,
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
    parent, nice = map(int, sys.argv[1:])
    tied.tie(parent, nice)
    examples = [Example(text, key) for text, key in json.load(sys.stdin.buffer)]
    try:
        fitted = Classifier.fit(examples)
    except NothingToLearn:
        return NOTHING
    sys.stdout.buffer.write(fitted.to_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
