"""N-grams are weighed as TF-IDF weighs them elsewhere."""

import math

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.nlu.vectors import Vocabulary, grams

TEXTS = ["身份证丢了怎么办", "身份证到期怎么换", "居住证怎么办理", "居居居"]


def test_grams_are_characters_and_neighbours() -> None:
    assert grams("居住证") == ["居", "住", "证", "居住", "住证"]
    assert grams("") == []


def test_the_weights_are_those_of_scikit_learn() -> None:
    reference = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    table = reference.fit_transform(TEXTS).toarray()
    vocabulary = Vocabulary.learn(TEXTS)
    for text, row in zip(TEXTS, table, strict=True):
        places, weights = vocabulary.weigh(text)
        found = {vocabulary.grams[place]: weight for place, weight in zip(places, weights, strict=True)}
        expected = {gram: row[place] for gram, place in reference.vocabulary_.items() if row[place]}
        assert found == pytest.approx(expected, abs=1e-6)


def test_an_unknown_text_weighs_nothing() -> None:
    places, weights = Vocabulary.learn(TEXTS).weigh("猫狗")
    assert len(places) == len(weights) == 0


def test_a_character_never_seen_weighs_as_the_rarest() -> None:
    vocabulary = Vocabulary.learn(TEXTS)
    assert vocabulary.weight_of("猫") == vocabulary.rarest
    assert vocabulary.rarest == pytest.approx(math.log(5 / 2) + 1)
    assert vocabulary.weight_of("证") < vocabulary.rarest
    assert vocabulary.idf.dtype == np.float32
