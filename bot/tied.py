"""Processes that end with the one that started them, and that leave the processors to whoever answers citizens.

`python -m bot.tied PARENT NICE COMMAND …` becomes the command, with that priority.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from kernel.priority import stand_back

NICE = 19
ROOT = Path(__file__).resolve().parent.parent
_PR_SET_PDEATHSIG = 1


def command(wanted: Sequence[str]) -> list[str]:
    """What starts a command so; it has to be started in this folder or with it on Python's path (`ROOT`)."""
    return [sys.executable, "-m", "bot.tied", *ties(), *wanted]


def ties() -> list[str]:
    """What a process that is to be tied to this one is given for `tie`."""
    return [str(os.getpid()), str(NICE)]


def tie(parent: int, nice: int) -> None:
    """What nobody waits for any more is not done to its end; only Linux tells a process so."""
    if sys.platform == "linux":
        # It counts from the end of the very thread that started this one, which waits for it.
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # Nothing is told of a parent that was gone before.
    if os.getppid() != parent:
        sys.exit(1)
    # Of a session of its own, it stands back behind the other services of the machine, and not only behind its parent.
    with suppress(OSError):
        os.setsid()
    stand_back(nice)


def main() -> None:
    """Ties itself to the process of this number and becomes the command."""
    tie(int(sys.argv[1]), int(sys.argv[2]))
    os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606  # The command is our own; being tied outlives the change.


if __name__ == "__main__":
    main()
