"""How often the search finds the document that answers, against plain BM25 over pairs of characters."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.figures import Figure, measure
from bot.nlu.text import officially
from bot.trial import Asked, read_asked
from content.search_grams import grams
from content.trial import Document, Trial, recall

# 600 documents of invented offices and 660 questions as citizens ask them, few in the words of the document.
SET = Path(__file__).parent / "search_set"


@measure("search.recall")
def search_recall() -> Iterator[Figure]:
    """The share of questions whose document comes first, and among the first five."""
    documents, asked = read()
    ours, plain = Trial(documents, officially), _Plain(documents)
    searched = [ours.ask(one.key, one.text) for one in asked]
    found = [(one.key, plain.ranked(one.text)) for one in asked]
    for depth in (1, 5):
        share = recall(searched, depth)
        other = sum(key in ranked[:depth] for key, ranked in found) / len(found)
        against = f"plain BM25 over pairs: {other:.3f}"
        yield Figure(f"search.recall_at_{depth}", round(share, 3), "share", against, round(share / other, 2))


def read() -> tuple[list[Document], list[Asked]]:
    """The documents and the questions of the set."""
    lines = (SET / "documents.jsonl").read_text("utf-8").splitlines()
    documents = [Document(one["key"], one["title"], one["body"]) for one in map(json.loads, lines)]
    return documents, list(read_asked((SET / "questions.tsv").read_text("utf-8"), "questions.tsv"))


class _Plain:
    """BM25 as textbooks have it (k1 1.5, b 0.75) over pairs of characters, titles and bodies alike."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._keys = [one.key for one in documents]
        counts = [Counter(grams(f"{one.title}\n{one.body}")) for one in documents]
        self._lengths = [counted.total() for counted in counts]
        self._postings: dict[str, dict[int, int]] = defaultdict(dict)
        for place, counted in enumerate(counts):
            for gram, often in counted.items():
                self._postings[gram][place] = often

    def ranked(self, question: str) -> list[str]:
        """The keys of the best five."""
        mean = sum(self._lengths) / len(self._lengths)
        scores: Counter[int] = Counter()
        for gram in grams(question):
            posted = self._postings.get(gram, {})
            telling = math.log(1 + (len(self._keys) - len(posted) + 0.5) / (len(posted) + 0.5))
            for place, often in posted.items():
                norm = 1.5 * (0.25 + 0.75 * self._lengths[place] / mean)
                scores[place] += telling * often * 2.5 / (often + norm)  # type: ignore[assignment]  # Counted in floats.
        return [self._keys[place] for place, _score in scores.most_common(5)]
