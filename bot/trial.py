"""Tries the bot on anybody's questions and answers: the same learning and the same decision as in an office."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.nlu.classifier import Classifier
from bot.nlu.ranking import THRESHOLDS, Guess, Ranking, Thresholds, decide
from bot.nlu.text import default_lexicon, normalise
from bot.nlu.wire import faq_key, faq_label
from bot.project import Project, Question, examples_of
from bot.turns import TURNS
from kernel.errors import XuandaError


class BadLine(XuandaError):
    """{file}, line {line}: {why}"""

    zh = "{file} 第 {line} 行：{why}"
    status = 422


@dataclass(frozen=True)
class Asked:
    """One question of a trial and the key that answers it; without a key it must not be answered."""

    key: str
    text: str


@dataclass(frozen=True)
class Tried:
    """What the bot made of one question: the office's keys in their order, and what the citizen would have got."""

    question: str
    expected: str
    ranked: tuple[Guess, ...]
    decision: str

    def as_json(self) -> dict[str, Any]:
        """The same for a file."""
        ranked = [{"key": guess.key, "confidence": round(guess.confidence, 6)} for guess in self.ranked]
        return {"question": self.question, "expected": self.expected, "ranked": ranked, "decision": self.decision}


@dataclass(frozen=True)
class Figures:
    """Shares from 0 to 1, and how many questions there were with an answer (`inside`) and without (`outside`)."""

    inside: int
    outside: int
    top1: float
    top3: float
    answered_right: float
    answered_wrong: float
    refused_outside: float


class Trial:
    """The bot with these questions and answers as its only knowledge."""

    def __init__(self, questions: Sequence[Question], thresholds: Thresholds = THRESHOLDS) -> None:
        # Rasa's labels take few characters; anybody's keys take any.
        numbered = tuple(replace(one, key=str(number)) for number, one in enumerate(questions))
        self._keys = {faq_label(str(number)): one.key for number, one in enumerate(questions)}
        self._exact = {
            normalise(wording, default_lexicon()): one.key for one in questions for wording in one.wordings[:1]
        }
        self._thresholds = thresholds
        self._classifier = Classifier.fit(examples_of(Project(numbered, TURNS)))

    def ask(self, asked: Asked) -> Tried:
        """What a citizen would get for this question."""
        ranking = self._classifier.predict(asked.text)
        own = tuple(Guess(self._keys[guess.key], guess.confidence) for guess in ranking.guesses if faq_key(guess.key))
        exact = self._exact.get(normalise(asked.text, default_lexicon()))
        if exact is not None:
            ranked = (Guess(exact, 1.0), *(guess for guess in own if guess.key != exact))
            return Tried(asked.text, asked.key, ranked, "answer")
        return Tried(asked.text, asked.key, own, self._decision(ranking))

    def _decision(self, ranking: Ranking) -> str:
        decision = decide(ranking, self._thresholds)
        # Thanks and greetings are answered too, but not with anything of the office.
        return decision.kind if any(faq_key(key) for key in decision.keys) else "refuse"


def figures(tried: Iterable[Tried]) -> Figures:
    """What a trial comes to."""
    rows = list(tried)
    inside = [row for row in rows if row.expected]
    outside = [row for row in rows if not row.expected]

    def share(marks: Iterable[bool]) -> float:
        counted = list(marks)
        return sum(counted) / len(counted) if counted else 0.0

    def first(row: Tried) -> bool:
        return bool(row.ranked) and row.ranked[0].key == row.expected

    return Figures(
        inside=len(inside),
        outside=len(outside),
        top1=share(first(row) for row in inside),
        top3=share(row.expected in [guess.key for guess in row.ranked[:3]] for row in inside),
        answered_right=share(row.decision == "answer" and first(row) for row in inside),
        answered_wrong=share(row.decision == "answer" and not first(row) for row in inside),
        refused_outside=share(row.decision != "answer" for row in outside),
    )


def read_questions(text: str, file: str) -> list[Question]:
    """Questions and answers, one JSON object a line: `key`, `question`, `wordings`, `answer`. Raises BadLine."""
    found: dict[str, Question] = {}
    for number, line in _lines(text):
        try:
            key, wordings, answer = _question(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            why = "不是含 key、question、wordings 的 JSON 对象。"
            raise BadLine(file=file, line=number, why=why) from None
        if not key or key in found:
            raise BadLine(file=file, line=number, why=f"标识“{key}”为空或重复。")
        found[key] = Question(key, wordings, answer)
    return list(found.values())


def read_asked(text: str, file: str) -> list[Asked]:
    """Questions to ask, one `key<TAB>question` a line; an empty key must not be answered. Raises BadLine."""
    asked = []
    for number, line in _lines(text):
        key, tab, question = line.partition("\t")
        if not tab or not question.strip():
            raise BadLine(file=file, line=number, why="缺少制表符或问题。")
        asked.append(Asked(key.strip(), question))
    return asked


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, with their numbers; only a line's end ends one, not what else Unicode breaks at."""
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        if line.strip():
            yield number, line


def _question(row: Any) -> tuple[str, tuple[str, ...], str]:
    """Key, wordings, the question first, and answer; raises TypeError or KeyError for what is of another kind."""
    key, wordings, answer = row["key"], row.get("wordings"), row.get("answer") or ""
    texts = [row["question"], *([wordings] if isinstance(wordings, str) else wordings or [])]
    if (
        isinstance(key, bool)
        or not isinstance(key, str | int)
        or not all(isinstance(one, str) for one in [*texts, answer])
    ):
        raise TypeError
    kept = tuple(one for one in texts if one.strip())
    if not kept:
        raise KeyError
    return str(key).strip(), kept, answer
