"""What the bot could learn: questions whose wordings are few or clash, and what citizens asked in vain."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.models import Conversation, InboundMessage, Lesson
from bot.nlu.text import default_lexicon, normalise
from bot.nlu.vectors import Vocabulary
from bot.project import ENOUGH_WORDINGS
from bot.publishing import mask
from bot.states import NOT_KNOWN
from content.models import Piece, Revision
from content.states import PieceState
from kernel.errors import Invalid, WrongState
from kernel.once import insert_once
from kernel.work import Work

LOOK_BACK = timedelta(days=28)
MOST_READ = 2_000
MOST_ENTRIES = 5_000
# Two questions are one from this cosine on; a question of the office is near from so much on.
SAME, NEAR = 0.6, 0.4
LONGEST = 100
WORDING, DRAFT, FOREIGN, CONFIRMED = "wording", "draft", "foreign", "confirmed"


@dataclass(frozen=True)
class Entry:
    """A question of the office as it is written now; its title counts as a wording."""

    piece_id: int
    unit_id: int
    title: str
    state: str
    written_at: datetime
    wordings: tuple[str, ...]

    @property
    def thin(self) -> bool:
        """Too few different wordings to be found reliably."""
        return len({plain for one in self.wordings if (plain := plain_of(one))}) < ENOUGH_WORDINGS


@dataclass(frozen=True)
class Clash:
    """A wording that stands with two questions, or twice with one (`other` is then the question itself)."""

    wording: str
    other: int


@dataclass(frozen=True)
class Asked:
    """One text that the bot did not know: in which unit, what became of it, and when."""

    text: str
    unit_id: int
    outcome: str
    at: datetime


@dataclass(frozen=True)
class Cluster:
    """Questions that ask the same, the most frequent first; `key` names the first whatever it says."""

    key: str
    texts: tuple[str, ...]
    asked: tuple[Asked, ...]

    @property
    def last_at(self) -> datetime:
        """When it was asked last."""
        return max(one.at for one in self.asked)

    @property
    def clean(self) -> str:
        """The most frequent wording that says nothing of who asked; "" where every one does."""
        return next((text for text in self.texts if mask(text) == text), "")


# --- the office's questions ----------------------------------------------------------------------------------------


def entries(session: Session, units: Collection[int]) -> list[Entry]:
    """Every question of these units that is not in the bin, as it is written now."""
    query = (
        select(Piece.id, Piece.unit_id, Piece.title, Piece.state, Piece.updated_at, Revision.fields)
        .join(Revision, Revision.id == Piece.revision_id)
        .where(Piece.kind == "faq", Piece.state != PieceState.TRASH, Piece.unit_id.in_(units))
        .order_by(Piece.updated_at.desc(), Piece.id.desc())
        .limit(MOST_ENTRIES)
    )
    return [
        Entry(number, unit_id, title, state, at, (title, *(str(one) for one in (fields or {}).get("wordings") or ())))
        for number, unit_id, title, state, at, fields in session.execute(query)
    ]


def clashes(found: Sequence[Entry]) -> dict[int, list[Clash]]:
    """Wordings that the classifier cannot tell apart, by question."""
    first: dict[str, int] = {}
    clashing: dict[int, list[Clash]] = {}
    for entry in found:
        own: set[str] = set()
        for place, wording in enumerate(entry.wordings):
            plain = plain_of(wording)
            other = first.setdefault(plain, entry.piece_id)
            # A title repeated among its own wordings is no fault: the first of them is often the title itself.
            if plain and (other != entry.piece_id or plain in own):
                clashing.setdefault(entry.piece_id, []).append(Clash(wording, other))
                if other != entry.piece_id:
                    clashing.setdefault(other, []).append(Clash(wording, entry.piece_id))
            own |= {plain} if place else set()
    return clashing


def nearest(texts: Sequence[str], known: Sequence[Entry]) -> list[Entry | None]:
    """For each text the question with the most similar wording; None where none is near."""
    wordings = [(plain, entry) for entry in known for one in entry.wordings if (plain := plain_of(one))]
    if not wordings:
        return [None] * len(texts)
    # With the texts' own words: what no question has must count against a likeness.
    space = _Space([*(plain for plain, _entry in wordings), *map(plain_of, texts)])
    for place, (plain, _entry) in enumerate(wordings):
        space.add(place, plain)
    found = (space.best(plain_of(text)) for text in texts)
    return [wordings[place][1] if share >= NEAR else None for place, share in found]


def with_wording(fields: Mapping[str, object], wording: str) -> dict[str, object] | None:
    """The fields of a question with one wording more; None when it has it already."""
    wordings = fields.get("wordings")
    known = [str(one) for one in wordings] if isinstance(wordings, list) else []
    if plain_of(wording) in map(plain_of, known):
        return None
    return {**fields, "wordings": [*known, wording]}


# --- what citizens asked -------------------------------------------------------------------------------------------


def unanswered(session: Session, units: Collection[int], now: datetime, known: Sequence[Entry]) -> list[Cluster]:
    """What the bot did not know in the last four weeks and nobody dealt with since, the most asked first."""
    query = (
        select(InboundMessage.text, Conversation.unit_id, InboundMessage.outcome, InboundMessage.received_at)
        .join(Conversation, Conversation.id == InboundMessage.conversation_id)
        .where(
            Conversation.unit_id.in_(units),
            InboundMessage.outcome.in_(NOT_KNOWN),
            InboundMessage.text != "",
            InboundMessage.received_at >= now - LOOK_BACK,
        )
        .order_by(InboundMessage.received_at.desc(), InboundMessage.id.desc())
        .limit(MOST_READ)
    )
    asked = [
        Asked(" ".join(text.split())[:LONGEST], unit_id, outcome, at)
        for text, unit_id, outcome, at in session.execute(query)
    ]
    written = _written(known)
    dealt = _dealt_with(session, units)
    return cluster(one for one in asked if _open(one, written, dealt))


def cluster(asked: Iterable[Asked]) -> list[Cluster]:
    """Questions put together by the classifier's own vectors: each to the most frequent one it is like."""
    counted: dict[str, list[Asked]] = {}
    for one in asked:
        if plain := plain_of(one.text):
            counted.setdefault(plain, []).append(one)
    if not counted:
        return []
    space = _Space(list(counted))
    groups: list[list[str]] = []
    for plain in sorted(counted, key=lambda plain: (-len(counted[plain]), plain)):
        place, share = space.best(plain)
        if share >= SAME:
            groups[place].append(plain)
        else:
            space.add(len(groups), plain)
            groups.append([plain])
    made = [
        Cluster(
            digest_of(group[0]),
            tuple(counted[plain][0].text for plain in group),
            tuple(one for plain in group for one in counted[plain]),
        )
        for group in groups
    ]
    return sorted(made, key=lambda one: (-len(one.asked), one.key))


