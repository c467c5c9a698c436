"""Half an answer: what an agent typed and did not send is kept for him, on whatever machine he sits down at next."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from bot.errors import WasClosed
from bot.models import Conversation, OutboundReply
from bot.states import ConversationState
from bot.team.models import Draft
from kernel.errors import Invalid, NotFound
from kernel.once import insert_once
from kernel.people import Permission, Viewer
from kernel.typed import tidy
from kernel.work import Work

LONGEST = 2000


def keep(work: Work, who: Viewer, conversation: Conversation, text: str) -> Draft | None:
    """Keeps what was typed in place of what was kept before; nothing typed, or sent meanwhile, is nothing to keep."""
    if not who.may(Permission.CONVERSATION_ANSWER, conversation.unit_id):
        raise NotFound
    if conversation.state == ConversationState.CLOSED:
        raise WasClosed
    text = tidy(text)
    if len(text) > LONGEST:
        raise Invalid(field="text", why=f"最多 {LONGEST} 字。")
    if not text.strip() or text.strip() == _sent_last(work.session, who, conversation):
        drop(work, who, conversation)
        return None
    names = {"conversation_id": conversation.id, "person_id": who.person_id}
    if not insert_once(work.session, Draft, **names, text=text, saved_at=work.now):
        work.session.execute(update(Draft).filter_by(**names).values(text=text, saved_at=work.now))
    return of(work.session, who, conversation)


def of(session: Session, who: Viewer, conversation: Conversation) -> Draft | None:
    """What he has kept here."""
    query = select(Draft).filter_by(conversation_id=conversation.id, person_id=who.person_id)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def drop(work: Work, who: Viewer, conversation: Conversation) -> None:
    """Forgets what he has kept here: it was sent."""
    gone = delete(Draft).where(Draft.conversation_id == conversation.id, Draft.person_id == who.person_id)
    work.session.execute(gone)


def drop_all(work: Work, conversations: Sequence[int]) -> None:
    """Forgets what anybody has kept in these: nothing more is said there."""
    work.session.execute(delete(Draft).where(Draft.conversation_id.in_(conversations)))


def _sent_last(session: Session, who: Viewer, conversation: Conversation) -> str | None:
    """A page saves while it sends: what arrives late is no half answer any more."""
    query = select(OutboundReply.text).where(
        OutboundReply.conversation_id == conversation.id,
        OutboundReply.side == "agent",
        OutboundReply.person_id == who.person_id,
    )
    return session.scalar(query.order_by(OutboundReply.id.desc()).limit(1))
