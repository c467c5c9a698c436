"""Measures a classifier by what the citizen would have got: the right answer, a suggestion, a wrong answer, none."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.nlu.classifier import Classifier, Example
from bot.nlu.ranking import OUT_OF_SCOPE, SUGGESTIONS, THRESHOLDS, Decision, Ranking, Thresholds, decide


@dataclass(frozen=True)
class Outcome:
    """One question with what the classifier made of it."""

    example: Example
    ranking: Ranking
    decision: Decision

    @property
    def place(self) -> int | None:
        """The rank of the right key from 0, None where it is not in the ranking."""
        keys = [guess.key for guess in self.ranking.guesses]
        return keys.index(self.example.key) if self.example.key in keys else None

    @property
    def wrong(self) -> bool:
        """Whether a wrong answer was given outright."""
        return self.decision.kind == "answer" and self.decision.keys != (self.example.key,)


@dataclass(frozen=True)
class Report:
    """Shares from 0 to 1 over the questions in scope and over those out of scope."""

    outcomes: tuple[Outcome, ...]
    in_scope: tuple[Outcome, ...] = field(init=False, repr=False)
    foreign: tuple[Outcome, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        foreign = tuple(outcome for outcome in self.outcomes if outcome.example.key == OUT_OF_SCOPE)
        inside = tuple(outcome for outcome in self.outcomes if outcome.example.key != OUT_OF_SCOPE)
        object.__setattr__(self, "in_scope", inside)
        object.__setattr__(self, "foreign", foreign)

    @property
    def top1(self) -> float:
        """How often the right key stands first, whatever the confidence."""
        return _share(outcome.place == 0 for outcome in self.in_scope)

    @property
    def top3(self) -> float:
        """How often the right key is among those that would be suggested."""
        return _share(outcome.place is not None and outcome.place < SUGGESTIONS for outcome in self.in_scope)

    @property
    def answered_right(self) -> float:
        """How often the right answer is given outright."""
        return _share(outcome.decision.kind == "answer" and not outcome.wrong for outcome in self.in_scope)

    @property
    def answered_wrong(self) -> float:
        """How often a wrong answer is given outright."""
        return _share(outcome.wrong for outcome in self.in_scope)

    @property
    def suggested(self) -> float:
        """How often suggestions are shown."""
        return _share(outcome.decision.kind == "suggest" for outcome in self.in_scope)

    @property
    def refused_foreign(self) -> float:
        """How often a question out of scope gets no answer outright."""
        return _share(outcome.decision.kind != "answer" for outcome in self.foreign)

    def accuracy_by_key(self) -> dict[str, float]:
        """For each key in scope how often it stands first for its own questions."""
        asked = Counter(outcome.example.key for outcome in self.in_scope)
        right = Counter(outcome.example.key for outcome in self.in_scope if outcome.place == 0)
        return {key: right[key] / times for key, times in sorted(asked.items())}

    def confused(self) -> list[tuple[str, str, int]]:
        """(asked, taken for, times), the most frequent first."""
        pairs = Counter(
            (outcome.example.key, outcome.ranking.guesses[0].key)
            for outcome in self.in_scope
            if outcome.ranking.guesses and outcome.place != 0
        )
        return [(asked, taken, times) for (asked, taken), times in pairs.most_common()]


def judge(classifier: Classifier, examples: Iterable[Example], thresholds: Thresholds = THRESHOLDS) -> Report:
    """Ask the classifier each question; questions with the key ``out_of_scope`` should not be answered."""
    outcomes = []
    for example in examples:
        ranking = classifier.predict(example.text)
        outcomes.append(Outcome(example, ranking, decide(ranking, thresholds)))
    return Report(tuple(outcomes))


def cross_validate(examples: Sequence[Example], folds: int = 5, thresholds: Thresholds = THRESHOLDS) -> Report:
    """Ask each wording of a classifier that did not learn it; every key is spread evenly over the folds."""
    outcomes: list[Outcome] = []
    for held, kept in split(examples, folds):
        outcomes += judge(Classifier.fit(kept), held, thresholds).outcomes
    return Report(tuple(outcomes))


def split(examples: Sequence[Example], folds: int) -> list[tuple[list[Example], list[Example]]]:
    """(held out, kept) for each fold, the wordings of a key dealt out in turn."""
    dealt: Counter[str] = Counter()
    places = []
    for example in examples:
        places.append(dealt[example.key] % folds)
        dealt[example.key] += 1
    return [
        (
            [example for example, place in zip(examples, places, strict=True) if place == fold],
            [example for example, place in zip(examples, places, strict=True) if place != fold],
        )
        for fold in range(folds)
    ]


def _share(marks: Iterable[bool]) -> float:
    counted = list(marks)
    return sum(counted) / len(counted) if counted else 0.0