def cluster_for(found: Iterable[Cluster], key: str) -> Cluster:
    """The cluster in which the question of this name is; raises WrongState when it is in none any more."""
    for one in found:
        if key in {digest_of(plain_of(text)) for text in one.texts}:
            return one
    raise WrongState(state="已由他人处理", act="再次处理")


def wording_of(found: Cluster) -> str:
    """The words that may stand in public; raises Invalid when every one says something of who asked."""
    if not found.clean:
        raise Invalid(field="question", why="提问中有电话、证件号或住址，不能照原样使用；请在编辑页用自己的话写入。")
    return found.clean


def learn(work: Work, found: Cluster, act: str, piece_id: int | None = None) -> None:
    """Notes what a person made of a cluster: each of its texts leaves the list and is a question to test models by."""
    texts = {(one.unit_id, digest_of(plain_of(one.text))): one for one in reversed(found.asked)}
    for (unit_id, digest), one in texts.items():
        made = {"act": act, "piece_id": piece_id, "made_by": work.actor.person_id, "made_at": work.now}
        known = {"unit_id": unit_id, "digest": digest}
        if not insert_once(work.session, Lesson, **known, text=mask(one.text)[:200], **made):
            work.session.execute(update(Lesson).filter_by(**known).values(made))


def _written(known: Iterable[Entry]) -> dict[str, datetime | None]:
    """When a text became a wording; None where that question is still on its way to the public."""
    return {
        plain_of(one): entry.written_at if entry.state == PieceState.LIVE else None
        for entry in known
        for one in entry.wordings
    }


def _dealt_with(session: Session, units: Collection[int]) -> dict[tuple[int, str], tuple[str, datetime]]:
    query = select(Lesson.unit_id, Lesson.digest, Lesson.act, Lesson.made_at).where(Lesson.unit_id.in_(units))
    return {(unit_id, digest): (act, at) for unit_id, digest, act, at in session.execute(query)}


def _open(
    one: Asked, written: Mapping[str, datetime | None], dealt: Mapping[tuple[int, str], tuple[str, datetime]]
) -> bool:
    """Whether a question still wants somebody: what is dealt with comes back when it is asked again in vain."""
    plain = plain_of(one.text)
    if plain in written and ((since := written[plain]) is None or one.at <= since):
        return False
    act, at = dealt.get((one.unit_id, digest_of(plain)), ("", None))
    # What must not be answered and was not is as it should be, however often it is asked.
    return at is None or (one.at > at and not (act == FOREIGN and one.outcome == "refuse"))


def foreign_of(session: Session) -> tuple[str, ...]:
    """The questions that must not be answered, of which the classifier learns what to refuse."""
    query = select(Lesson.text).where(Lesson.act == FOREIGN).order_by(Lesson.id).limit(MOST_READ)
    return tuple(session.scalars(query))


# --- likeness ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def plain_of(text: str) -> str:
    """A text as the classifier reads it."""
    return normalise(text, default_lexicon())


def digest_of(plain: str) -> str:
    """A name for a text that tells nothing of it."""
    return hashlib.sha256(plain.encode()).hexdigest()


class _Space:
    """Texts by the classifier's vectors; the most similar one is found through the n-grams they share."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._vocabulary = Vocabulary.learn(texts)
        self._holders: dict[int, list[tuple[int, float]]] = {}

    def add(self, place: int, plain: str) -> None:
        """Puts a text at a place."""
        for gram, weight in self._weights(plain):
            self._holders.setdefault(gram, []).append((place, weight))

    def best(self, plain: str) -> tuple[int, float]:
        """The place whose text is most like this one (the lowest of equals), and their cosine; (-1, 0) for none."""
        shares: dict[int, float] = {}
        for gram, weight in self._weights(plain):
            for place, other in self._holders.get(gram, ()):
                shares[place] = shares.get(place, 0.0) + weight * other
        return max(shares.items(), key=lambda pair: (round(pair[1], 6), -pair[0]), default=(-1, 0.0))

    def _weights(self, plain: str) -> list[tuple[int, float]]:
        places, weights = self._vocabulary.weigh(plain)
        return list(zip(places.tolist(), weights.tolist(), strict=True))
