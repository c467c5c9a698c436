"""Who stands back does so behind the processes of other sessions, too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The kernel's own file is there only where it shares the processors out among sessions.
TOLD = """
import os, sys
from pathlib import Path
from kernel import priority
priority._GROUP = Path(sys.argv[1])
priority.stand_back(7)
print(os.getpriority(os.PRIO_PROCESS, 0), priority._GROUP.read_text())
"""


def told(folder: Path, *, alone: bool) -> list[str]:
    group = folder / "autogroup"
    group.write_text("as it was")
    command = [sys.executable, "-c", TOLD, str(group)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, start_new_session=alone)
    return done.stdout.split(maxsplit=1)


def test_a_session_of_its_own_stands_back_with_it(tmp_path: Path) -> None:
    assert [int(one) for one in told(tmp_path, alone=True)] == [os.nice(0) + 7] * 2


def test_a_session_shared_with_others_stays_as_it_is(tmp_path: Path) -> None:
    assert told(tmp_path, alone=False) == [str(os.nice(0) + 7), "as it was\n"]
