"""What Rasa sends back decides as the embedded engine would."""

from typing import Any

import pytest

from bot.nlu.classifier import Classifier, Example
from bot.nlu.ranking import OUT_OF_SCOPE, THRESHOLDS, Guess, Ranking, decide
from bot.nlu.wire import FAQ, faq_key, faq_label, from_parse, to_parse
from tests.bot.nlu.questions import demo_examples, held_out, out_of_scope

TALK = {"greet", "thanks", "goodbye", "human_handoff", "bot_identity", "dissatisfied"}
MIXED = Ranking((Guess("faq/a", 0.9), Guess("greet", 0.3), Guess("faq/b", 0.3), Guess("thanks", 0.1)), foreign=False)


@pytest.fixture(scope="module")
def labelled() -> Classifier:
    return Classifier.fit(Example(text, key if key in TALK else faq_label(key)) for text, key in demo_examples())


def _after_fallback(parse: dict[str, Any]) -> dict[str, Any]:
    """What Rasa 3.6's FallbackClassifier makes of a parse result (rasa/nlu/classifiers/fallback_classifier.py)."""
    ranking = parse["intent_ranking"]
    close = len(ranking) > 1 and abs(ranking[0]["confidence"] - ranking[1]["confidence"]) < THRESHOLDS.gap
    if parse["intent"]["confidence"] >= THRESHOLDS.hi and not close:
        return parse
    fallback = {"name": "nlu_fallback", "confidence": THRESHOLDS.hi}
    return {**parse, "intent": fallback, "intent_ranking": [fallback, *ranking]}


def test_a_label_holds_its_key() -> None:
    assert faq_key(faq_label("a_1")) == "a_1"
    assert faq_key("greet") is None
    assert faq_key("form/a") is None
    assert faq_key(FAQ) is None


def test_a_ranking_survives_the_journey() -> None:
    assert from_parse(to_parse(MIXED)) == MIXED
    assert from_parse(_after_fallback(to_parse(MIXED))) == MIXED


@pytest.mark.parametrize("ranking", [Ranking((), foreign=True), Ranking((Guess("greet", 0.2),), foreign=True)])
def test_what_belongs_elsewhere_is_an_intent_of_its_own(ranking: Ranking) -> None:
    parse = to_parse(ranking)
    assert parse["intent"] == {"name": OUT_OF_SCOPE, "confidence": 1 - ranking.confidence}
    assert from_parse(parse) == ranking


def test_the_base_intent_carries_the_questions_confidence() -> None:
    parse = to_parse(MIXED)
    assert parse["intent"] == {"name": "faq", "confidence": 0.9}
    assert [entry["name"] for entry in parse["intent_ranking"]] == ["faq", "greet", "faq", "thanks"]
    selected = parse["response_selector"]["faq"]
    assert selected["response"]["utter_action"] == "utter_faq/a"
    assert [entry["intent_response_key"] for entry in selected["ranking"]] == ["faq/a", "faq/b"]


def test_without_questions_nothing_is_selected() -> None:
    assert "response_selector" not in to_parse(Ranking((Guess("greet", 0.9),), foreign=False))


def test_a_stock_pipelines_question_is_no_surer_than_either_of_its_parts() -> None:
    parse = {
        "intent": {"name": "faq", "confidence": 0.98},
        "intent_ranking": [{"name": "faq", "confidence": 0.98}, {"name": "greet", "confidence": 0.02}],
        "response_selector": {
            "faq": {
                "ranking": [
                    {"intent_response_key": "faq/a", "confidence": 0.7},
                    {"intent_response_key": "faq/b", "confidence": 0.2},
                ]
            }
        },
    }
    assert from_parse(parse) == Ranking((Guess("faq/a", 0.7), Guess("faq/b", 0.2), Guess("greet", 0.02)), foreign=False)


def test_an_empty_parse_is_foreign() -> None:
    assert from_parse({"intent": {"name": None, "confidence": 0.0}, "intent_ranking": []}).foreign


def test_both_engines_decide_alike(labelled: Classifier) -> None:
    for example in (*held_out(), *out_of_scope("oos_test.tsv")):
        ranking = labelled.predict(example.text)
        parse = _after_fallback(to_parse(ranking))
        assert from_parse(parse) == ranking
        answered = decide(ranking).kind == "answer"
        assert answered == (parse["intent"]["name"] not in {"nlu_fallback", OUT_OF_SCOPE})
