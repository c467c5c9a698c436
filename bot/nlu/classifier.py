"""The classifier: a linear SVC over character n-grams, fitted with scikit-learn, answering with numpy alone."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bot.nlu.background import default_background, foreign_texts
from bot.nlu.confidence import Evidence, confidence, coverage
from bot.nlu.errors import NothingToLearn, UnreadableModel
from bot.nlu.ranking import OUT_OF_SCOPE, Guess, Ranking
from bot.nlu.text import Lexicon, default_lexicon, normalise
from bot.nlu.vectors import Vocabulary

FORMAT = 1
DEPTH = 10
"""How many guesses a ranking holds at most."""

_SEED = 7
_PENALTY = 2.0
_NO_BACKGROUND = -1.0


class Example(NamedTuple):
    """A wording and the key of the question it asks; the key ``out_of_scope`` marks what to refuse."""

    text: str
    key: str


@dataclass(frozen=True)
class Classifier:
    """A fitted classifier; make one with `fit` or `load`."""

    keys: tuple[str, ...]
    vocabulary: Vocabulary
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    characters: tuple[frozenset[str], ...]
    lexicon: Lexicon

    @classmethod
    def fit(
        cls,
        examples: Iterable[Example],
        lexicon: Lexicon | None = None,
        background: Sequence[tuple[str, str]] | None = None,
    ) -> "Classifier":
        """Learn from wordings; what is shipped stands in for a lexicon or background not given.

        Raises `NothingToLearn` without a wording in scope, or with one key only and nothing to tell it from.
        """
        lexicon = lexicon or default_lexicon()
        own: dict[str, list[str]] = {}
        for text, key in examples:
            own.setdefault(key, []).append(text)
        foreign = own.pop(OUT_OF_SCOPE, [])
        shipped = default_background() if background is None else background
        foreign += foreign_texts(shipped, own.values(), lexicon)
        # Out of scope comes last, so that answering finds its margin without a search.
        groups = [*sorted(own.items()), (OUT_OF_SCOPE, foreign)]
        normalised = [(key, _normalised(texts, lexicon)) for key, texts in groups]
        taught = {key: texts for key, texts in normalised if texts}
        if len(taught) < 2:
            raise NothingToLearn
        return cls._learn(taught, lexicon)

    @classmethod
    def _learn(cls, taught: dict[str, list[str]], lexicon: Lexicon) -> "Classifier":
        keys = tuple(taught)
        texts = [text for group in taught.values() for text in group]
        labels = [place for place, group in enumerate(taught.values()) for _ in group]
        vocabulary = Vocabulary.learn(texts)
        weights, bias = _separate(vocabulary, texts, labels)
        characters = tuple(frozenset("".join(group)) for group in taught.values())
        return cls(keys, vocabulary, weights, bias, characters, lexicon)

    def predict(self, text: str) -> Ranking:
        """Rank the keys for a citizen's text; a text without any character gives an empty ranking."""
        guesses: list[Guess] = []
        ceiling = 1.0
        weighed = self.weigh(text)
        for key, evidence in weighed:
            ceiling = min(ceiling, confidence(evidence))
            guesses.append(Guess(key, ceiling))
        return Ranking(tuple(guesses), foreign=not weighed or weighed[0][1].belongs_elsewhere)

    def weigh(self, text: str) -> list[tuple[str, Evidence]]:
        """The best keys, the highest margin first, with what speaks for each."""
        plain = normalise(text, self.lexicon)
        if not plain:
            return []
        places, values = self.vocabulary.weigh(plain)
        margins = values @ self.weights[places] + self.bias
        foreign = _NO_BACKGROUND
        if self.keys[-1] == OUT_OF_SCOPE:
            foreign, margins = float(margins[-1]), margins[:-1]
        order = np.argsort(-margins, kind="stable")[:DEPTH]
        best = float(margins[order[0]])
        second = float(margins[order[1]]) if len(order) > 1 else _NO_BACKGROUND
        leads = [best - second] + [float(margins[place]) - best for place in order[1:]]
        return [
            (
                self.keys[place],
                Evidence(
                    lead, float(margins[place]), foreign, coverage(plain, self.characters[place], self.vocabulary)
                ),
            )
            for place, lead in zip(order, leads, strict=True)
        ]

    def save(self, path: Path) -> None:
        """Write everything into one ``.npz`` file of plain arrays."""
        path.write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The same file's bytes."""
        with io.BytesIO() as file:
            np.savez_compressed(
                file,
                format=np.array(FORMAT),
                keys=np.array(self.keys),
                grams=np.array(self.vocabulary.grams),
                idf=self.vocabulary.idf,
                weights=self.weights,
                bias=self.bias,
                characters=np.array(["".join(sorted(group)) for group in self.characters]),
                lexicon=np.array(self.lexicon.pairs, dtype=np.str_).reshape(-1, 2),
            )
            return file.getvalue()

    @classmethod
    def load(cls, path: Path) -> "Classifier":
        """Read what `save` wrote; raises `UnreadableModel` for anything else."""
        return cls._read(path)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Classifier":
        """Read what `to_bytes` gave; raises `UnreadableModel` for anything else."""
        return cls._read(io.BytesIO(stored))

    @classmethod
    def _read(cls, file: Path | io.BytesIO) -> "Classifier":
        try:
            with np.load(file, allow_pickle=False) as stored:
                return cls._from_arrays(stored)
        except (ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile) as error:
            raise UnreadableModel(str(file)) from error

    @classmethod
    def _from_arrays(cls, stored: Any) -> "Classifier":
        if int(stored["format"]) != FORMAT:
            raise ValueError(FORMAT)
        return cls(
            keys=tuple(stored["keys"].tolist()),
            vocabulary=Vocabulary(tuple(stored["grams"].tolist()), stored["idf"]),
            weights=stored["weights"],
            bias=stored["bias"],
            characters=tuple(frozenset(group) for group in stored["characters"].tolist()),
            lexicon=Lexicon((spoken, official) for spoken, official in stored["lexicon"].tolist()),
        )


def _normalised(texts: Iterable[str], lexicon: Lexicon) -> list[str]:
    # Sorted, so that what is learned does not depend on the order in which a host hands the wordings over.
    return sorted({normalise(text, lexicon) for text in texts} - {""})


def _separate(
    vocabulary: Vocabulary, texts: Sequence[str], labels: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Fit one linear boundary per key; returns weights (n-grams by keys) and biases (keys)."""
    # Imported here: answering must not pay for what only learning needs.
    from scipy.sparse import csr_matrix  # noqa: PLC0415
    from sklearn.svm import LinearSVC  # noqa: PLC0415

    rows = [vocabulary.weigh(text) for text in texts]
    starts = np.cumsum([0] + [len(places) for places, _ in rows])
    matrix = csr_matrix(
        (
            np.concatenate([values for _, values in rows]).astype(np.float64),
            np.concatenate([places for places, _ in rows]),
            starts,
        ),
        shape=(len(rows), len(vocabulary.grams)),
    )
    svc = LinearSVC(C=_PENALTY, dual=True, max_iter=5000, random_state=_SEED).fit(matrix, labels)
    weights, bias = svc.coef_, svc.intercept_
    if len(bias) == 1:
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    return np.ascontiguousarray(weights.T, dtype=np.float32), bias.astype(np.float32)
