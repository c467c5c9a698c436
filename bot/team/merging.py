"""合并: conversations of one person on one account are answered in one of them; a person decides that they are his.

Each keeps its own history and its own way to the citizen; what happens to the main one happens to all.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import reply
from bot.errors import WasClosed
from bot.events import ConversationChanged
from bot.models import Conversation
from bot.reply import Said
from bot.states import ConversationState
from bot.team.errors import NotTheSame
from kernel.errors import Invalid, NotFound, WrongState
from kernel.people import Permission, Viewer
from kernel.typed import tidy
from kernel.work import Work

S = ConversationState


def join(work: Work, who: Viewer, main: Conversation, other: Conversation, reason: str) -> None:
    """Puts another conversation into this one; `reason` says how it is known that it is the same person."""
    for one in (main, other):
        if not who.may(Permission.CONVERSATION_ANSWER, one.unit_id):
            raise NotFound
        if one.state == S.CLOSED:
            raise WasClosed
    reason = tidy(reason).strip()[:300]
    if len(reason) < 2:
        raise Invalid(field="merge_reason", why="请写明如何确认是同一位市民。")
    same = (main.account_id, main.channel, main.unit_id) == (other.account_id, other.channel, other.unit_id)
    if main.id == other.id or not same:
        raise NotTheSame
    if main.merged_into_id is not None or other.merged_into_id is not None:
        raise WrongState(state="已合并", act="再合并")
    if main.agent_id != who.person_id or other.agent_id not in (None, who.person_id):
        raise WrongState(state="由同事接待", act="合并，请先接入或请同事转给您")
    other.merged_into_id, other.handed_off_at = main.id, other.handed_off_at or work.now
    for one in of(work.session, other.id):
        one.merged_into_id = main.id
    follow(work, main)
    for one, words in ((main, f"并入了会话 {other.id}"), (other, f"并入会话 {main.id}")):
        reply.book(work, one, "note", Said(f"{who.name}：{words}。{reason}"), person_id=who.person_id)
    work.audit("conversation.merged", other, into=main.id, reason=reason)


def separate(work: Work, who: Viewer, other: Conversation) -> None:
    """Takes a conversation out again; it stays with whoever has it."""
    if not who.may(Permission.CONVERSATION_ANSWER, other.unit_id):
        raise NotFound
    if other.merged_into_id is None:
        raise WrongState(state="没有合并", act="拆分")
    work.audit("conversation.separated", other, of=other.merged_into_id)
    other.merged_into_id = None
    if other.state == S.OPEN and other.agent_id is None:
        other.agent_id = who.person_id
    work.emit(ConversationChanged(other.id, other.unit_id))


def of(session: Session, conversation_id: int) -> Sequence[Conversation]:
    """What is answered in a conversation too and has not ended."""
    query = select(Conversation).where(Conversation.merged_into_id == conversation_id, Conversation.state != S.CLOSED)
    return session.scalars(query.order_by(Conversation.id)).all()


def history(session: Session, conversation_id: int) -> Sequence[Conversation]:
    """The same, those that have ended too."""
    query = select(Conversation).where(Conversation.merged_into_id == conversation_id)
    return session.scalars(query.order_by(Conversation.id)).all()


def follow(work: Work, main: Conversation) -> None:
    """Whoever has the main conversation has the others."""
    work.session.flush()
    for one in of(work.session, main.id):
        one.state, one.agent_id = S.OPEN, main.agent_id
        one.waiting_since = one.snoozed_until = None
        one.pending, one.choices, one.dialogue, one.dialogue_until = "", [], {}, None
        work.emit(ConversationChanged(one.id, one.unit_id))


def heard(work: Work, other: Conversation) -> None:
    """The citizen wrote in one that is answered elsewhere: that one is awake."""
    if other.merged_into_id is None:
        return
    main = work.session.get_one(Conversation, other.merged_into_id)
    if main.state == S.SNOOZED:
        main.state, main.snoozed_until = S.OPEN, None
    work.emit(ConversationChanged(main.id, main.unit_id))


def candidates(session: Session, conversation: Conversation, who: Viewer) -> Sequence[Conversation]:
    """Which others of the same account could be the same person's: going on, and nobody else's."""
    query = select(Conversation).where(
        Conversation.account_id == conversation.account_id,
        Conversation.channel == conversation.channel,
        Conversation.unit_id == conversation.unit_id,
        Conversation.id != conversation.id,
        Conversation.merged_into_id.is_(None),
        Conversation.state.in_((S.WAITING, S.OPEN, S.SNOOZED, S.BOT)),
        (Conversation.agent_id.is_(None)) | (Conversation.agent_id == who.person_id),
    )
    return session.scalars(query.order_by(Conversation.heard_at.desc()).limit(20)).all()
