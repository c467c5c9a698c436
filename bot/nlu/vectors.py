"""Character n-grams weighed by TF-IDF, the same for learning and for answering."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

LONGEST = 2


def grams(text: str) -> list[str]:
    """Every character and every pair of neighbours of a normalised text."""
    return [text[at : at + size] for size in range(1, LONGEST + 1) for at in range(len(text) - size + 1)]


@dataclass(frozen=True)
class Vocabulary:
    """The n-grams seen in learning with their inverse document frequency."""

    grams: tuple[str, ...]
    idf: NDArray[np.float32]
    places: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", {gram: place for place, gram in enumerate(self.grams)})

    @classmethod
    def learn(cls, texts: Sequence[str]) -> "Vocabulary":
        """Count in how many texts each n-gram stands; idf is smoothed: ln((1 + n) / (1 + df)) + 1."""
        frequency = Counter(gram for text in texts for gram in set(grams(text)))
        known = tuple(sorted(frequency))
        counts = np.array([frequency[gram] for gram in known], dtype=np.float64)
        return cls(known, (np.log((1 + len(texts)) / (1 + counts)) + 1).astype(np.float32))

    @property
    def rarest(self) -> float:
        """The weight of an n-gram never seen: as much as the rarest one that was."""
        return float(self.idf.max())

    def weigh(self, text: str) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Places and weights of the known n-grams: (1 + ln tf) * idf, scaled to length one."""
        counts = Counter(gram for gram in grams(text) if gram in self.places)
        places = np.array([self.places[gram] for gram in counts], dtype=np.intp)
        frequency = np.array(list(counts.values()), dtype=np.float32)
        weights = (1 + np.log(frequency)) * self.idf[places]
        length = float(np.linalg.norm(weights))
        return places, weights / length if length else weights

    def weight_of(self, gram: str) -> float:
        """The idf of one n-gram, the rarest weight for an unknown one."""
        place = self.places.get(gram)
        return self.rarest if place is None else float(self.idf[place])
