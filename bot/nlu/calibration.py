"""Finds the coefficients behind every confidence, from questions whose answer is known or known not to be there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bot.nlu.background import default_background, foreign_texts
from bot.nlu.classifier import Classifier, Example
from bot.nlu.confidence import Coefficients, Evidence
from bot.nlu.evaluation import split
from bot.nlu.text import default_lexicon

FOLDS = 5

Source = Literal["known", "left out", "background"]

SHARES: dict[Source, float] = {"known": 1.0, "left out": 0.25, "background": 0.5}
"""How much each source weighs beside the questions whose answer the classifier knows.

A question left out is nearly always a neighbour of one that stayed (a lost card, an expired card), harder than
what citizens ask beyond the office's questions; so it weighs less than the background.
"""


@dataclass(frozen=True)
class Trial:
    """A question the classifier had not seen: its evidence, whether the best key was right, where it is from."""

    evidence: Evidence
    right: bool
    source: Source


def fit_coefficients(examples: Sequence[Example]) -> Coefficients:
    """Fit the logistic function of `confidence` to what happens to unseen questions of this office."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - only learning pays for it

    trials = gather(examples)
    table = np.array([[t.evidence.lead, t.evidence.foreign, t.evidence.coverage] for t in trials])
    sizes = {source: sum(t.source == source for t in trials) for source in SHARES}
    weights = [SHARES[t.source] * sizes["known"] / sizes[t.source] for t in trials]
    model = LogisticRegression(max_iter=1000).fit(table, [t.right for t in trials], sample_weight=weights)
    lead, foreign, covered = (float(value) for value in model.coef_[0])
    return Coefficients(lead, foreign, covered, float(model.intercept_[0]))


def gather(examples: Sequence[Example]) -> list[Trial]:
    """Try unseen wordings, wordings of keys the classifier never learned, and background it never learned."""
    keys = sorted({example.key for example in examples})
    background = default_background()
    trials: list[Trial] = []
    for fold, (held, kept) in enumerate(split(examples, FOLDS)):
        absent = set(keys[fold::FOLDS])
        strange = background[fold::FOLDS]
        classifier = Classifier.fit(
            [example for example in kept if example.key not in absent],
            background=[pair for place, pair in enumerate(background) if place % FOLDS != fold],
        )
        trials += (_try(classifier, example, "left out" if example.key in absent else "known") for example in held)
        texts = foreign_texts(strange, [[example.text] for example in kept], default_lexicon())
        trials += (_try(classifier, Example(text, ""), "background") for text in texts)
    return trials


def _try(classifier: Classifier, example: Example, source: Source) -> Trial:
    key, evidence = classifier.weigh(example.text)[0]
    return Trial(evidence, key == example.key, source)
