"""Takes off rows what a person said and who he is; the rows stay, because figures are counted from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, delete, exists, literal, literal_column, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from bot.casework.models import Extension, FollowUp, WrittenAnswer
from bot.citizen_files import store as citizen_files
from bot.citizen_files.models import CitizenFile
from bot.comments.models import Comment, CommentAnswer
from bot.events import CitizenForgotten
from bot.models import Conversation, InboundMessage, OutboundReply, PhoneCode, Ticket, TicketNotice
from bot.personal.models import DataRequest
from bot.states import ConversationState, TicketState
from bot.team import drafts
from bot.team.models import Handover
from kernel.work import Work

NO_MEDIA: ColumnElement[Any] = literal_column("'{}'")


def open_ticket_of(conversation: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Whether a ticket that came of the conversation is not closed: whoever handles it still needs its words."""
    return exists(select(Ticket.id).where(Ticket.conversation_id == conversation, Ticket.state != TicketState.CLOSED))


def conversations(work: Work, ids: Sequence[int]) -> None:
    """Forgets what was said on both sides of ended conversations, and with whom."""
    now = work.now
    of_these = InboundMessage.conversation_id.in_(ids)
    # The platform's key of an event holds who sent it; a number of our own is as good against a repeat that old.
    _set(work, InboundMessage, of_these, text="", media={}, answer=None, key=_own_number("gone-", InboundMessage.id))
    citizen_files.forget(work, CitizenFile.conversation_id.in_(ids))
    drafts.drop_all(work, ids)
    of_replies = OutboundReply.conversation_id.in_(ids)
    _set(work, OutboundReply, of_replies, text="", choices=[], sources=[], basis={}, reason="")
    _set(
        work,
        Conversation,
        Conversation.id.in_(ids),
        sender=_own_number("gone-", Conversation.id),
        name="",
        summary="",
        token_hash=None,
        pending="",
        choices=[],
        dialogue={},
        dialogue_until=None,
        forgotten_at=now,
    )
    _notes_about(work, set(ids), set())
    work.emit(CitizenForgotten(conversations=tuple(ids)))


def media(work: Work, ids: Sequence[int]) -> None:
    """Forgets the pictures, voices and files of these messages."""
    _set(work, InboundMessage, InboundMessage.id.in_(ids), media={})
    citizen_files.forget(work, CitizenFile.inbound_id.in_(ids))


def pushed_answers(work: Work, ids: Sequence[int]) -> None:
    """Forgets with what bytes a platform's push was answered; no repeat comes that late."""
    _set(work, InboundMessage, InboundMessage.id.in_(ids), answer=None)


def contacts(work: Work, ids: Sequence[int]) -> None:
    """Forgets how the citizens of these tickets are reached and called."""
    _set(work, Ticket, Ticket.id.in_(ids), contact="", name="")
    _set(work, TicketNotice, TicketNotice.ticket_id.in_(ids), sender="", values={}, url="")
    work.session.execute(delete(PhoneCode).where(PhoneCode.ticket_id.in_(ids)))


def tickets(work: Work, ids: Sequence[int]) -> None:
    """Forgets what closed tickets were about, what was answered and to whom; number, kind, unit and days stay."""
    contacts(work, ids)
    _set(work, Ticket, Ticket.id.in_(ids), text="", page="", answer="", urgent_word="", forgotten_at=work.now)
    _set(work, WrittenAnswer, WrittenAnswer.ticket_id.in_(ids), text="", words="")
    _set(work, FollowUp, FollowUp.ticket_id.in_(ids), words="")
    _set(work, Extension, Extension.ticket_id.in_(ids), reason="", words="")
    _notes_about(work, set(), set(ids))
    numbers = work.session.scalars(select(Ticket.number).where(Ticket.id.in_(ids))).all()
    work.emit(CitizenForgotten(tickets=tuple(ids), numbers=tuple(numbers)))


def comments(work: Work, ids: Sequence[int]) -> None:
    """Forgets who wrote beneath an article, what, and what was answered."""
    _set(work, Comment, Comment.id.in_(ids), author="", name="", text="")
    _set(work, CommentAnswer, CommentAnswer.comment_id.in_(ids), text="")


def handovers(work: Work, ids: Sequence[int]) -> None:
    """Forgets what was noted when these were handed on."""
    _set(work, Handover, Handover.id.in_(ids), note="")


def requests(work: Work, ids: Sequence[int]) -> None:
    """Forgets from which telephone these were asked, and what was said to them; that they were asked stays."""
    _set(work, DataRequest, DataRequest.id.in_(ids), mark="", reason="", words="")


def codes(work: Work, ids: Sequence[int]) -> None:
    """Forgets codes to telephones."""
    work.session.execute(delete(PhoneCode).where(PhoneCode.id.in_(ids)))


def still_open(session: Session, ids: Sequence[int]) -> Sequence[int]:
    """Those of these conversations that are not over, or of which a ticket is not closed."""
    going_on = Conversation.state != ConversationState.CLOSED
    query = select(Conversation.id).where(Conversation.id.in_(ids), going_on | open_ticket_of(Conversation.id))
    return session.scalars(query.order_by(Conversation.id)).all()


def ended() -> ColumnElement[bool]:
    """A conversation that is over and still holds what was said."""
    return and_(
        Conversation.state == ConversationState.CLOSED,
        Conversation.forgotten_at.is_(None),
        ~open_ticket_of(Conversation.id),
    )


def _notes_about(work: Work, conversation_ids: set[int], ticket_ids: set[int]) -> None:
    """A note is about all that was handed on with it: once taken over it is read no more."""
    query = select(Handover).where(Handover.note != "", Handover.taken_at.is_not(None))
    for row in work.session.scalars(query):
        if conversation_ids.intersection(row.conversations) or ticket_ids.intersection(row.tickets):
            row.note = ""


def _own_number(prefix: str, column: InstrumentedAttribute[int]) -> ColumnElement[str]:
    return literal(prefix) + cast(column, String)


def _set(work: Work, model: type, where: ColumnElement[bool], **values: object) -> None:
    work.session.execute(update(model).where(where).values(**values).execution_options(synchronize_session=False))
