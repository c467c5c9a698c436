"""What citizens would get: measured on questions that nothing was learned or tuned on."""

from collections import Counter

import pytest

from bot.nlu.classifier import Classifier, Example
from bot.nlu.evaluation import cross_validate, judge, split
from bot.nlu.ranking import OUT_OF_SCOPE, THRESHOLDS, Thresholds
from bot.nlu.text import default_lexicon, normalise
from tests.bot.nlu.questions import demo_answers, demo_examples, held_out, out_of_scope


def test_nothing_the_tests_ask_was_learned() -> None:
    lexicon = default_lexicon()
    asked = {
        normalise(example.text, lexicon) for example in (*out_of_scope("oos_test.tsv"), *out_of_scope("oos_dev.tsv"))
    }
    assert asked.isdisjoint(normalise(example.text, lexicon) for example in demo_examples())
    assert {e.text for e in held_out()}.isdisjoint(e.text for e in demo_examples())


def test_held_out_questions_find_their_answer(demo_classifier: Classifier) -> None:
    report = judge(demo_classifier, held_out())
    assert len(report.in_scope) == 288
    assert report.top1 >= 0.90
    assert report.top3 >= 0.95
    assert report.answered_right >= 0.78
    assert report.answered_wrong <= 0.05


def test_with_few_wordings_the_answers_find_more() -> None:
    taken: Counter[str] = Counter()
    few = []
    for example in demo_examples():
        taken[example.key] += 1
        few += [example] if taken[example.key] <= 2 else []
    without = judge(Classifier.fit(few), held_out())
    with_answers = judge(Classifier.fit([*few, *demo_answers()]), held_out())
    assert with_answers.top1 >= without.top1 + 0.02
    assert with_answers.top3 >= without.top3 + 0.02
    assert with_answers.answered_wrong <= 0.02


@pytest.mark.parametrize(("kind", "floor"), [("far", 0.98), ("near", 0.85), ("junk", 0.8)])
def test_questions_out_of_scope_are_not_answered(demo_classifier: Classifier, kind: str, floor: float) -> None:
    report = judge(demo_classifier, out_of_scope("oos_test.tsv", kind))
    assert len(report.foreign) >= 10
    assert report.refused_foreign >= floor


def test_the_thresholds_hold_where_they_were_chosen(demo_classifier: Classifier) -> None:
    report = cross_validate(demo_examples())
    assert report.top1 >= 0.85
    assert report.answered_right >= 0.74
    assert report.answered_wrong <= 0.045
    assert judge(demo_classifier, out_of_scope("oos_dev.tsv")).refused_foreign >= 0.9


def test_folds_deal_out_every_key() -> None:
    examples = [Example(f"{key}{number}", key) for key in ("a", "b") for number in range(7)]
    folds = split(examples, 3)
    assert sorted(example for held, _ in folds for example in held) == sorted(examples)
    for held, kept in folds:
        assert set(held).isdisjoint(kept)
        assert {example.key for example in held} == {example.key for example in kept} == {"a", "b"}


def test_a_report_counts_what_the_citizen_got(demo_classifier: Classifier) -> None:
    asked = [
        Example("身份证丢了怎么补办", "idcard_lost"),
        Example("身份证丢了怎么补办", "passport_apply"),
        Example("今天天气怎么样", OUT_OF_SCOPE),
        Example("身份证丢了怎么补办", OUT_OF_SCOPE),
    ]
    report = judge(demo_classifier, asked)
    assert (report.top1, report.top3) == (0.5, 0.5)
    assert (report.answered_right, report.answered_wrong, report.suggested) == (0.5, 0.5, 0)
    assert report.refused_foreign == 0.5
    assert report.accuracy_by_key() == {"idcard_lost": 1, "passport_apply": 0}
    assert report.confused() == [("passport_apply", "idcard_lost", 1)]


def test_stricter_thresholds_answer_less(demo_classifier: Classifier) -> None:
    strict = judge(demo_classifier, held_out(), Thresholds(hi=0.95, lo=0.9, gap=0.25))
    shipped = judge(demo_classifier, held_out(), THRESHOLDS)
    assert strict.answered_right < shipped.answered_right
    assert strict.answered_wrong <= shipped.answered_wrong
    assert strict.top1 == shipped.top1


def test_an_empty_report_is_zero(demo_classifier: Classifier) -> None:
    report = judge(demo_classifier, [])
    assert (report.top1, report.refused_foreign, report.confused()) == (0, 0, [])
