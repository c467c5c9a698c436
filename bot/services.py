"""办事事项 that a session was about: a published guide, by which a rating counts as 好差评."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models import OutboundReply
from content import public
from content.models import Piece, PublicPiece, Revision
from kernel.errors import Invalid
from kernel.typed import tidy

CODES = ("catalog_code", "handle_code", "task_code")
MOST_CITED = 10


def named(session: Session, text: str, now: datetime) -> PublicPiece:
    """The public guide of this title or code; raises Invalid where there is none, or more than one."""
    wanted = tidy(text).strip()[:300]
    query = (
        select(PublicPiece, Revision.fields)
        .join(Revision, Revision.id == PublicPiece.revision_id)
        .where(public.visible(now), PublicPiece.kind == "guide")
    )
    titled = session.execute(query.where(PublicPiece.title == wanted)).all()
    found = titled or [
        row for row in session.execute(query) if wanted in {str(row[1].get(code) or "") for code in CODES}
    ]
    pieces: list[PublicPiece] = [row[0] for row in found]
    if len(pieces) != 1:
        why = "没有名称或编码为“{}”的已发布办事指南。" if not pieces else "有多个事项是“{}”，请填编码。"
        raise Invalid(field="service", why=why.format(wanted[:60]))
    return pieces[0]


def cited(session: Session, conversation_id: int, now: datetime) -> Sequence[str]:
    """The titles of the guides that answers of this session were taken from, the last first."""
    query = (
        select(OutboundReply.sources)
        .where(OutboundReply.conversation_id == conversation_id, OutboundReply.side == "bot")
        .order_by(OutboundReply.number.desc())
    )
    pieces = dict.fromkeys(int(source["piece"]) for sources in session.scalars(query) for source in sources or [])
    shown = select(PublicPiece.piece_id, PublicPiece.title).where(
        PublicPiece.piece_id.in_(pieces), PublicPiece.kind == "guide", public.visible(now)
    )
    titles: dict[int, str] = dict(session.execute(shown).all())
    return [titles[piece] for piece in pieces if piece in titles][:MOST_CITED]


def title_of(session: Session, piece_id: int | None) -> str:
    """The title of a session's service item, or ''."""
    return session.get_one(Piece, piece_id).title if piece_id else ""
