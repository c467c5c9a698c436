"""Learning in a process of its own gives the same classifier, and says what went wrong there."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot import apart, tied
from bot.errors import TrainingFailed
from bot.nlu.classifier import Classifier, Example
from bot.nlu.errors import NothingToLearn, UnreadableModel

EXAMPLES = [
    Example(text, key)
    for key, texts in {
        "faq/1": ("居住证怎么办", "怎么办居住证", "办居住证要什么"),
        "faq/2": ("公积金怎么提取", "怎么取公积金", "公积金能取几次"),
    }.items()
    for text in texts
]


def process(tmp_path: Path, script: str) -> str:
    """Something that is started in Python's place."""
    file = tmp_path / "python"
    file.write_text(f"#!/bin/sh\ncat >/dev/null\n{script}\n")
    file.chmod(0o755)
    return str(file)


def test_what_is_learned_apart_is_what_is_learned_here() -> None:
    fitted, here = apart.fit(EXAMPLES), Classifier.fit(EXAMPLES)
    assert fitted.to_bytes() == here.to_bytes()
    assert fitted.predict("居住证在哪办") == here.predict("居住证在哪办")


@pytest.mark.parametrize(
    ("script", "error", "why"),
    [
        ("exit 3", NothingToLearn, ""),
        ("echo 'MemoryError: no room' >&2; exit 1", TrainingFailed, "no room"),
        ("kill -9 $$", TrainingFailed, "-9"),
        ("echo no model", UnreadableModel, ""),
    ],
)
def test_what_goes_wrong_there_is_said_here(tmp_path: Path, script: str, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why or None):
        apart.fit(EXAMPLES, process(tmp_path, script))


def test_a_process_that_cannot_begin_is_a_failed_training(tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match="nowhere"):
        apart.fit(EXAMPLES, str(tmp_path / "nowhere"))


def test_settings_of_the_installation_stay_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUANDA_SECRET", "s")
    with pytest.raises(TrainingFailed, match=r"secret is \[\]"):
        apart.fit(EXAMPLES, process(tmp_path, 'echo "secret is [$XUANDA_SECRET]" >&2; exit 1'))


LEARNING = """
import socket, sys, time
from bot import apart
from bot.nlu.classifier import Classifier

def learn(_examples):
    seen = socket.create_connection(("127.0.0.1", {port}))
    time.sleep(60)

Classifier.fit = learn
apart.main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_learning_ends_with_the_process_that_asked_for_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        script = tmp_path / "learning.py"
        script.write_text(LEARNING.format(port=listening.getsockname()[1]))
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\nPYTHONPATH=. exec "{sys.executable}" "{script}" "$3" "$4"\n')
        python.chmod(0o755)
        asking = f"from bot import apart; apart.fit([('居住证怎么办', 'faq/1')], {str(python)!r})"
        parent = subprocess.Popen([sys.executable, "-c", asking], cwd=tied.ROOT)
        try:
            learning, _address = listening.accept()
        finally:
            parent.kill()
            parent.wait()
        killed = time.monotonic()
        with learning:
            learning.settimeout(30)
            assert learning.recv(1) == b""
    assert time.monotonic() - killed < 10
