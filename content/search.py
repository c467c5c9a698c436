"""Search over what the public may see: characters, pairs of characters and whole Latin words, ranked by BM25.

A pair says more than two characters do, but people seldom ask in the words of the text: the characters find what the
pairs miss. A query is also read in the office's own words, where it knows them (how well that does: docs/why/0024).

The index lives in memory, one in each process that answers citizens, and follows the table of public pieces. What it
finds is looked up there once more, so that a piece that was withdrawn a moment ago is in no answer. Whatever else a
site shows (`Source`) has an index of its own, so that it changes nothing in how pieces are ranked.
"""

from __future__ import annotations

import math
import re
import threading
import time
import unicodedata
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape, unescape
from itertools import accumulate
from typing import Protocol

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content.checks import IDENTITY, MOBILE
from content.kinds import all_kinds, kind_of
from content.models import PublicPiece, Revision
from content.public import visible
from content.public_files import LONGEST_TEXT
from content.sanitise import plain
from content.standing import fields_now
from kernel.model import Base
from kernel.typed import tidy
from kernel.work import Work

LONGEST_QUERY = 100
MOST_GRAMS = 64
BATCH = 100
# How long (s) one search works on an index that is being made, before it answers from as much as there is.
PATIENCE = 1.0

_K1, _B = 2.0, 0.6
_TITLE, _EXTRA = 3, 1
# A character is less telling than a pair that is as rare, and what the office calls it less than what was asked.
_CHARACTER, _FLATTENED, _OFFICIAL = 1.5, 0.7, 0.4
_MOST_OFTEN = 255
# A hit has at least this share of what the query asks for, by how telling each pair is; below that it is a guess.
SURE, GUESS = 0.5, 0.2
# An excerpt begins so many characters before what was found, where no sentence begins there.
_BEFORE = 20
_WORDS = re.compile(r"[a-z0-9]+|[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+")
# Words of asking, which say nothing about what is asked for.
_ASKING = re.compile(
    "请问|想问|问一下|麻烦|你好|您好|谢谢|我想|怎么样|怎么|怎样|咋样|咋|如何|哪里|在哪|哪儿|什么时候|什么|啥时候|啥|多少|是不是|是否|"
    "能不能|可不可以|可以|有没有|吗|呢|吧|的|我"
)
# Characters that say nothing alone, and much within a word.
_HOLLOW = frozenset("了你那这去得要个啊呀就还都也在到给把被让")


class SearchMiss(Base):
    """What somebody looked for and did not find; nothing about who it was."""

    __tablename__ = "search_miss"

    id: Mapped[int] = mapped_column(primary_key=True)
    query: Mapped[str] = mapped_column(String(LONGEST_QUERY), index=True)
    at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True)
class Hit:
    """A text that answers a query; `share` (0 to 1) is how much of the query it holds."""

    key: int
    kind: str
    score: float
    share: float


@dataclass(frozen=True)
class Found:
    """A page of an answer: the rows to show, how many there are in all and of each kind, and guesses when none is.

    `hits` is the page in its order, with what is no piece; `rows` are its pieces.
    `columns` and `units` tell how many of all answers stand in each, whatever it was narrowed to.
    Not `whole` is an answer from an index that is still being made.
    """

    rows: Sequence[PublicPiece]
    total: int
    kinds: Sequence[tuple[str, int]]
    guesses: Sequence[PublicPiece] = ()
    whole: bool = True
    columns: Mapping[int, int] = field(default_factory=dict)
    units: Mapping[int, int] = field(default_factory=dict)
    hits: Sequence[Hit] = ()


@dataclass(frozen=True)
class Narrow:
    """What a reader limits an answer to; None limits nothing. `since` is the earliest moment of publication."""

    column_id: int | None = None
    unit_id: int | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Stands:
    """Where something that is found stands, by which a reader may narrow; what is in no column has none."""

    column_id: int | None
    unit_id: int
    first_at: datetime | None

    def fits(self, narrow: Narrow) -> bool:
        """Whether a reader who asked so wants it."""
        return (
            narrow.column_id in (None, self.column_id)
            and narrow.unit_id in (None, self.unit_id)
            and (narrow.since is None or (self.first_at is not None and self.first_at >= narrow.since))
        )


