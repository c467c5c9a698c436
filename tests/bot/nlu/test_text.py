"""What a citizen types becomes the one form the classifier reads."""

from pathlib import Path

import pytest

from bot.nlu import text as text_module
from bot.nlu.text import MAX_CHARS, Lexicon, default_lexicon, normalise, read_pairs

NOTHING = Lexicon([])
FOLDER = Path(text_module.__file__).parent


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("ＡＰＰ打不开！", "app打不开"),
        ("  身份证 丢了？？ ", "身份证丢了"),
        ("身份證遺失", "身份证遗失"),
        ("我要辦護照", "我要办护照"),
        ("乾燥", "干燥"),
        ("①②", "12"),
        ("😀。。。\n", ""),
        ("\x00/greet{}", "greet"),
        ("", ""),
    ],
)
def test_width_case_punctuation_and_traditional_characters_fold(typed: str, read: str) -> None:
    assert normalise(typed, NOTHING) == read


def test_only_the_first_characters_are_read() -> None:
    assert len(normalise("证" * 100_000, NOTHING)) == MAX_CHARS


def test_a_lone_surrogate_is_dropped() -> None:
    assert normalise("证\ud800", NOTHING) == "证"


def test_the_longest_spoken_word_wins() -> None:
    lexicon = Lexicon([("房", "屋"), ("房本", "房产证")])
    assert lexicon.apply("房本和房") == "房产证和屋"


def test_a_replacement_is_not_looked_up_again() -> None:
    lexicon = Lexicon([("咋", "怎么"), ("怎么", "如何")])
    assert lexicon.apply("咋办") == "怎么办"


def test_a_word_written_as_itself_is_shielded() -> None:
    lexicon = Lexicon([("上户", "上户口"), ("上户口", "上户口")])
    assert lexicon.apply("上户口还是上户") == "上户口还是上户口"


def test_the_lexicon_reads_the_folded_text() -> None:
    assert normalise("娃兒", Lexicon([("娃儿", "孩子")])) == "孩子"


@pytest.mark.parametrize(
    ("spoken", "official"),
    [("扯证", "领结婚证"), ("房本", "房产证"), ("咋整", "怎么办"), ("礼拜六", "周六"), ("暂住证", "居住证")],
)
def test_the_shipped_lexicon_speaks_officially(spoken: str, official: str) -> None:
    assert normalise(spoken, default_lexicon()) == official


def test_the_shipped_lexicon_has_no_word_twice() -> None:
    spoken = [left for left, _ in read_pairs(FOLDER / "lexicon.tsv")]
    assert len(spoken) == len(set(spoken)) > 250


def test_the_table_of_characters_maps_one_to_one_step() -> None:
    table = read_pairs(FOLDER / "traditional.tsv")
    traditional = {left for left, _ in table}
    assert len(traditional) == len(table) > 900
    assert all(len(left) == len(right) == 1 for left, right in table)
    assert traditional.isdisjoint(right for _, right in table)
