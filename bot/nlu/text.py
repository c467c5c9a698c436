"""Turns what a citizen types into the one form the classifier reads."""

import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

MAX_CHARS = 500

_HERE = Path(__file__).parent


class Lexicon:
    """Spoken words and the official ones they stand for, applied in one pass, the longest match first."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.pairs = tuple(sorted({_plain(spoken): _plain(official) for spoken, official in pairs}.items()))
        self._by_first: dict[str, list[tuple[str, str]]] = {}
        for spoken, official in sorted(self.pairs, key=lambda pair: -len(pair[0])):
            if spoken:
                self._by_first.setdefault(spoken[0], []).append((spoken, official))

    def apply(self, text: str) -> str:
        """The text with each spoken word replaced; a replacement is not looked up again."""
        parts: list[str] = []
        at = 0
        while at < len(text):
            spoken, official = self._match(text, at)
            parts.append(official)
            at += len(spoken)
        return "".join(parts)

    def _match(self, text: str, at: int) -> tuple[str, str]:
        for spoken, official in self._by_first.get(text[at], ()):
            if text.startswith(spoken, at):
                return spoken, official
        return text[at], text[at]


def normalise(text: str, lexicon: Lexicon) -> str:
    """Fold width, case and traditional characters, drop punctuation, speak officially.

    Reads the first 500 characters; returns "" for a text without letter, digit or character.
    """
    return lexicon.apply(_plain(text[:MAX_CHARS]))


@cache
def default_lexicon() -> Lexicon:
    """The lexicon that ships with the product."""
    return Lexicon(read_pairs(_HERE / "lexicon.tsv"))


def officially(text: str) -> str:
    """A word or a question as the office would write it, by the lexicon that ships with the product."""
    return normalise(text, default_lexicon())


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """The two columns of a tab-separated file; lines that start with # are remarks."""
    pairs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            left, right = line.split("\t")
            pairs.append((left, right))
    return pairs


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).lower().translate(_simplified())
    return "".join(char for char in folded if char.isalnum())


@cache
def _simplified() -> Mapping[int, str]:
    return str.maketrans(dict(read_pairs(_HERE / "traditional.tsv")))
