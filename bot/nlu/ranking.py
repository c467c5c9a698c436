"""What the classifier says about a question, and what to do with it."""

from dataclasses import dataclass, field
from typing import Literal

OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True)
class Guess:
    """One answer's key with the chance that it is right."""

    key: str
    confidence: float


@dataclass(frozen=True)
class Ranking:
    """The best guesses, surest first; ``foreign`` says that "belongs elsewhere" beat them all."""

    guesses: tuple[Guess, ...]
    foreign: bool

    @property
    def confidence(self) -> float:
        """The confidence of the best guess, 0 where there is none."""
        return self.guesses[0].confidence if self.guesses else 0.0


@dataclass(frozen=True)
class Thresholds:
    """From ``hi`` up the bot answers, from ``lo`` up it suggests, below it says that it does not know.

    ``gap``: with a runner-up closer than this it suggests both instead of answering.
    """

    hi: float
    lo: float
    gap: float


THRESHOLDS = Thresholds(hi=0.45, lo=0.15, gap=0.25)
"""Chosen by cross-validation on the demo office's questions and the out-of-scope development sentences."""

SUGGESTIONS = 3


@dataclass(frozen=True)
class Decision:
    """``answer`` carries one key, ``suggest`` up to three, ``refuse`` none.

    `confidence`, `model` (a version's number, 0 for none) and `file` (what a server of its own serves) say what it
    rests on; they make no other decision.
    """

    kind: Literal["answer", "suggest", "refuse"]
    keys: tuple[str, ...]
    confidence: float = field(default=0.0, compare=False)
    model: int = field(default=0, compare=False)
    file: str = field(default="", compare=False)

    @property
    def basis(self) -> dict[str, int | float | str]:
        """What an answer is traced by."""
        told: dict[str, int | float | str] = {"model": self.model, "confidence": round(self.confidence, 3)}
        return {**told, "file": self.file} if self.file else told


def decide(ranking: Ranking, thresholds: Thresholds = THRESHOLDS) -> Decision:
    """Answer, suggest or refuse; what belongs elsewhere or has a close rival is never answered outright."""
    keys = tuple(guess.key for guess in ranking.guesses[:SUGGESTIONS])
    if ranking.confidence >= thresholds.hi and not ranking.foreign and not _contested(ranking, thresholds):
        return Decision("answer", keys[:1], ranking.confidence)
    if ranking.confidence >= thresholds.lo:
        return Decision("suggest", keys, ranking.confidence)
    return Decision("refuse", (), ranking.confidence)


def _contested(ranking: Ranking, thresholds: Thresholds) -> bool:
    runner_up = ranking.guesses[1].confidence if len(ranking.guesses) > 1 else 0.0
    return ranking.confidence - runner_up < thresholds.gap
