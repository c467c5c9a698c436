"""Texts and queries as search compares them: characters, overlapping pairs of characters, and whole Latin words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LONGEST_QUERY = 100

_WORDS = re.compile(r"[a-z0-9]+|[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+")
# Words of asking, which say nothing about what is asked for.
_ASKING = re.compile(
    "请问|想问|问一下|麻烦|你好|您好|谢谢|我想|怎么样|怎么|怎样|咋样|咋|如何|哪里|在哪|哪儿|什么时候|什么|啥时候|啥|多少|是不是|是否|"
    "能不能|可不可以|可以|有没有|吗|呢|吧|的|我"
)
# Characters that say nothing alone, and much within a word.
_HOLLOW = frozenset("了你那这去得要个啊呀就还都也在到给把被让")


def normal(text: str) -> str:
    """The text as it is compared: full-width letters and digits as plain ones, small letters, no spaces."""
    return "".join(words_of(text))


def grams(text: str) -> Iterator[str]:
    """Latin words and numbers whole, Chinese in overlapping pairs; a single character stands for itself."""
    for word in words_of(text):
        if word[0].isascii() or len(word) == 1:
            yield word
        else:
            yield from (word[at : at + 2] for at in range(len(word) - 1))


def query_grams(query: str) -> Iterator[str]:
    """The grams of a query without the words of asking; of those words too when there is nothing else."""
    return grams(asked_words(query))


def asked_words(query: str) -> str:
    """A query without the words of asking, unless there is nothing else in it."""
    kept = _ASKING.sub(" ", query[:LONGEST_QUERY])
    return kept if words_of(kept) else query[:LONGEST_QUERY]


def words_of(text: str) -> list[str]:
    """Latin words and numbers, and what is Chinese between them, as they are compared."""
    return _WORDS.findall(unicodedata.normalize("NFKC", text).lower())


def all_grams(text: str) -> Iterator[str]:
    """The grams of a text and its characters."""
    for word in words_of(text):
        if word[0].isascii() or len(word) == 1:
            yield word
        else:
            yield from word
            yield from (word[at : at + 2] for at in range(len(word) - 1))


def characters(text: str, weight: float) -> dict[str, float]:
    """The Chinese characters of a text that say something alone, each with this weight."""
    return {char: weight for word in words_of(text) if not word[0].isascii() for char in word if char not in _HOLLOW}


def is_character(gram: str) -> bool:
    """Whether this is one Chinese character."""
    return len(gram) == 1 and not gram.isascii()
