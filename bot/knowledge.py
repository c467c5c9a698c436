"""What the bot may know: the published questions and guides, read through `content.public` at the moment of asking.

A corrected text is in the next answer, and a guide that has expired or was withdrawn answers nothing, without
any training in between.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import guides, learning
from bot.nlu.text import default_lexicon, normalise
from bot.project import Project, Question
from bot.turns import TURNS
from content import public, rebuttals
from content.kinds.guide import fee_text, limit_text
from content.models import PublicPiece, Release, Revision
from content.sanitise import plain
from content.search import Searcher
from content.search_passages import passage, readable

# Characters of a document shown with its title.
PASSAGE = 60
MOST_READ = 5_000
CONDITIONS = 3
# A question is about a rumour when so much of one of its wordings stands in it, and at least so many pairs.
ABOUT_IT, LEAST_PAIRS = 0.6, 3


@dataclass(frozen=True)
class Source:
    """What an answer is taken from: the piece, the revision shown, its title and its page ('' where none stands)."""

    piece: int
    revision: int
    title: str
    path: str


@dataclass(frozen=True)
class Signed:
    """What a release says to a question: its words, where they stand, and the guide they belong to (0: none).

    `fields` are a guide's own; `words` are all that a question and its answer say, by which one knows what they cover.
    """

    text: str
    source: Source
    guide: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""


@dataclass(frozen=True)
class Answer:
    """The office's words on a question, and what they are taken from; `short` are fewer, where there are any."""

    text: str
    sources: tuple[Source, ...]
    short: str = ""


def project_of(session: Session, now: datetime) -> Project:
    """What the classifier learns from: public questions with wordings and answers, guides by title, what to refuse."""
    rows = session.execute(
        select(PublicPiece, Release)
        .join(Release, Release.id == PublicPiece.release_id)
        .where(public.visible(now), PublicPiece.kind.in_(("faq", "guide")))
        .order_by(PublicPiece.piece_id)
    )
    questions = tuple(
        Question(str(row.piece_id), _wordings(row, release.content), _signed(release.content).text)
        for row, release in rows
    )
    return Project(questions, TURNS, learning.foreign_of(session))


def _whole(own: Signed, guide: Signed | None) -> Answer:
    return Answer(own.text, (own.source,) if guide is None or guide is own else (guide.source, own.source))


def titles_of(session: Session, now: datetime) -> dict[str, int]:
    """The titles of all public questions and guides, as the classifier reads them, with their piece."""
    query = select(PublicPiece.title, PublicPiece.piece_id).where(
        public.visible(now), PublicPiece.kind.in_(("faq", "guide"))
    )
    return {normalise(title, default_lexicon()): piece_id for title, piece_id in session.execute(query)}


def answer_of(session: Session, piece_id: int, now: datetime) -> Answer | None:
    """The answer of a question or guide as the public may see it now; None when it may not."""
    return Shelf().answer_of(session, piece_id, now)


@dataclass
class Shelf:
    """Answers read once per release, whose words never change; whether one may be seen is asked every time."""

    read: dict[int, Signed] = field(default_factory=dict)

    def answer_of(self, session: Session, piece_id: int, now: datetime) -> Answer | None:
        """The answer of a question or guide as the public may see it now; None when it may not."""
        own = self._shown(session, piece_id, now)
        return None if own is None else _whole(own, self._guide_of(session, own, now))

    def _guide_of(self, session: Session, own: Signed, now: datetime) -> Signed | None:
        return own if own.fields else self._shown(session, own.guide, now) if own.guide else None

    def answer_to(self, session: Session, piece_id: int, asked: str, now: datetime) -> tuple[Answer | None, int]:
        """The same answer, with what the guide says of just what was asked: what to bring, where, how long, how much.

        A guide answers with that alone; a question with its own words, and with what those leave open. With it the
        guide's number where nothing is asked but where one goes and that differs by district; else 0.
        """
        own = self._shown(session, piece_id, now)
        if own is None:
            return None, 0
        guide = self._guide_of(session, own, now)
        whole = _whole(own, guide)
        if guide is None or not guide.fields:
            return whole, 0
        elements = [one for one in guides.asked(asked, guide.source.title) if not one.asked.search(own.words)]
        if not elements:
            return whole, 0
        differs = elements == [guides.PLACE] and len(guides.districts(guide.fields)) > 1
        head = guide.source.title if guide is own else whole.text
        said, short = (guides.says(guide.fields, elements, names_only=only) for only in (False, True))
        answer = Answer(f"{head}\n{said}", whole.sources, f"{head}\n{short}" if short != said else "")
        return answer, guide.source.piece if differs else 0

    def districts_of(self, session: Session, piece_id: int, now: datetime) -> tuple[str, ...]:
        """The districts in which a guide that the public may see now names a place."""
        guide = self._shown(session, piece_id, now)
        return guides.districts(guide.fields) if guide is not None else ()

    def place_of(self, session: Session, piece_id: int, district: str, now: datetime) -> Answer | None:
        """Where one goes in a district; None when the public may not see the guide now."""
        guide = self._shown(session, piece_id, now)
        if guide is None:
            return None
        return Answer(f"{guide.source.title}\n{guides.in_district(guide.fields, district)}", (guide.source,))

    def is_guide(self, session: Session, piece_id: int, now: datetime) -> bool:
        """Whether this is a guide that the public may see now."""
        own = self._shown(session, piece_id, now)
        return own is not None and bool(own.fields)

    def _shown(self, session: Session, piece_id: int, now: datetime) -> Signed | None:
        number = public.number_shown(session, piece_id, now)
        if number is None:
            return None
        if number not in self.read:
            if len(self.read) >= MOST_READ:
                self.read.clear()
            self.read[number] = _signed(session.get_one(Release, number).content)
        return self.read[number]


