"""Citizens whose agent does not answer: he is reminded, and where he has gone they wait for another."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from bot import desk, reply, rules, store, waiting, windows
from bot.events import PersonWanted
from bot.models import Conversation, InboundMessage, OutboundReply
from bot.reply import Said
from bot.states import ConversationState
from bot.team.models import Presence
from bot.words import Words
from kernel.office_rules import value_of
from kernel.people import Person
from kernel.work import Work

S = ConversationState
# Nobody's words are looked at sooner; and so long after the desk has closed an agent may still be writing.
SOONEST, GRACE = timedelta(minutes=1), timedelta(minutes=15)
_C = Conversation
_heard = select(func.max(InboundMessage.number)).where(InboundMessage.conversation_id == _C.id).scalar_subquery()
_said = (
    select(func.coalesce(func.max(OutboundReply.number), 0))
    .where(OutboundReply.conversation_id == _C.id, OutboundReply.side == "agent")
    .scalar_subquery()
)


def look_after(work: Work, words: Words, zone: ZoneInfo) -> None:
    """Reminds whoever leaves a citizen's last words alone, once for each; gives back what nobody will answer."""
    held = _C.state.in_(desk.MINE) & _C.merged_into_id.is_(None)
    out_of_office = select(Person.id).where(Person.active.is_(False))
    for conversation in store.locked(work.session, select(_C).where(held, _C.agent_id.in_(out_of_office))):
        _give_back(work, conversation, words, zone)
    alone = select(_C).where(
        held,
        _C.state == S.OPEN,
        _C.channel.not_in(windows.SPOKEN),
        _C.heard_at <= work.now - SOONEST,
        _heard > _said,
    )
    for conversation in store.locked(work.session, alone):
        pause = timedelta(minutes=float(value_of(work.session, rules.REMIND, conversation.unit_id, work.now)))
        silent = work.now - max(conversation.heard_at, conversation.taken_at or conversation.heard_at)
        if silent < pause:
            continue
        if _has_gone(work, conversation, closed=silent >= GRACE and not _is_open(work, conversation, zone)):
            _give_back(work, conversation, words, zone)
        elif conversation.reminded_at is None or conversation.reminded_at < conversation.heard_at:
            conversation.reminded_at = work.now
            last = store.last_words(work.session, conversation.id)
            work.emit(
                PersonWanted(
                    conversation.id, conversation.unit_id, f"已等 {silent // timedelta(minutes=1)} 分钟", last, 1
                )
            )


def _is_open(work: Work, conversation: Conversation, zone: ZoneInfo) -> bool:
    return rules.hours_of(work.session, conversation.unit_id, zone, work.now).open_at(work.now)


def _has_gone(work: Work, conversation: Conversation, *, closed: bool) -> bool:
    """Whether its agent left the desk since he took it; whoever never said where he is goes when the desk closes."""
    query = select(Presence).where(Presence.person_id == conversation.agent_id).order_by(Presence.id.desc()).limit(1)
    last = work.session.scalars(query).one_or_none()
    if last is not None and last.ended_at is None:
        return False
    left = last is not None and last.ended_at is not None and last.ended_at >= (conversation.taken_at or work.now)
    return left or closed


def _give_back(work: Work, conversation: Conversation, words: Words, zone: ZoneInfo) -> None:
    """He waits for somebody else; after hours he is told by the ticket that is made of it."""
    who = work.session.get(Person, conversation.agent_id)
    name = who.name if who is not None else ""
    reply.book(work, conversation, "note", Said(f"{name}已不在岗，会话自动转回队列"))
    ahead = waiting.queue(work, conversation, "shift")
    if _is_open(work, conversation, zone):
        desk.tell_returned(work, conversation, ahead, words)
