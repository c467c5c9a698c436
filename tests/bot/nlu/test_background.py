"""The background teaches what to refuse and gives way to the office's own questions."""

from bot.nlu.background import default_background, foreign_texts
from bot.nlu.text import default_lexicon
from tests.bot.nlu.questions import held_out, out_of_scope

BACKGROUND = [("matter", "电影放映许可"), ("far", "今天天气怎么样")]


def test_matters_are_asked_in_two_ways_and_remarks_as_they_are() -> None:
    texts = foreign_texts(BACKGROUND, [], default_lexicon())
    assert len(texts) == 3
    assert all("电影放映许可" in text for text in texts[:2])
    assert texts[2] == "今天天气怎么样"


def test_a_matter_the_office_writes_about_is_left_out() -> None:
    texts = foreign_texts(BACKGROUND, [["电影院放映许可证怎么办", "放电影要批吗"]], default_lexicon())
    assert texts == ["今天天气怎么样"]


def test_a_matter_that_only_sounds_alike_stays() -> None:
    texts = foreign_texts([("matter", "药品经营许可")], [["食品经营许可证怎么办"]], default_lexicon())
    assert len(texts) == 2


def test_the_shipped_background_is_large_and_of_two_kinds() -> None:
    kinds = [kind for kind, _ in default_background()]
    assert set(kinds) == {"matter", "far"}
    assert kinds.count("matter") > 250
    assert kinds.count("far") > 80


def test_the_shipped_background_holds_no_sentence_the_tests_ask() -> None:
    asked = {example.text for example in (*held_out(), *out_of_scope("oos_test.tsv"), *out_of_scope("oos_dev.tsv"))}
    assert asked.isdisjoint(phrase for _, phrase in default_background())
