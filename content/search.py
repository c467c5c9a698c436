"""Search over what the public may see.

The index lives in memory, one in each process that answers citizens, and follows the table of public pieces. What it
finds is looked up there once more, so that a piece that was withdrawn a moment ago is in no answer. Whatever else a
site shows (`Source`) has an index of its own, so that it changes nothing in how pieces are ranked.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Protocol

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from content.kinds import all_kinds, kind_of
from content.models import PublicPiece, Revision
from content.public import visible
from content.sanitise import plain
from content.search_grams import LONGEST_QUERY
from content.search_index import GUESS, Hit, Index, Speak

BATCH = 100
# How long (s) one search works on an index that is being made, before it answers from as much as there is.
PATIENCE = 1.0

Words = tuple[str, str, str, str]
"""What is indexed of a text: its kind, its title, keywords and the like, and its body."""


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
