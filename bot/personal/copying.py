"""Gathers everything one citizen left, unmasked: only for himself, and for whoever hands it to him."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import store
from bot.casework.models import FollowUp
from bot.citizen_files.states import FileState
from bot.comments.models import Comment, CommentAnswer
from bot.models import Conversation, NoticeConsent, PublicAnswer, Rating, Ticket, TicketNotice
from bot.personal.subject import Identity, Subject, belonging, comments_of, conversations_of, tickets_of
from bot.states import FOLLOW_UPS, RATINGS, TICKET_LABELS, shown_outside
from kernel.people import Unit

Data = Mapping[str, Any]


def gather(session: Session, subject: Subject) -> dict[str, Any]:
    """Tickets, and by account what was said, sent, rated and written beneath articles."""
    return {
        "phone": subject.phone,
        "tickets": [_ticket(session, one) for one in tickets_of(session, subject) if one.forgotten_at is None],
        "accounts": [_account(session, one) for one in subject.identities],
    }


def _ticket(session: Session, ticket: Ticket) -> Data:
    followed = session.scalars(select(FollowUp).where(FollowUp.ticket_id == ticket.id).order_by(FollowUp.id))
    notices = session.scalars(select(TicketNotice).where(TicketNotice.ticket_id == ticket.id).order_by(TicketNotice.id))
    published = select(PublicAnswer.id).where(PublicAnswer.ticket_id == ticket.id, PublicAnswer.hidden_at.is_(None))
    return {
        "number": ticket.number,
        "kind": ticket.kind,
        "unit": session.get_one(Unit, ticket.unit_id).name,
        "state": TICKET_LABELS[shown_outside(ticket.state)],
        "text": ticket.text,
        "name": ticket.name,
        "contact": ticket.contact,
        "page": ticket.page,
        "made_at": _at(ticket.created_at),
        "answer": ticket.answer if ticket.answered_at else "",
        "answered_at": _at(ticket.answered_at),
        "closed_at": _at(ticket.closed_at),
        "given_to_the_hotline_as": ticket.hotline_number or "",
        "published": session.scalar(published) is not None,
        "follow_ups": [{"at": _at(one.made_at), "result": FOLLOW_UPS.get(one.result, "")} for one in followed],
        "notices": [{"at": _at(one.done_at), "state": one.state, "way": one.way} for one in notices],
    }


def _account(session: Session, identity: Identity) -> Data:
    about = belonging(session, identity)
    query = select(Conversation).where(conversations_of([identity]), Conversation.forgotten_at.is_(None))
    written = session.scalars(select(Comment).where(comments_of([identity])).order_by(Comment.id))
    return {
        "account": about.account,
        "channel": about.channel,
        "identity": identity.sender,
        "conversations": [_conversation(session, one) for one in session.scalars(query.order_by(Conversation.id))],
        "notices_agreed_to": _agreed(session, identity),
        "comments": [_comment(session, one) for one in written],
    }


def _agreed(session: Session, identity: Identity) -> list[Data]:
    query = select(NoticeConsent).where(
        NoticeConsent.account_id == identity.account_id, NoticeConsent.sender == identity.sender
    )
    rows = session.scalars(query.order_by(NoticeConsent.id))
    return [{"form": row.template_id, "agreed": row.left > 0, "decided_at": _at(row.heard_at)} for row in rows]


def _conversation(session: Session, conversation: Conversation) -> Data:
    score = session.scalar(select(Rating.score).where(Rating.conversation_id == conversation.id))
    return {
        "begun_at": _at(conversation.opened_at),
        "ended_at": _at(conversation.closed_at),
        "rating": RATINGS[score - 1] if score else "",
        "lines": [_line(one) for one in store.lines_of(session, conversation.id, 0, private=False)],
    }


def _line(line: store.Line) -> Data:
    media = dict(line.media)
    if line.file is not None and line.file.state == FileState.KEPT:
        media |= {"sha256": line.file.sha256, "media_type": line.file.media_type}
    return {"at": _at(line.at), "side": line.side, "text": line.text, "media": media}


def _comment(session: Session, comment: Comment) -> Data:
    answers: Sequence[str] = session.scalars(
        select(CommentAnswer.text).where(CommentAnswer.comment_id == comment.id, CommentAnswer.removed_at.is_(None))
    ).all()
    return {"at": _at(comment.at), "name": comment.name, "text": comment.text, "answers": list(answers)}


def _at(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
