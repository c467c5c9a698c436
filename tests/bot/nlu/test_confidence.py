"""Confidence rises with what speaks for an answer and falls with what speaks against it."""

import pytest

from bot.nlu.calibration import fit_coefficients, gather
from bot.nlu.confidence import COEFFICIENTS, Coefficients, Evidence, confidence, coverage
from bot.nlu.vectors import Vocabulary
from tests.bot.nlu.questions import demo_examples

PLAIN = Evidence(lead=0.4, margin=-0.2, foreign=-0.8, coverage=0.9)


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        (Evidence(0.8, -0.2, -0.8, 0.9), PLAIN),
        (Evidence(0.4, -0.2, -1.2, 0.9), PLAIN),
        (Evidence(0.4, -0.2, -0.8, 1.0), PLAIN),
    ],
)
def test_confidence_follows_the_evidence(stronger: Evidence, weaker: Evidence) -> None:
    assert 0 < confidence(weaker) < confidence(stronger) < 1


def test_extreme_evidence_stays_between_none_and_all() -> None:
    steep = Coefficients(lead=1e6, foreign=0, coverage=0, constant=0)
    assert confidence(Evidence(1, 0, 0, 1), steep) == pytest.approx(1)
    assert confidence(Evidence(-1, 0, 0, 1), steep) == pytest.approx(0)


def test_coverage_is_the_weighed_share_of_known_characters() -> None:
    vocabulary = Vocabulary.learn(["证", "证件", "证书"])
    assert coverage("证件", frozenset("证件"), vocabulary) == 1
    assert coverage("证件", frozenset("书"), vocabulary) == 0
    assert coverage("", frozenset("证"), vocabulary) == 0
    common = coverage("证件", frozenset("证"), vocabulary)
    rare = coverage("证件", frozenset("件"), vocabulary)
    assert 0 < common < rare < 1


def test_what_beats_every_answer_belongs_elsewhere() -> None:
    assert Evidence(0.1, margin=-0.5, foreign=0.2, coverage=1).belongs_elsewhere
    assert not PLAIN.belongs_elsewhere


def test_the_shipped_coefficients_are_those_the_demo_office_gives() -> None:
    fitted = fit_coefficients(demo_examples())
    assert fitted.lead == pytest.approx(COEFFICIENTS.lead, abs=0.4)
    assert fitted.foreign == pytest.approx(COEFFICIENTS.foreign, abs=0.4)
    assert fitted.coverage == pytest.approx(COEFFICIENTS.coverage, abs=0.4)
    assert fitted.constant == pytest.approx(COEFFICIENTS.constant, abs=0.4)


def test_trials_come_from_known_absent_and_foreign_questions() -> None:
    few = [example for example in demo_examples() if example.key < "c"]
    trials = gather(few)
    assert {trial.source for trial in trials} == {"known", "left out", "background"}
    assert not any(trial.right for trial in trials if trial.source != "known")
    assert any(trial.right for trial in trials if trial.source == "known")
