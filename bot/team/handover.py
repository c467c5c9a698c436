"""交接班: open conversations go to a colleague or to whoever is on next, with a note; each citizen is told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import reply, rules, waiting
from bot.errors import NobodyThere
from bot.events import ConversationChanged, HandedOver, ShiftEnds, WaitOver
from bot.models import Conversation, Ticket
from bot.reply import Said
from bot.states import UNANSWERED, ConversationState
from bot.team import merging, presence, shifts
from bot.team.errors import NothingToHandOver, TakenOver
from bot.team.models import Handover, Turn
from bot.words import Words
from kernel.errors import NotFound
from kernel.people import Permission, Person, Viewer, holders
from kernel.typed import tidy
from kernel.work import Work

P = Permission
S = ConversationState
LONGEST = 2000
WARNED = timedelta(minutes=15)
PAUSE = timedelta(minutes=30)
"""Who is on again so soon keeps what he has."""


@dataclass(frozen=True)
class Load:
    """What somebody has going on at a desk."""

    conversations: Sequence[Conversation]
    tickets: Sequence[Ticket]


def load_of(session: Session, unit_id: int, person_id: int) -> Load:
    """His conversations of the unit that have not ended, and the tickets given to him that are not answered."""
    talks = select(Conversation).where(
        Conversation.unit_id == unit_id,
        Conversation.agent_id == person_id,
        Conversation.state.in_((S.OPEN, S.SNOOZED)),
        Conversation.merged_into_id.is_(None),
    )
    tickets = select(Ticket).where(
        Ticket.unit_id == unit_id, Ticket.handler_id == person_id, Ticket.state.in_(UNANSWERED)
    )
    return Load(
        session.scalars(talks.order_by(Conversation.id)).all(), session.scalars(tickets.order_by(Ticket.due_at)).all()
    )


def hand_over(work: Work, who: Viewer, unit_id: int, to: int | None, note: str, words: Words) -> Handover:
    """Hands everything one has to a colleague, or to the queue of whoever is on next."""
    if not who.may(P.CONVERSATION_ANSWER, unit_id):
        raise NotFound
    note = tidy(note).strip()[:LONGEST]
    load = load_of(work.session, unit_id, who.person_id)
    if not (load.conversations or load.tickets or note):
        raise NothingToHandOver
    if to is not None and (
        to == who.person_id or to not in holders(work.session, P.CONVERSATION_ANSWER, unit_id, work.now)
    ):
        person = work.session.get(Person, to)
        raise NobodyThere(field="to", name=person.name if person else "此人")
    made = _made(work, unit_id, who.person_id, load, to=to, note=note)
    for conversation in load.conversations:
        _pass(work, conversation, who.name, to, note)
        reply.tell(work, conversation, words.say("shift"))
    work.emit(HandedOver(made.id, unit_id, who.person_id, who.name, to, len(load.conversations)))
    return made


def one(session: Session, who: Viewer, handover_id: int) -> Handover:
    """A hand-over of a desk at which he may answer; raises NotFound."""
    made = session.get(Handover, handover_id)
    if made is None or not who.may(P.CONVERSATION_ANSWER, made.unit_id):
        raise NotFound
    return made


def may_take(who: Viewer, made: Handover) -> bool:
    """Whether it is there for him, and nobody has taken it."""
    return made.taken_by is None and made.from_id != who.person_id and made.to_id in (None, who.person_id)


def take(work: Work, who: Viewer, made: Handover) -> None:
    """接班: somebody has read the note and goes on."""
    if not who.may(P.CONVERSATION_ANSWER, made.unit_id) or made.from_id == who.person_id:
        raise NotFound
    if made.to_id not in (None, who.person_id):
        raise NotFound
    if made.taken_by is not None:
        raise TakenOver(name=work.session.get_one(Person, made.taken_by).name)
    made.taken_by, made.taken_at = who.person_id, work.now
    work.audit("handover.taken", made)


def waiting_for(session: Session, who: Viewer) -> list[tuple[Handover, str]]:
    """Hand-overs that this person may take, the newest first."""
    query = (
        select(Handover, Person.name)
        .join(Person, Person.id == Handover.from_id)
        .where(
            Handover.unit_id.in_(who.units(P.CONVERSATION_ANSWER)),
            Handover.taken_at.is_(None),
            Handover.from_id != who.person_id,
            (Handover.to_id.is_(None)) | (Handover.to_id == who.person_id),
        )
    )
    return [(made, name) for made, name in session.execute(query.order_by(Handover.id.desc()).limit(20))]


def end_turns(work: Work, words: Words, zone: ZoneInfo) -> None:
    """Warns who goes soon and still has conversations; what somebody has whose shift is over goes to the next."""
    soon = select(Turn).where(Turn.over_at.is_(None), Turn.warned_at.is_(None), Turn.ends_at <= work.now + WARNED)
    for turn in work.session.scalars(soon.order_by(Turn.id).limit(200).with_for_update(skip_locked=True)):
        turn.warned_at = work.now
        _tell(work, turn, over=False)
    over = select(Turn).where(Turn.over_at.is_(None), Turn.ends_at <= work.now)
    for turn in work.session.scalars(over.order_by(Turn.id).limit(200).with_for_update(skip_locked=True)):
        turn.over_at = work.now
        if not shifts.goes_on(work.session, turn.person_id, turn.unit_id, work.now, PAUSE):
            _end(work, turn, words, zone)


def _end(work: Work, turn: Turn, words: Words, zone: ZoneInfo) -> None:
    load = load_of(work.session, turn.unit_id, turn.person_id)
    presence.end_for(work, turn.person_id)
    if not load.conversations:
        return
    person = work.session.get_one(Person, turn.person_id)
    _tell(work, turn, over=True)
    made = _made(work, turn.unit_id, turn.person_id, load, to=None, note="", by_itself=True)
    goes_on = rules.hours_of(work.session, turn.unit_id, zone, work.now).open_at(work.now)
    for conversation in load.conversations:
        _pass(work, conversation, person.name, None, "班次结束，自动交给下一班")
        if goes_on:  # After hours the citizen is told by the ticket that is made of it.
            reply.tell(work, conversation, words.say("shift"))
    work.emit(HandedOver(made.id, turn.unit_id, person.id, person.name, None, len(load.conversations)))


def _tell(work: Work, turn: Turn, *, over: bool) -> None:
    count = len(load_of(work.session, turn.unit_id, turn.person_id).conversations)
    if count:
        work.emit(ShiftEnds(turn.unit_id, turn.person_id, turn.id, count, turn.ends_at, over))


def _made(
    work: Work, unit_id: int, from_id: int, load: Load, *, to: int | None, note: str, by_itself: bool = False
) -> Handover:
    made = Handover(
        unit_id=unit_id,
        from_id=from_id,
        to_id=to,
        note=note,
        conversations=[one.id for one in load.conversations],
        tickets=[one.id for one in load.tickets],
        by_itself=by_itself,
        made_at=work.now,
    )
    work.session.add(made)
    work.session.flush()
    work.audit("handover.made", made, to=to, conversations=made.conversations, tickets=made.tickets)
    return made


def _pass(work: Work, conversation: Conversation, name: str, to: int | None, note: str) -> None:
    reply.book(work, conversation, "note", Said(f"{name}交班" + (f"：{note}" if note else "")))
    if to is None:
        waiting.queue(work, conversation, "shift")
    else:
        work.emit(WaitOver(conversation.id, conversation.unit_id))
        conversation.state, conversation.agent_id = S.OPEN, to
        conversation.snoozed_until = None
        merging.follow(work, conversation)
        work.audit("conversation.transferred", conversation, to=to, reason="交接班")
        work.emit(ConversationChanged(conversation.id, conversation.unit_id))
