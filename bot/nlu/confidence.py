"""How far to trust an answer: the one function behind every confidence, in the hub and in Rasa alike."""

import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from bot.nlu.vectors import Vocabulary


@dataclass(frozen=True)
class Evidence:
    """What speaks for one answer.

    ``lead``: its margin less the best margin of any other answer; ``margin``: the margin itself; ``foreign``:
    the margin of "belongs elsewhere"; ``coverage``: how much of the question its own wordings use, 0 to 1.
    """

    lead: float
    margin: float
    foreign: float
    coverage: float

    @property
    def belongs_elsewhere(self) -> bool:
        """Whether "belongs elsewhere" has the higher margin."""
        return self.foreign > self.margin


_STEEPEST = 30.0


@dataclass(frozen=True)
class Coefficients:
    """The logistic function from evidence to the chance that the answer is right."""

    lead: float
    foreign: float
    coverage: float
    constant: float


COEFFICIENTS = Coefficients(lead=2.5, foreign=-1.35, coverage=3.75, constant=-5.15)
"""Fitted by `bot.nlu.calibration` on the demo office's questions; its test fits them anew and compares."""


def coverage(text: str, characters: AbstractSet[str], vocabulary: Vocabulary) -> float:
    """The share of a normalised question's characters, weighed by idf squared, that the answer's wordings use.

    The square root of the share; 0 for an empty question. A character never seen weighs as the rarest one.
    """
    weights = {char: vocabulary.weight_of(char) ** 2 for char in set(text)}
    total = sum(weights.values())
    if not total:
        return 0.0
    return math.sqrt(sum(weight for char, weight in weights.items() if char in characters) / total)


def confidence(evidence: Evidence, coefficients: Coefficients = COEFFICIENTS) -> float:
    """The chance from 0 to 1 that the answer is the right one."""
    score = (
        coefficients.constant
        + coefficients.lead * evidence.lead
        + coefficients.foreign * evidence.foreign
        + coefficients.coverage * evidence.coverage
    )
    return 1 / (1 + math.exp(-max(-_STEEPEST, min(_STEEPEST, score))))
