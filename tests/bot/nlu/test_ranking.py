"""Sure answers, doubt suggests, strangeness refuses."""

import pytest

from bot.nlu.ranking import THRESHOLDS, Decision, Guess, Ranking, Thresholds, decide

LIMITS = Thresholds(hi=0.5, lo=0.2, gap=0.25)


def _ranking(*confidences: float, foreign: bool = False) -> Ranking:
    return Ranking(tuple(Guess(f"q{place}", value) for place, value in enumerate(confidences)), foreign)


@pytest.mark.parametrize(
    ("ranking", "decision"),
    [
        (_ranking(0.9, 0.1), Decision("answer", ("q0",))),
        (_ranking(0.5, 0.25), Decision("answer", ("q0",))),
        (_ranking(0.5), Decision("answer", ("q0",))),
        (_ranking(0.9, 0.7), Decision("suggest", ("q0", "q1"))),
        (_ranking(0.4, 0.3, 0.2, 0.1), Decision("suggest", ("q0", "q1", "q2"))),
        (_ranking(0.9, 0.1, foreign=True), Decision("suggest", ("q0", "q1"))),
        (_ranking(0.2), Decision("suggest", ("q0",))),
        (_ranking(0.19), Decision("refuse", ())),
        (_ranking(0.1, foreign=True), Decision("refuse", ())),
        (Ranking((), foreign=True), Decision("refuse", ())),
    ],
)
def test_three_ways(ranking: Ranking, decision: Decision) -> None:
    assert decide(ranking, LIMITS) == decision


def test_the_shipped_thresholds_are_in_order() -> None:
    assert 0 < THRESHOLDS.lo < THRESHOLDS.hi < 1
    assert 0 < THRESHOLDS.gap < 1
