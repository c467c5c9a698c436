"""What is tied to a process has the lowest priority, and does not begin for one that is gone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot import tied


def test_a_command_is_itself_with_the_lowest_priority(low_priority: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tied, "NICE", low_priority)
    told = subprocess.run(
        tied.command([sys.executable, "-c", "import os; print(os.nice(0))"]),
        cwd=tied.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == "19\n"


def test_it_has_a_session_of_its_own() -> None:
    told = subprocess.run(
        tied.command([sys.executable, "-c", "import os; print(os.getsid(0) == os.getpid())"]),
        cwd=tied.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == "True\n"


def test_for_a_process_that_is_gone_nothing_begins() -> None:
    command = [sys.executable, "-m", "bot.tied", "1", "0", sys.executable, "-c", "print('begun')"]
    told = subprocess.run(command, cwd=tied.ROOT, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (1, "")
