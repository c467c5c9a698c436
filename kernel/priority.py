"""How far a process stands back behind others that want the processor."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_GROUP = Path("/proc/self/autogroup")


def stand_back(by: int) -> None:
    """Lowers this process's priority by so much (of 19), behind those of other sessions as well.

    Linux shares the processors out among sessions before it does so among the processes of each, and a priority says
    nothing outside its session (sched(7), "The autogroup feature"). Services are sessions of their own, so the session
    has to stand back too; one that is shared with others, as a shell's is, stays as it is.
    """
    reached = os.nice(by)
    if os.getsid(0) == os.getpid():
        # Not every kernel shares out so, and in a control group with a weight of its own it plays no part.
        with suppress(OSError):
            _GROUP.write_text(str(reached))
