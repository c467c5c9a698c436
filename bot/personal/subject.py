"""Whose data a request is about: one telephone that was proved by a code, or identities on single accounts.

Identities are never joined by guessing: a telephone's tickets name the conversations they came from, and a person
chooses which of those belong to the citizen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from bot.comments.models import Comment
from bot.dialogue.phrases import mobile_in
from bot.models import Conversation, InboundMessage, Ticket
from bot.personal.forgetting import NO_MEDIA
from channels.accounts.models import Account
from kernel.seal import Seal


@dataclass(frozen=True)
class Identity:
    """Who somebody is on one account (None: on our own page without one)."""

    account_id: int | None
    sender: str


@dataclass(frozen=True)
class Subject:
    """A telephone ('' for none), its tickets, and identities."""

    phone: str = ""
    identities: Sequence[Identity] = ()

    def sealed(self, seal: Seal) -> str:
        """As a request keeps it."""
        return seal.close(json.dumps([self.phone, [[one.account_id, one.sender] for one in self.identities]]))


@dataclass(frozen=True)
class Belonging:
    """What one identity left on its account: how much, from when to when."""

    identity: Identity
    account: str
    channel: str
    conversations: int
    messages: int
    media: int
    comments: int
    tickets: Sequence[str]
    first: datetime | None
    last: datetime | None


def opened(seal: Seal, sealed: str) -> Subject:
    """Whose data a request is about."""
    phone, identities = json.loads(seal.open(sealed))
    return Subject(phone, tuple(Identity(*one) for one in identities))


def of_conversation(conversation: Conversation) -> Identity:
    """With whom a conversation is held."""
    return Identity(conversation.account_id, conversation.sender)


def conversations_of(identities: Sequence[Identity]) -> ColumnElement[bool]:
    """The conversations of these identities."""
    return or_(
        *(
            and_(
                Conversation.account_id.is_(None)
                if one.account_id is None
                else Conversation.account_id == one.account_id,
                Conversation.sender == one.sender,
            )
            for one in identities
        )
    )


def comments_of(identities: Sequence[Identity]) -> ColumnElement[bool]:
    """What these identities wrote beneath articles of the same accounts."""
    known = [one for one in identities if one.account_id is not None and one.sender]
    return or_(
        Comment.id < 0, *(and_(Comment.account_id == one.account_id, Comment.author == one.sender) for one in known)
    )


def tickets_of(session: Session, subject: Subject) -> Sequence[Ticket]:
    """The tickets that give this telephone as their contact, and those that came of these identities' conversations."""
    found: dict[int, Ticket] = {}
    if subject.phone:
        query = select(Ticket).where(Ticket.contact.contains(subject.phone[-4:], autoescape=True))
        found = {one.id: one for one in session.scalars(query) if mobile_in(one.contact) == subject.phone}
    if subject.identities:
        query = select(Ticket).join(Conversation, Conversation.id == Ticket.conversation_id)
        found |= {one.id: one for one in session.scalars(query.where(conversations_of(subject.identities)))}
    return [found[number] for number in sorted(found)]


def offered(session: Session, subject: Subject) -> list[Belonging]:
    """The identities that may be the citizen's: those named already, and whoever held a conversation of his tickets.

    With each come those whose conversations a person merged with theirs, because it is the same citizen.
    """
    numbers = {ticket.conversation_id for ticket in tickets_of(session, subject) if ticket.conversation_id}
    if subject.identities:
        numbers |= set(session.scalars(select(Conversation.id).where(conversations_of(subject.identities))))
    mains = select(func.coalesce(Conversation.merged_into_id, Conversation.id)).where(Conversation.id.in_(numbers))
    together = or_(Conversation.id.in_(mains), Conversation.merged_into_id.in_(mains))
    query = select(Conversation).where(together, Conversation.forgotten_at.is_(None))
    found = [of_conversation(one) for one in session.scalars(query.order_by(Conversation.id))]
    return [belonging(session, one) for one in dict.fromkeys([*subject.identities, *found])]


def belonging(session: Session, identity: Identity) -> Belonging:
    """What one identity left."""
    mine = conversations_of([identity])
    first, last, count = session.execute(
        select(func.min(Conversation.opened_at), func.max(Conversation.heard_at), func.count(Conversation.id)).where(
            mine
        )
    ).one()
    said = select(func.count(InboundMessage.id)).join(Conversation, Conversation.id == InboundMessage.conversation_id)
    account = session.get(Account, identity.account_id) if identity.account_id else None
    tickets = select(Ticket.number).join(Conversation, Conversation.id == Ticket.conversation_id).where(mine)
    return Belonging(
        identity,
        account.name if account else "",
        account.channel if account else "portal",
        count,
        session.scalar(said.where(mine)) or 0,
        session.scalar(said.where(mine, InboundMessage.media != NO_MEDIA)) or 0,
        session.scalar(select(func.count(Comment.id)).where(comments_of([identity]))) or 0,
        session.scalars(tickets.order_by(Ticket.id)).all(),
        first,
        last,
    )
