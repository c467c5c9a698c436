"""An inverted index in memory, ranked by BM25.

A pair says more than two characters do, but people seldom ask in the words of the text: the characters find what the
pairs miss. A query is also read in the office's own words, where it knows them (how well that does: docs/why/0024).
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from content.public_files import LONGEST_TEXT
from content.search_grams import all_grams, asked_words, characters, grams, is_character, normal, query_grams, words_of

MOST_GRAMS = 64

_K1, _B = 2.0, 0.6
_TITLE, _EXTRA = 3, 1
# A character is less telling than a pair that is as rare, and what the office calls it less than what was asked.
_CHARACTER, _FLATTENED, _OFFICIAL = 1.5, 0.7, 0.4
_MOST_OFTEN = 255
# A hit has at least this share of what the query asks for, by how telling each pair is; below that it is a guess.
SURE, GUESS = 0.5, 0.2

Speak = Callable[[str], str]


@dataclass(frozen=True)
class Hit:
    """A text that answers a query; `share` (0 to 1) is how much of the query it holds."""

    key: int
    kind: str
    score: float
    share: float


class Index:
    """An inverted index in memory. It is not safe for threads by itself; `Searcher` holds a lock around it.

    `officially` says a word of a query as the office would write it.
    """

    def __init__(self, officially: Speak | None = None) -> None:
        self._officially = officially
        self._postings: dict[str, tuple[array[int], array[int]]] = {}
        self._keys: array[int] = array("q")
        self._lengths: array[float] = array("f")
        self._live: array[int] = array("b")
        self._kinds: list[str] = []
        self._titles: list[str] = []
        self._places: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def add(self, key: int, kind: str, title: str, extra: str, body: str) -> None:
        """Takes a text in; `extra` are keywords and the kind's own fields. A key that is there is replaced."""
        self.remove(key)
        place = len(self._keys)
        counts: Counter[str] = Counter()
        for text, weight in ((title, _TITLE), (extra, _EXTRA), (body, 1)):
            for gram in all_grams(text[:LONGEST_TEXT]):
                counts[gram] += weight
        for gram, count in counts.items():
            places, weights = self._postings.setdefault(gram, (array("I"), array("B")))
            places.append(place)
            weights.append(min(count, _MOST_OFTEN))
        self._keys.append(key)
        self._lengths.append(float(sum(counts.values())))
        self._live.append(1)
        self._kinds.append(kind)
        self._titles.append(normal(title))
        self._places[key] = place

    def remove(self, key: int) -> None:
        """Takes a text out; its postings are dropped when a third of all are dead."""
        place = self._places.pop(key, None)
        if place is not None:
            self._live[place] = 0

    @property
    def worn(self) -> bool:
        """Whether so many texts were taken out that the index should be made anew."""
        return len(self._keys) > 100 and len(self._places) < len(self._keys) * 2 // 3

    def find(self, query: str, share: float = SURE) -> list[Hit]:
        """The texts that hold at least this share of the query's words, the best first; 0 for all that hold any."""
        asked = self._asked(query)
        if not asked.weights or not self._places:
            return []
        scores = self._scores(asked.weights)
        shares = np.maximum.reduce([self._shares(grams) for grams in asked.readings])
        live = np.frombuffer(self._live, dtype=np.int8).astype(bool)
        phrase = normal(query)
        hits = [
            Hit(
                self._keys[place],
                self._kinds[place],
                float(scores[place]) * (2.0 if phrase in self._titles[place] else 1.0),
                float(shares[place]),
            )
            for place in np.flatnonzero(live & (shares >= share) & (scores > 0)).tolist()
        ]
        return sorted(hits, key=lambda hit: (-hit.score, -hit.key))

    def _asked(self, query: str) -> _Asked:
        spoken = list(dict.fromkeys(query_grams(query)))[:MOST_GRAMS]
        weights = dict.fromkeys(spoken, 1.0) | characters(asked_words(query), 1.0)
        readings = [spoken]
        if self._officially is not None:
            official = " ".join(self._officially(word) for word in words_of(asked_words(query)))
            said = list(dict.fromkeys(grams(official)))[:MOST_GRAMS]
            if said != spoken:
                readings.append(said)
                weights = dict.fromkeys(said, _OFFICIAL) | characters(official, _OFFICIAL) | weights
        return _Asked(weights, [reading for reading in readings if reading])

    def _scores(self, weights: Mapping[str, float]) -> npt.NDArray[np.float64]:
        lengths = np.frombuffer(self._lengths, dtype=np.float32)
        live = np.frombuffer(self._live, dtype=np.int8).astype(bool)
        norm = _K1 * (1 - _B + _B * lengths / max(1.0, float(lengths[live].mean())))
        scores = np.zeros(len(self._keys))
        for gram, weight in weights.items():
            at, counted = self._posted(gram)
            often = counted.astype(np.float64)
            telling = self._telling(gram)
            if is_character(gram):
                telling = _CHARACTER * telling**_FLATTENED
            scores[at] += weight * telling * often * (_K1 + 1) / (often + norm[at])
        return scores

    def _shares(self, wanted: Sequence[str]) -> npt.NDArray[np.float64]:
        """How much of these each text holds, by how telling each is."""
        shares, total = np.zeros(len(self._keys)), 0.0
        for gram in wanted:
            at, _counted = self._posted(gram)
            telling = self._telling(gram)
            # A pair that is nowhere is mostly one that spans two words; it weighs half.
            total += telling if len(at) else telling / 2
            shares[at] += telling
        return shares / total

    def _posted(self, gram: str) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
        places, weights = self._postings.get(gram, _NOTHING)
        return np.frombuffer(places, dtype=np.uint32), np.frombuffer(weights, dtype=np.uint8)

    def _telling(self, gram: str) -> float:
        at, _counted = self._posted(gram)
        known = len(at)
        if len(self._places) < len(self._keys):
            known = int(np.frombuffer(self._live, dtype=np.int8)[at].sum())
        return math.log(1 + (len(self._places) - known + 0.5) / (known + 0.5))


@dataclass(frozen=True)
class _Asked:
    """A query as it is looked up: what counts how much, and the readings of which a text may hold a share."""

    weights: Mapping[str, float]
    readings: Sequence[Sequence[str]]


_NOTHING: tuple[array[int], array[int]] = (array("I"), array("B"))
