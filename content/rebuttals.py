"""辟谣: a published piece answers a rumour; while it holds it is pinned on the portal, and the bot answers with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BindParameter, ColumnElement, ForeignKey, String, Table, bindparam, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from content.models import Piece, PublicPiece
from content.public import visible
from kernel.errors import Invalid, WrongState
from kernel.model import Base, Json
from kernel.once import insert_once
from kernel.people import Viewer
from kernel.work import Work

MOST_ASKS = 30
LONGEST_LINK = 1000
SHORTEST = 4


class Rebuttal(Base):
    """What a piece rebuts: the rumour in a sentence, how people ask about it, and what it answers.

    It holds until `until_at`, or until a person ends it; and only while the public may see the piece.
    """

    __tablename__ = "rebuttal"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), unique=True)
    claim: Mapped[str] = mapped_column(String(200))
    asks: Mapped[list[str]] = mapped_column(Json, default=list)
    answers_url: Mapped[str] = mapped_column(String(LONGEST_LINK), default="")
    answers_piece_id: Mapped[int | None] = mapped_column(ForeignKey("piece.id"), index=True)
    until_at: Mapped[datetime | None]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


@dataclass(frozen=True)
class Rumour:
    """What is rebutted, as a person writes it."""

    claim: str
    asks: Sequence[str] = ()
    answers_url: str = ""
    answers_piece_id: int | None = None
    until_at: datetime | None = None


def rebut(work: Work, who: Viewer, piece: Piece, rumour: Rumour) -> Rebuttal:
    """Says what a piece rebuts, or says it anew; raises Invalid. It holds from the hour the piece is public."""
    asks = _checked(work, piece, rumour)
    values = {
        "claim": rumour.claim.strip()[:200],
        "asks": asks,
        "answers_url": rumour.answers_url,
        "answers_piece_id": rumour.answers_piece_id,
        "until_at": rumour.until_at,
        "made_by": who.person_id,
        "made_at": work.now,
    }
    insert_once(work.session, Rebuttal, unit_id=piece.unit_id, piece_id=piece.id, **values)
    row = work.session.scalars(select(Rebuttal).where(Rebuttal.piece_id == piece.id).with_for_update()).one()
    for name, value in values.items():
        setattr(row, name, value)
    row.ended_at = row.ended_by = None
    work.audit("rebuttal.set", row, piece=piece.id, claim=row.claim, until=rumour.until_at and str(rumour.until_at))
    return row


def end(work: Work, who: Viewer, row: Rebuttal) -> None:
    """It is no longer pinned nor given as an answer; the piece stays where it is."""
    work.session.refresh(row, with_for_update=True)
    if row.ended_at is not None:
        raise WrongState(state="辟谣已结束", act="结束辟谣")
    row.ended_at, row.ended_by = work.now, who.person_id
    work.audit("rebuttal.ended", row, piece=row.piece_id, claim=row.claim)


def standing(session: Session, now: datetime) -> list[tuple[Rebuttal, PublicPiece]]:
    """The rebuttals that hold, each with what the public sees, the newest first."""
    query = select(Rebuttal, PublicPiece).join(PublicPiece, PublicPiece.piece_id == Rebuttal.piece_id)
    query = query.where(holds(now), visible(now)).order_by(Rebuttal.made_at.desc(), Rebuttal.id.desc())
    return [(row, shown) for row, shown in session.execute(query)]


def wordings(session: Session, now: datetime) -> list[tuple[int, list[str]]]:
    """The pieces of the rebuttals that hold, with everything by which a question about the rumour is recognised."""
    found = session.connection().execute(_WORDINGS, {"now": now})
    return [(piece_id, [claim, *asks]) for piece_id, claim, asks in found]


def of_pieces(session: Session, piece_ids: Sequence[int]) -> dict[int, Rebuttal]:
    """What these pieces rebut, by piece."""
    query = select(Rebuttal).where(Rebuttal.piece_id.in_(piece_ids))
    return {row.piece_id: row for row in session.scalars(query)}


def holds(now: datetime | BindParameter[Any]) -> ColumnElement[bool]:
    """Neither ended by a person nor by its hour."""
    return Rebuttal.ended_at.is_(None) & or_(Rebuttal.until_at.is_(None), Rebuttal.until_at > now)


# Asked with every question that the bot hears: building a statement costs more than running it.
_NOW: BindParameter[Any] = bindparam("now", type_=PublicPiece.from_at.type)
_R = cast(Table, Rebuttal.__table__).c
_WORDINGS = (
    select(_R.piece_id, _R.claim, _R.asks)
    .join(cast(Table, PublicPiece.__table__), PublicPiece.piece_id == Rebuttal.piece_id)
    .where(holds(_NOW), visible(_NOW))
    .order_by(_R.made_at.desc(), _R.id.desc())
)


def _checked(work: Work, piece: Piece, rumour: Rumour) -> list[Any]:
    if len(rumour.claim.strip()) < SHORTEST:
        raise Invalid(field="claim", why=f"请用一句话写明谣言说了什么，至少 {SHORTEST} 个字。")
    asks = list(dict.fromkeys(one.strip() for one in rumour.asks if one.strip()))
    if len(asks) > MOST_ASKS or any(len(one) > 100 for one in asks):
        raise Invalid(field="asks", why=f"问法最多 {MOST_ASKS} 条，每条不超过 100 字。")
    if any(len(one) < SHORTEST for one in asks):
        # A word of two characters would turn every question with it into one about the rumour.
        raise Invalid(field="asks", why=f"每条问法至少 {SHORTEST} 个字，太短会误答其他问题。")
    if rumour.answers_url and not rumour.answers_url.startswith(("http://", "https://")):
        raise Invalid(field="answers_url", why="请填写 http:// 或 https:// 开头的链接。")
    if len(rumour.answers_url) > LONGEST_LINK:
        raise Invalid(field="answers_url", why=f"被澄清内容的链接不超过 {LONGEST_LINK} 个字符。")
    if rumour.until_at is not None and rumour.until_at <= work.now:
        raise Invalid(field="until", why="结束时间须晚于现在。")
    if rumour.answers_piece_id == piece.id:
        raise Invalid(field="answers_piece", why="辟谣稿件不能澄清自己。")
    return asks