Speak = Callable[[str], str]
Words = tuple[str, str, str, str]
"""What is indexed of a text: its kind, its title, keywords and the like, and its body."""


class Source(Protocol):
    """Texts of one sort that may be found, by their numbers; `kinds` are those they have, in the order of groups."""

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of its texts."""

    def wanted(self, session: Session, now: datetime) -> Mapping[int, int]:
        """Whatever the public may see now, and which version of its words, the newest first."""

    def texts(self, session: Session, keys: Sequence[int]) -> Iterator[tuple[int, int, Words]]:
        """The words of some of them, each with its number and version."""

    def standing(
        self, session: Session, now: datetime, keys: Sequence[int], only: ColumnElement[bool] | None
    ) -> Mapping[int, Stands]:
        """Which of these the public may see at this moment, whatever the index knows yet."""


class Pieces:
    """The public pieces."""

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of pieces."""
        return list(all_kinds())

    def wanted(self, session: Session, now: datetime) -> Mapping[int, int]:
        """Each with its public revision."""
        # The newest first: it is what is looked for while a large index is still being made.
        query = select(PublicPiece.piece_id, PublicPiece.revision_id).where(visible(now))
        rows = session.execute(query.order_by(PublicPiece.piece_id.desc()))
        return {row.piece_id: row.revision_id for row in rows}

    def texts(self, session: Session, keys: Sequence[int]) -> Iterator[tuple[int, int, Words]]:
        """The words of public revisions."""
        return _texts(session, keys)

    def standing(
        self, session: Session, now: datetime, keys: Sequence[int], only: ColumnElement[bool] | None
    ) -> Mapping[int, Stands]:
        """Those that are public and meet the condition."""
        found: dict[int, Stands] = {}
        columns = (PublicPiece.piece_id, PublicPiece.column_id, PublicPiece.unit_id, PublicPiece.first_at)
        for part in in_parts(keys):
            query = select(*columns).where(PublicPiece.piece_id.in_(part), visible(now))
            query = query if only is None else query.where(only)
            found |= {row.piece_id: Stands(row.column_id, row.unit_id, row.first_at) for row in session.execute(query)}
        return found


@dataclass(frozen=True)
class Looked:
    """What one source has for a query, as far as its index goes."""

    source: Source
    hits: Sequence[Hit]
    guesses: Sequence[Hit]
    whole: bool


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
            for gram in _all_grams(text[:LONGEST_TEXT]):
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
        weights = dict.fromkeys(spoken, 1.0) | _characters(asked_words(query), 1.0)
        readings = [spoken]
        if self._officially is not None:
            official = " ".join(self._officially(word) for word in _words(asked_words(query)))
            said = list(dict.fromkeys(grams(official)))[:MOST_GRAMS]
            if said != spoken:
                readings.append(said)
                weights = dict.fromkeys(said, _OFFICIAL) | _characters(official, _OFFICIAL) | weights
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
            if _is_character(gram):
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


