"""What search finds of the published answers (留言公开), as long as each is public."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from bot.models import PublicAnswer
from content.search import Stands, Words, in_parts

ANSWER = "answer"
"""The kind by which search groups them; no kind of piece has this name."""
_SHOWN = PublicAnswer.hidden_at.is_(None)


class Answers:
    """The published answers, each with what was asked."""

    kinds = (ANSWER,)

    def wanted(self, session: Session, now: datetime) -> Mapping[int, int]:
        """Those that are public; the words of one that is published again are others."""
        query = select(PublicAnswer.id, PublicAnswer.published_at).where(_SHOWN).order_by(PublicAnswer.id.desc())
        return {row.id: _version(row.published_at) for row in session.execute(query)}

    def texts(self, session: Session, keys: Sequence[int]) -> Iterator[tuple[int, int, Words]]:
        """The question as the title, the answer as the text."""
        for row in session.scalars(select(PublicAnswer).where(PublicAnswer.id.in_(keys))):
            yield row.id, _version(row.published_at), (ANSWER, row.question, row.kind, row.answer)

    def standing(
        self, session: Session, now: datetime, keys: Sequence[int], only: ColumnElement[bool] | None
    ) -> Mapping[int, Stands]:
        """Those that nobody has taken back; they are in no column, and no condition on pieces says anything of them."""
        places: dict[int, Stands] = {}
        query = select(PublicAnswer.id, PublicAnswer.unit_id, PublicAnswer.published_at).where(_SHOWN)
        for part in in_parts(keys):
            rows = session.execute(query.where(PublicAnswer.id.in_(part)))
            places |= {row.id: Stands(None, row.unit_id, row.published_at) for row in rows}
        return places


def _version(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)
