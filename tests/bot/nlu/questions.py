"""The demo office's questions and the sentences nobody may learn from, as the tests ask them."""

from pathlib import Path

from bot.nlu.classifier import Example
from bot.nlu.ranking import OUT_OF_SCOPE
from hub.demo.corpus import load_faqs, load_smalltalk

DATA = Path(__file__).parent.parent / "data"


def demo_examples() -> list[Example]:
    """Every wording of the demo office."""
    rows = (*load_faqs(), *load_smalltalk())
    return [Example(wording, row.key) for row in rows for wording in row.wordings]


def demo_answers() -> list[Example]:
    """What the demo office's questions are answered with, which the bot learns too."""
    return [Example(row.answer, row.key) for row in load_faqs()]


def held_out() -> list[Example]:
    """Questions with their key that no wording repeats."""
    return [Example(text, key) for key, text in _rows("heldout_test.tsv")]


def out_of_scope(file: str, kind: str | None = None) -> list[Example]:
    """Sentences the bot must not answer: kind is far, near or junk."""
    return [Example(text, OUT_OF_SCOPE) for found, text in _rows(file) if kind in (None, found)]


def _rows(file: str) -> list[tuple[str, str]]:
    lines = (DATA / file).read_text(encoding="utf-8").splitlines()
    return [(left, right) for left, right in (line.split("\t") for line in lines if "\t" in line)]
