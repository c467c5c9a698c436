"""Receives what a citizen says, once: however often a platform pushes it, one row and one run of the bot."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import windows
from bot.citizen_files import store as files
from bot.events import ConversationChanged
from bot.models import Conversation, InboundMessage, Rating
from bot.nlu.text import MAX_CHARS
from bot.ratings import RATE_WITHIN
from bot.reply import give_back, next_number
from bot.rules import desk_of
from bot.states import ConversationState
from bot.team import merging
from channels.abilities.citizens_files import HANDLE
from channels.accounts.models import Account
from channels.base import MENTION, Follower, Message
from kernel.claim import new_claimant
from kernel.once import insert_once, insertion
from kernel.typed import tidy
from kernel.work import Work

S = ConversationState

LONGEST = 2000
LEASE = timedelta(seconds=30)
CHAT = "chat"
FOLLOW = "follow"
# A follower scanned one of the account's codes; the message's text is the code's scene.
SCAN = "scan"
TOUCHES = frozenset({"click", SCAN, "view", "position", FOLLOW})
# A touch that says nothing: the bot stays silent.
SILENT = frozenset({"view", "position"})
NO_MEDIA: Mapping[str, str] = {}
_OBEYED = re.compile(r"^[\s/／]+")


@dataclass(frozen=True)
class Arrival:
    """One thing a citizen said or did; `origin` and `key` together tell a repeat."""

    origin: str
    key: str
    sender: str
    kind: str
    text: str
    at: datetime
    media: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """The stored message: `fresh` only for the call that stored it; `answer` is what answered an earlier push."""

    inbound_id: int
    conversation_id: int
    fresh: bool
    answer: bytes | None = None


def arrival_of(account: Account, inbound: Message | Follower) -> Arrival | None:
    """What came on an account's callback address; None for what is nobody's words."""
    if isinstance(inbound, Follower):
        kind, text, media = FOLLOW if inbound.joined else "leave", inbound.scene, NO_MEDIA
    elif inbound.kind in SILENT:
        return None
    else:
        kind, text, media = inbound.kind, inbound.text, inbound.media
    told = {tidy(name): tidy(value) for name, value in media.items()}
    key, sender = tidy(inbound.key), tidy(inbound.sender)
    return Arrival(origin_of(account.id), key, sender, kind, tidy(text), inbound.at, told)


def visitor() -> str:
    """A name for somebody on a page of ours, of whom nothing is known."""
    return f"visitor-{secrets.token_hex(8)}"


def origin_of(account_id: int) -> str:
    """The origin of what an account's platform pushes."""
    return f"account-{account_id}"


def sentence(arrival: Arrival) -> str:
    """What was said, as it is kept."""
    return tidy(arrival.text).strip()[:LONGEST]


def rates(arrival: Arrival) -> bool:
    """Whether it is a figure that may rate a session."""
    return arrival.kind == "text" and arrival.text.strip() in {"1", "2", "3", "4", "5"}


def receive(work: Work, account: Account, arrival: Arrival) -> Received:
    """Stores a push once, in the one conversation of this person and account that goes on."""
    known = _known(work.session, arrival)
    if known is not None:
        return known
    return store(work, _conversation(work, account, arrival), arrival)


