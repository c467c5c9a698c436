"""The search over our own set of documents finds more of what citizens ask than pairs of characters alone do."""

from __future__ import annotations

from bench.search import read, search_recall
from bot.nlu.text import officially
from content.trial import Trial


def test_every_question_has_its_document() -> None:
    documents, asked = read()
    keys = {one.key for one in documents}
    assert (len(documents), len(keys), len(asked)) == (600, 600, 660)
    assert {one.key for one in asked} == keys
    assert all(one.title and one.body for one in documents)


def test_it_is_clearly_better_than_pairs_alone() -> None:
    first, among_five = search_recall()
    assert first.value >= 0.58
    assert among_five.value >= 0.80
    assert first.ratio is not None
    assert first.ratio >= 1.3


def test_what_nobody_wrote_of_is_ranked_without_a_fault() -> None:
    documents, _asked = read()
    trial = Trial(documents[:50], officially)
    assert trial.ask("", "<script>").ranked == ()
    assert trial.ask("", "繁體字的醫療費報銷").ranked[0].score > 0
