"""Of a long text what answers a query: the part that holds most of it."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape, unescape

from content.kinds import kind_of
from content.models import PublicPiece, Revision
from content.sanitise import plain
from content.search_grams import asked_words, characters, is_character, query_grams
from content.standing import fields_now

# An excerpt begins so many characters before what was found, where no sentence begins there.
_BEFORE = 20


def excerpt(text: str, query: str, width: int = 110) -> str:
    """The part of a text that holds most of the query, as HTML with `<mark>` around what was found."""
    text = " ".join(text.split())
    small = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
    wanted = set(query_grams(query))
    spans = sorted(set(_spans(small, wanted)))
    # Characters point at the place too, but are not marked: alone they are everywhere.
    points = sorted({*spans, *_spans(small, characters(asked_words(query), 1.0))})
    if not points:
        return escape(text[:width]) + ("…" if len(text) > width else "")
    start = _sentence(text, _best(small, points, width), width)
    end = min(len(text), start + width)
    parts, at = ["…" if start else ""], start
    for first, last in _merged(spans):
        first, last = max(first, start), min(last, end)  # noqa: PLW2901  # What the edge cuts is marked as far as it shows.
        if first >= last:
            continue
        parts += [escape(text[at:first]), "<mark>", escape(text[first:last]), "</mark>"]
        at = last
    return "".join([*parts, escape(text[at:end]), "…" if end < len(text) else ""])


def passage(text: str, query: str, width: int) -> str:
    """The same part as plain text."""
    return unescape(re.sub("</?mark>", "", excerpt(text, query, width)))


def readable(revision: Revision, row: PublicPiece) -> str:
    """The text of a public revision for an excerpt: its summary and body, then what the kind prints of its fields.

    What a kind leaves out of its article is for finding it, not for reading: a question's other wordings are no answer.
    """
    of = kind_of(row.kind)
    unread = {name for name, words in of.printed(revision.fields).items() if not words}
    fields = {name: value for name, value in fields_now(row, revision.fields).items() if name not in unread}
    return "\n".join(part for part in (revision.summary, plain(revision.body), of.told(fields)) if part)


def _best(small: str, points: Sequence[tuple[int, int]], width: int) -> int:
    """Where the stretch begins that holds most different grams; those found seldom in this text say more."""
    often = Counter(small[first:last] for first, last in points)
    inside: Counter[str] = Counter()
    best, most, worth, left = points[0][0], 0.0, 0.0, 0
    for place, (first, last) in enumerate(points):
        gram = small[first:last]
        if not inside[gram]:
            worth += _worth(gram, often[gram])
        inside[gram] += 1
        while left < place and points[left][0] < last - width + _BEFORE:
            gone = small[points[left][0] : points[left][1]]
            inside[gone] -= 1
            if not inside[gone]:
                worth -= _worth(gone, often[gone])
            left += 1
        if worth > most + 1e-9:
            best, most = points[left][0], worth
    return best


def _worth(gram: str, often: int) -> float:
    return (1.0 if is_character(gram) else 2.0) / math.sqrt(often)


def _sentence(text: str, at: int, width: int) -> int:
    """Where an excerpt begins: with the sentence when that began shortly before, else some characters earlier."""
    nearest = max((text.rfind(mark, max(0, at - width // 3), at) for mark in "。；！？"), default=-1)
    return nearest + 1 if nearest >= 0 else max(0, at - _BEFORE)


def _spans(small: str, wanted: Iterable[str]) -> Iterator[tuple[int, int]]:
    for gram in wanted:
        at, found = small.find(gram), 0
        while at >= 0 and found < 50:
            yield at, at + len(gram)
            at, found = small.find(gram, at + 1), found + 1


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