def rebuttal_to(session: Session, text: str, now: datetime) -> int | None:
    """The piece whose rumour a question is about: most character pairs of a wording stand in it; None for no rumour."""
    found = rebuttals.wordings(session, now)
    asked = _pairs(normalise(text, default_lexicon())) if found else set()
    best, chosen = 0.0, None
    for piece_id, wordings in found:
        for wording in wordings:
            pairs = _pairs(normalise(wording, default_lexicon()))
            share = len(asked & pairs) / len(pairs) if len(asked & pairs) >= LEAST_PAIRS else 0.0
            if share >= ABOUT_IT and share > best:
                best, chosen = share, piece_id
    return chosen


def theme_of(session: Session, piece_id: int, now: datetime) -> str:
    """What a public question or guide is about, as it is sorted; '' when it says nothing or may not be seen."""
    number = public.number_shown(session, piece_id, now)
    if number is None:
        return ""
    fields = Release.content["fields"]
    given = [func.nullif(fields[name].as_string(), "") for name in ("theme", "personal_theme", "legal_theme")]
    return (session.scalar(select(func.coalesce(*given)).where(Release.id == number)) or "").strip()


def shown_titles(session: Session, pieces: Collection[int], now: datetime) -> Mapping[int, str]:
    """The titles of those of these pieces that the public may see now."""
    shown = select(PublicPiece.piece_id, PublicPiece.title).where(PublicPiece.piece_id.in_(pieces), public.visible(now))
    return {piece: title for piece, title in session.execute(shown) if title}


@dataclass(frozen=True)
class Passage:
    """A published document that may help, and the part of it that comes nearest to the question."""

    source: Source
    text: str


def search(session: Session, documents: Searcher, text: str, now: datetime, limit: int = 3) -> Sequence[Passage]:
    """What the site's search finds for a question: what holds half of its words, else what holds some."""
    found = documents.search(session, now, text, size=limit)
    rows = (found.rows or found.guesses)[:limit]
    return [_passage(session.get_one(Revision, row.revision_id), row, text) for row in rows]


def _passage(revision: Revision, row: PublicPiece, text: str) -> Passage:
    source = Source(row.piece_id, revision.number, row.title, row.path)
    return Passage(source, passage(readable(revision, row), text, PASSAGE))


def _pairs(text: str) -> set[str]:
    return {text[place : place + 2] for place in range(len(text) - 1)}


def _wordings(row: PublicPiece, content: Mapping[str, Any]) -> tuple[str, ...]:
    if row.kind == "guide":
        return (row.title, f"怎么办理{row.title}", f"{row.title}需要什么材料")
    return (row.title, *(str(wording) for wording in content["fields"].get("wordings") or []))


def _source(content: Mapping[str, Any]) -> Source:
    return Source(content["piece"], content["revision_number"], content["title"], content["path"])


def _signed(content: Mapping[str, Any]) -> Signed:
    if content["kind"] == "guide":
        return Signed(_guide_text(content), _source(content), 0, content["fields"])
    text = plain(content["body"]).strip()
    said = normalise(f"{content['title']}{text}", default_lexicon())
    return Signed(text, _source(content), int(content["fields"].get("guide") or 0), words=said)


def _guide_text(content: Mapping[str, Any]) -> str:
    fields: Mapping[str, Any] = content["fields"]
    materials = "、".join(str(row.get("name", "")) for row in fields.get("materials") or [])
    facts = (
        ("受理条件", _conditions(fields)),
        ("申请材料", materials),
        ("承诺办结时限", limit_text(fields, "promised")),
        ("收费", fee_text(fields)),
        ("办理地点", str(fields.get("place", ""))),
        ("办理时间", str(fields.get("hours", ""))),
        ("咨询电话", str(fields.get("phone", ""))),
    )
    lines = [content["title"], *(f"{label}：{value}" for label, value in facts if value)]
    return "\n".join(lines)


def _conditions(fields: Mapping[str, Any]) -> str:
    lines = [str(line) for line in fields.get("conditions") or []]
    more = f"；等 {len(lines)} 项，见指南页面" if len(lines) > CONDITIONS else ""
    return "；".join(lines[:CONDITIONS]) + more
