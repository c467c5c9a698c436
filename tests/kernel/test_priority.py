"""Who stands back does so behind the processes of other sessions, too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GROUP = Path("/proc/self/autogroup")
TOLD = (
    "import os; from kernel.priority import stand_back; stand_back(7); "
    "print(os.getpriority(os.PRIO_PROCESS, 0), open('/proc/self/autogroup').read().split()[-1])"
)
here = pytest.mark.skipif(not GROUP.exists(), reason="this kernel does not share the processors out among sessions")


def told(*, alone: bool) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", TOLD], cwd=ROOT, capture_output=True, text=True, check=True, start_new_session=alone
    )
    return done.stdout.split()


@here
def test_a_session_of_its_own_stands_back_with_it() -> None:
    assert told(alone=True) == [str(os.nice(0) + 7)] * 2


@here
def test_a_session_shared_with_others_stays_as_it_is() -> None:
    mine = GROUP.read_text().split()[-1]
    assert told(alone=False) == [str(os.nice(0) + 7), mine]