class Searcher:
    """The index of one process, kept up with the database; every act may come from any thread.

    One search at a time brings the index up to date; those that come meanwhile take it as far as it is.
    """

    def __init__(
        self,
        pause: timedelta = timedelta(seconds=5),
        officially: Speak | None = None,
        source: Source | None = None,
    ) -> None:
        self._pause = pause
        self._source = source or Pieces()
        self._officially = officially
        self._using = threading.Lock()
        self._following = threading.Lock()
        self._index = Index(officially)
        self._known: dict[int, int] = {}
        self._whole = False
        self._next: datetime | None = None

    def stale(self) -> None:
        """Something went live or was withdrawn: the next search looks at the database first."""
        self._next = None

    def search(
        self,
        session: Session,
        now: datetime,
        query: str,
        kind: str = "",
        page: int = 1,
        size: int = 10,
        narrow: Narrow | None = None,
        only: ColumnElement[bool] | None = None,
    ) -> Found:
        """A page of what answers the query, limited as asked; `kind` limits no count of kinds.

        `only` is a condition on `PublicPiece`: whatever does not meet it is as good as not there.
        """
        looked = [self.look(session, now, query)]
        return answer(session, now, looked, kind=kind, page=page, size=size, narrow=narrow, only=only)

    def look(self, session: Session, now: datetime, query: str) -> Looked:
        """Everything that answers the query, or what is near it where nothing does."""
        query = query[:LONGEST_QUERY]
        self._follow(session, now)
        with self._using:
            hits = self._index.find(query)
            guessed = [] if hits else self._index.find(query, GUESS)[:5]
            return Looked(self._source, hits, guessed, self._whole)

    def _follow(self, session: Session, now: datetime) -> None:
        if (self._next is not None and now < self._next) or not self._following.acquire(blocking=False):
            return
        try:
            self._next = now + self._pause
            if not self._bring_up(session, now, time.monotonic() + PATIENCE):
                self._next = None  # The next search goes on with it.
        finally:
            self._following.release()

    def _bring_up(self, session: Session, now: datetime, until: float) -> bool:
        """Takes in what is new until then (of the monotonic clock), at least one batch; False where some is left."""
        wanted = self._source.wanted(session, now)
        with self._using:
            if self._index.worn:
                self._index, self._known, self._whole = Index(self._officially), {}, False
            for key in [one for one in self._known if one not in wanted]:
                self._index.remove(key)
                del self._known[key]
        fresh = [one for one, version in wanted.items() if self._known.get(one) != version]
        for start in range(0, len(fresh), BATCH):
            if start and time.monotonic() > until:
                return False
            texts = list(self._source.texts(session, fresh[start : start + BATCH]))
            with self._using:
                for key, version, words in texts:
                    self._index.add(key, *words)
                    self._known[key] = version
        self._whole = True
        return True


def answer(
    session: Session,
    now: datetime,
    looked: Sequence[Looked],
    *,
    kind: str,
    page: int,
    size: int,
    narrow: Narrow | None,
    only: ColumnElement[bool] | None,
) -> Found:
    """A page of what these sources have, as `side_by_side` puts them."""
    asked = narrow or Narrow()
    standing = [one.source.standing(session, now, [hit.key for hit in one.hits], only) for one in looked]
    within = side_by_side(
        [hit for hit in one.hits if hit.key in public and public[hit.key].fits(asked)]
        for one, public in zip(looked, standing, strict=True)
    )
    counts = Counter(hit.kind for hit in within)
    chosen = [hit for hit in within if kind in ("", hit.kind)]
    shown = chosen[(page - 1) * size : page * size]
    places = [place for public in standing for place in public.values()]
    kinds = [name for one in looked for name in one.source.kinds]
    guessed = [] if any(one.hits for one in looked) else [hit for one in looked for hit in one.guesses]
    return Found(
        rows=_rows(session, now, _pieces(shown)),
        total=len(chosen),
        kinds=[(name, counts[name]) for name in kinds if counts[name]],
        guesses=_rows(session, now, _pieces(guessed), only),
        whole=all(one.whole for one in looked),
        columns=Counter(place.column_id for place in places if place.column_id is not None),
        units=Counter(place.unit_id for place in places),
        hits=shown,
    )


def side_by_side(found: Iterable[Sequence[Hit]]) -> list[Hit]:
    """What the first source found in its order; whatever another found before the first of these that holds less of
    the query. The scores of two indexes do not compare: what is rare in a small one may be everywhere in the other.
    """
    first, *others = found
    least = [-share for share in accumulate((hit.share for hit in first), min)]
    placed = [((place, 1), hit) for place, hit in enumerate(first)]
    placed += [((bisect_right(least, -hit.share), 0), hit) for hits in others for hit in hits]
    return [hit for _place, hit in sorted(placed, key=lambda one: one[0])]


def in_parts(keys: Sequence[int], size: int = 500) -> Iterator[Sequence[int]]:
    """The numbers a few at a time, as many as a statement takes."""
    return (keys[start : start + size] for start in range(0, len(keys), size))