def store(work: Work, conversation: Conversation, arrival: Arrival) -> Received:
    """Stores what was said in this conversation; the caller that gets `fresh` runs the bot."""
    statement = insertion(work.session, InboundMessage).values(
        conversation_id=conversation.id,
        number=next_number(work, conversation),
        origin=arrival.origin,
        key=arrival.key[:150],
        kind=arrival.kind[:20],
        text=sentence(arrival),
        media=dict(arrival.media),
        at=arrival.at,
        received_at=work.now,
        outcome="",
        claimed_by=new_claimant(),
        claimed_until=work.now + LEASE,
    )
    stored = work.session.scalar(statement.returning(InboundMessage.id))
    if stored is None:
        known = _known(work.session, arrival)
        if known is None:
            raise RuntimeError("a stored message must be found")
        give_back(work, conversation)  # Its repeat was a moment faster; no place in the conversation stays empty.
        return known
    files.awaited(work, conversation, stored, arrival.kind, arrival.media.get(HANDLE, ""), arrival.at)
    if arrival.kind == "leave":
        windows.left(conversation)
    else:
        mention = MENTION in arrival.media
        windows.opened(conversation, arrival.at, touch=arrival.kind in TOUCHES, mention=mention)
        conversation.heard_at = work.now
    if conversation.state == S.SNOOZED:
        conversation.state, conversation.snoozed_until = S.OPEN, None
    merging.heard(work, conversation)
    work.emit(ConversationChanged(conversation.id, conversation.unit_id))
    return Received(stored, conversation.id, fresh=True)


def begin(
    work: Work,
    *,
    unit_id: int,
    account_id: int | None,
    channel: str,
    sender: str,
    name: str = "",
    token_hash: str | None = None,
) -> Conversation:
    """Begins a service session; the engine gets a fresh sender id with it."""
    conversation = Conversation(
        unit_id=unit_id,
        account_id=account_id,
        channel=channel,
        sender=sender,
        name=name,
        state=S.BOT,
        engine_session=secrets.token_hex(16),
        token_hash=token_hash,
        lines=0,
        failures=0,
        choices=[],
        dialogue={},
        opened_at=work.now,
        heard_at=work.now,
    )
    work.session.add(conversation)
    work.session.flush()
    return conversation


def for_engine(text: str) -> str:
    """A citizen's text as an engine may see it: capped, and without a leading "/", which Rasa would obey.

    Rasa takes away every space that Unicode knows before it looks for one.
    """
    return _OBEYED.sub("", text[:MAX_CHARS])


def _known(session: Session, arrival: Arrival) -> Received | None:
    query = select(InboundMessage).where(
        InboundMessage.origin == arrival.origin, InboundMessage.key == arrival.key[:150]
    )
    row = session.scalars(query).one_or_none()
    return Received(row.id, row.conversation_id, fresh=False, answer=row.answer) if row else None


def _conversation(work: Work, account: Account, arrival: Arrival) -> Conversation:
    going_on = _going_on(work.session, account.id, arrival.sender)
    if going_on is not None:
        return going_on
    rated = _to_be_rated(work, account.id, arrival)
    if rated is not None:
        return rated
    insert_once(
        work.session,
        Conversation,
        unit_id=desk_of(work.session, account.unit_id, work.now),
        account_id=account.id,
        channel=account.channel,
        sender=arrival.sender[:120],
        name="",
        state=S.BOT.value,
        engine_session=secrets.token_hex(16),
        lines=0,
        failures=0,
        pending="",
        choices=[],
        dialogue={},
        opened_at=work.now,
        heard_at=work.now,
        waiting_reason="",
        summary="",
        urgent_word="",
        urgent_told=0,
    )
    begun = _going_on(work.session, account.id, arrival.sender)
    if begun is None:
        raise RuntimeError("a conversation that was begun must go on")
    return begun


def _going_on(session: Session, account_id: int, sender: str) -> Conversation | None:
    query = select(Conversation).where(
        Conversation.account_id == account_id, Conversation.sender == sender[:120], Conversation.state != S.CLOSED
    )
    return session.scalars(query.with_for_update()).one_or_none()


def _to_be_rated(work: Work, account_id: int, arrival: Arrival) -> Conversation | None:
    """The session that just ended, when this is the figure that rates it."""
    if not rates(arrival):
        return None
    query = (
        select(Conversation)
        .outerjoin(Rating, Rating.conversation_id == Conversation.id)
        .where(
            Conversation.account_id == account_id,
            Conversation.sender == arrival.sender[:120],
            Conversation.rating_asked_at > work.now - RATE_WITHIN,
            Rating.id.is_(None),
        )
        .order_by(Conversation.id.desc())
        .limit(1)
    )
    return work.session.scalars(query).one_or_none()
