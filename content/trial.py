"""Tries the site's search on anybody's documents and questions: the same index, the same order, the passage shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from content.search_index import Index, Speak
from content.search_passages import passage

MOST_RANKED = 10
PASSAGE = 160


@dataclass(frozen=True)
class Document:
    """One document: its key, its title, its text."""

    key: str
    title: str
    body: str


@dataclass(frozen=True)
class Ranked:
    """A document found, with the passage a reader is shown."""

    key: str
    score: float
    passage: str


@dataclass(frozen=True)
class Searched:
    """What the search found for one question; `expected` is empty where nothing answers it."""

    question: str
    expected: str
    ranked: tuple[Ranked, ...]

    def as_json(self) -> dict[str, Any]:
        """The same for a file."""
        ranked = [{"key": one.key, "score": round(one.score, 6), "passage": one.passage} for one in self.ranked]
        return {"question": self.question, "expected": self.expected, "ranked": ranked}


class Trial:
    """The search with these documents as its only content."""

    def __init__(self, documents: Sequence[Document], officially: Speak | None = None) -> None:
        self._documents = list(documents)
        self._index = Index(officially)
        for place, document in enumerate(self._documents):
            self._index.add(place, "policy", document.title, "", document.body)

    def ask(self, expected: str, question: str) -> Searched:
        """The documents for a question, the best first."""
        hits = self._index.find(question, share=0.0)[:MOST_RANKED]
        ranked = [self._ranked(question, hit.key, hit.score) for hit in hits]
        return Searched(question, expected, tuple(ranked))

    def _ranked(self, question: str, place: int, score: float) -> Ranked:
        document = self._documents[place]
        return Ranked(document.key, score, passage(document.body or document.title, question, PASSAGE))


def recall(searched: Iterable[Searched], depth: int) -> float:
    """The share of questions with an answer whose document is among the first `depth`."""
    rows = [row for row in searched if row.expected]
    found = sum(row.expected in [one.key for one in row.ranked[:depth]] for row in rows)
    return found / len(rows) if rows else 0.0


def read_documents(files: Mapping[str, str]) -> list[Document]:
    """Documents out of files, name without ending -> text; the first line is the title."""
    documents = []
    for key, text in sorted(files.items()):
        title, _break, body = text.lstrip("\ufeff").partition("\n")
        documents.append(Document(key, title.strip(), body.strip()))
    return documents
