"""Drawing by several processes: tasks are shared out, a process that dies is noticed, the lock outlives the first."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from channels.adapters.portal.crew import crew
from channels.adapters.portal.folder import Folder

# In an interpreter of its own: what forks must have no other threads, and a test run may have some.
_BEGIN = """
import os, sys, time
from pathlib import Path
from channels.adapters.portal.crew import DrawingFailed, crew
from channels.adapters.portal.folder import Folder
"""


def _run(script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", _BEGIN + script, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_tasks_are_done_at_the_same_time_by_other_processes_and_answered_in_their_order() -> None:
    script = """
def do(task):
    time.sleep(0.3 if task == 1 else 0)
    return task, os.getpid()
with crew(do, 2) as hands:
    assert hands.hands == 2
    answers = hands.all([1, 2]) + hands.all([3])
assert [task for task, _ in answers] == [1, 2, 3], answers
assert len({pid for _, pid in answers} | {os.getpid()}) == 3, answers
"""
    assert _run(script) == ""


@pytest.mark.parametrize(
    ("fault", "said"), [("raise ValueError('没有这一页')", "没有这一页"), ("os._exit(9)", "进程意外结束")]
)
def test_a_task_that_fails_and_a_process_that_ends_are_told_in_words(fault: str, said: str) -> None:
    script = f"""
def do(task):
    if task:
        {fault}
try:
    with crew(do, 2) as hands:
        hands.all([0, 1])
except DrawingFailed as failed:
    print(failed.reason)
"""
    assert said in _run(script)


def test_one_hand_is_this_very_process() -> None:
    with crew(lambda task: task * 2, 1) as hands:
        assert hands.all([1, 2, 3]) == [2, 4, 6]


def test_the_lock_is_held_until_the_last_process_that_draws_has_ended(tmp_path: Path) -> None:
    script = """
folder, said = Folder(Path(sys.argv[1])), Path(sys.argv[2])
def do(task):
    said.write_text("begun")
    time.sleep(0.6)
    said.write_text("drawn")
with folder.lock() as lock, crew(do, 2) as hands, folder.locked(lock):
    hands.all([1])
"""
    said = tmp_path / "said"
    first = subprocess.Popen([sys.executable, "-c", _BEGIN + script, str(tmp_path / "site"), str(said)])
    while not (said.exists() and said.read_text() == "begun"):
        assert first.poll() is None
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.wait()
    with Folder(tmp_path / "site").locked():
        assert said.read_text() == "drawn"


def test_more_tasks_than_hands_are_done_by_whoever_is_free_and_a_fault_ends_it() -> None:
    script = """
def do(task):
    if task == 3:
        raise ValueError("三")
    time.sleep(0.5 if task == 0 else 0)
    return task, os.getpid()
with crew(do, 2) as hands:
    answers = hands.all([0, 1, 2, 4, 5])
    assert [task for task, _ in answers] == [0, 1, 2, 4, 5], answers
    slow, *others = [pid for _, pid in answers]
    assert set(others) == {others[0]} != {slow}, answers
    try:
        hands.all([3, 4, 5, 0])
    except DrawingFailed as failed:
        assert "三" in failed.reason
    else:
        raise AssertionError("a fault was not told")
    assert [task for task, _ in hands.all([1, 2])] == [1, 2]
"""
    assert _run(script) == ""
