"""Learning in a process of its own gives the same classifier, and says what went wrong there."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import apart
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