def record_miss(work: Work, query: str) -> None:
    """Keeps what was looked for and not found, with numbers of people masked."""
    words = masked(" ".join(tidy(query).split())[:LONGEST_QUERY])
    if words:
        work.session.add(SearchMiss(query=words, at=work.now))


def masked(text: str) -> str:
    """The text with the numbers of identity cards and mobile phones taken out."""
    for pattern in (IDENTITY, MOBILE):
        text = pattern.sub("***", text)
    return text


def normal(text: str) -> str:
    """The text as it is compared: full-width letters and digits as plain ones, small letters, no spaces."""
    return "".join(_words(text))


def grams(text: str) -> Iterator[str]:
    """Latin words and numbers whole, Chinese in overlapping pairs; a single character stands for itself."""
    for word in _words(text):
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
    return kept if _words(kept) else query[:LONGEST_QUERY]


def excerpt(text: str, query: str, width: int = 110) -> str:
    """The part of a text that holds most of the query, as HTML with `<mark>` around what was found."""
    text = " ".join(text.split())
    small = "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
    wanted = set(query_grams(query))
    spans = sorted(set(_spans(small, wanted)))
    # Characters point at the place too, but are not marked: alone they are everywhere.
    points = sorted({*spans, *_spans(small, _characters(asked_words(query), 1.0))})
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
    return (1.0 if _is_character(gram) else 2.0) / math.sqrt(often)


def _sentence(text: str, at: int, width: int) -> int:
    """Where an excerpt begins: with the sentence when that began shortly before, else some characters earlier."""
    nearest = max((text.rfind(mark, max(0, at - width // 3), at) for mark in "。；！？"), default=-1)
    return nearest + 1 if nearest >= 0 else max(0, at - _BEFORE)


def readable(revision: Revision, row: PublicPiece) -> str:
    """The text of a public revision for an excerpt: its summary and body, then what the kind prints of its fields.

    What a kind leaves out of its article is for finding it, not for reading: a question's other wordings are no answer.
    """
    of = kind_of(row.kind)
    unread = {name for name, words in of.printed(revision.fields).items() if not words}
    fields = {name: value for name, value in fields_now(row, revision.fields).items() if name not in unread}
    return "\n".join(part for part in (revision.summary, plain(revision.body), of.told(fields)) if part)


def _words(text: str) -> list[str]:
    return _WORDS.findall(unicodedata.normalize("NFKC", text).lower())


def _all_grams(text: str) -> Iterator[str]:
    """The grams of a text and its characters."""
    for word in _words(text):
        if word[0].isascii() or len(word) == 1:
            yield word
        else:
            yield from word
            yield from (word[at : at + 2] for at in range(len(word) - 1))


def _characters(text: str, weight: float) -> dict[str, float]:
    return {char: weight for word in _words(text) if not word[0].isascii() for char in word if char not in _HOLLOW}


def _is_character(gram: str) -> bool:
    return len(gram) == 1 and not gram.isascii()


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


def _texts(session: Session, piece_ids: Sequence[int]) -> Iterator[tuple[int, int, Words]]:
    query = (
        select(PublicPiece.piece_id, PublicPiece.kind, Revision)
        .join(Revision, Revision.id == PublicPiece.revision_id)
        .where(PublicPiece.piece_id.in_(piece_ids))
    )
    for piece_id, kind, revision in session.execute(query):
        extra = f"{revision.keywords} {revision.summary} {kind_of(kind).told(revision.fields)}"
        yield piece_id, revision.id, (kind, revision.title, extra, plain(revision.body))


def _pieces(hits: Sequence[Hit]) -> list[Hit]:
    return [hit for hit in hits if hit.kind in all_kinds()]


def _rows(
    session: Session, now: datetime, hits: Sequence[Hit], only: ColumnElement[bool] | None = None
) -> list[PublicPiece]:
    ids = [hit.key for hit in hits]
    query = select(PublicPiece).where(PublicPiece.piece_id.in_(ids), visible(now))
    query = query if only is None else query.where(only)
    found = {row.piece_id: row for row in session.scalars(query)}
    return [found[one] for one in ids if one in found]
