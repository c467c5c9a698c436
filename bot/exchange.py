"""A citizen's words and the bot's answer in one commit, where the engine understands at once, or soon.

What a citizen wrote is committed before it is acknowledged, here as everywhere; only that the answer is in the same
commit. Of what more is to be done than to say something, `bot.decided` takes care. Whatever waits for something, or
meets a change by somebody else, takes the long way: stored first, dealt with afterwards. So this may at any place say
that it is not for here.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, exists, insert, select, update

from bot import windows
from bot.answering import Answering, Verdict
from bot.decided import Decided
from bot.events import ConversationChanged
from bot.gateway import CHAT
from bot.hearing import GOING, Going, Heard, Told, hear
from bot.models import Conversation, InboundMessage, OutboundReply, Rating
from bot.reply import Said
from bot.states import ConversationState, ReplyState, Route
from bot.store import CITIZEN, Line
from kernel.once import insertion_for
from kernel.work import Actor, Work, Works

BOT = ConversationState.BOT
# Who writes then writes to people; what is put off wakes up by it.
WITH_PEOPLE = frozenset({ConversationState.WAITING, ConversationState.OPEN})


@dataclass(frozen=True)
class Written:
    """A sentence on a page of ours; `key` is the page's own word for it."""

    key: str
    text: str


@dataclass(frozen=True)
class Held:
    """The conversation of whoever holds a token; `repeated`: this key was here before."""

    going: Going
    rated: bool
    repeated: bool


@dataclass(frozen=True)
class Push:
    """A platform's push that brought the sentence: its account, when it was written, and the bytes that answer it."""

    origin: str
    at: datetime
    answer: bytes


@dataclass(frozen=True)
class Ready:
    """A message and what the bot answers, not stored yet; `push` where a platform brought it.

    A conversation without a number (0) begins with it. Nothing is `said` where people have the conversation.
    """

    going: Going
    key: str
    told: Told
    verdict: Verdict
    said: Said | None
    push: Push | None = None


def held(work: Work, conversation_id: int, token_hash: str, key: str) -> Held | None:
    """The conversation with this number and token, by one statement; None when there is none."""
    asked = {"number": conversation_id, "token": token_hash, "key": key, "origin": CHAT}
    row = work.session.connection().execute(_HELD, asked).one_or_none()
    return None if row is None else Held(Going(*row[:-2]), *row[-2:])


def prepare(answering: Answering, work: Work, at: Held, written: Written) -> Ready | Decided | None:
    """What the bot answers or does at once; None where the long way has to be taken.

    `work` is the reading work in which the conversation was found; it is to end before anything is stored.
    """
    if not answering.engine.at_once() or not _open(at):
        return None
    told = _told(at, written)
    return ask(answering, at, written, hear(work, told, at.going, answering.zone, lambda: nullcontext(work)))


def listen(answering: Answering, work: Work, at: Held, written: Written) -> Heard | None:
    """What a decision rests on where the engine is across the network and answers soon; None for the long way."""
    if answering.engine.at_once() or not answering.engine.soon() or not _open(at):
        return None
    return hear(work, _told(at, written), at.going, answering.zone, answering.works.read)


def ask(answering: Answering, at: Held, written: Written, heard: Heard) -> Ready | Decided:
    """What the bot answers or does about what was heard; where the network is asked, no transaction is open."""
    verdict = answering.decide(heard)
    if verdict.said is None or _more(verdict):
        return Decided(heard, verdict)
    return Ready(at.going, written.key, heard.told, verdict, verdict.said)


def overhear(answering: Answering, work: Work, at: Held, written: Written) -> Ready | Decided | None:
    """A message to the people who have the conversation, and what the bot does besides; None for the long way."""
    if at.going.state not in WITH_PEOPLE or at.repeated:
        return None
    heard = hear(work, _told(at, written), at.going, answering.zone, lambda: nullcontext(work))
    verdict = answering.decide(heard)
    if verdict.said is not None or _more(verdict):
        return Decided(heard, verdict)
    return Ready(at.going, written.key, heard.told, verdict, None)


def _open(at: Held) -> bool:
    return at.going.state == BOT and not at.repeated


def _told(at: Held, written: Written) -> Told:
    return Told(0, at.going.lines + 1, "text", written.text.strip())


def keep(works: Works, actor: Actor, ready: Ready) -> list[Line]:
    """Stores what was said on both sides and returns it; nothing where somebody else was there in between."""
    return works.together(lambda work: _lines(ready, work.now) if store(work, ready) else [], actor)


def store(work: Work, ready: Ready, sender: str | None = None) -> int:
    """Stores what was said on both sides; the message's number, or 0 where somebody else was there in between.

    `sender` is the process that answers a push with it (see `bot.leaving`).
    """
    connection = work.session.connection()
    conversation_id = _advance(work, ready) if ready.going.id else _begin(work, ready)
    if not conversation_id:
        return 0
    stored: int = connection.execute(_INSERT_MESSAGE, _message(ready, conversation_id, work.now)).scalar_one()
    if ready.said is not None:
        answer = _reply(ready, ready.said, conversation_id, stored, work.now)
        connection.execute(_INSERT_REPLY, {**answer, "claimed_by": sender})
    work.emit(ConversationChanged(conversation_id, ready.going.unit_id))
    return stored


def _advance(work: Work, ready: Ready) -> int:
    """The number of the conversation, which stands where it was read no more; 0 where it did not stand there."""
    statement, opening = (_ADVANCE, _ADVANCE_AND_OPEN) if ready.going.state == BOT else (_HEAR, _HEAR_AND_OPEN)
    values = _stood(ready, work.now) | (_advanced(ready) if ready.going.state == BOT else {})
    window = _window(ready)
    if window is not None:
        statement = opening
        values |= {"new_window": window[0], "new_left": window[1]}
    return ready.going.id if work.session.connection().execute(statement, values).rowcount == 1 else 0


def _begin(work: Work, ready: Ready) -> int:
    """The number of the new conversation; 0 where one goes on already."""
    of, (dialogue, until) = ready.going, _dialogue(ready)
    values = {
        "unit_id": of.unit_id,
        "account_id": of.account_id,
        "channel": of.channel,
        "sender": of.sender,
        "state": of.state,
        "engine_session": of.engine_session,
        "lines": _last(ready),
        "failures": ready.verdict.failures,
        "pending": ready.verdict.pending,
        "choices": ready.verdict.choices,
        "dialogue": dialogue,
        "dialogue_until": until,
        "opened_at": work.now,
        "heard_at": work.now,
    }
    window = _window(ready)
    if window is not None:
        values |= {"window_until": window[0], "messages_left": window[1]}
    return work.session.connection().execute(_BEGIN[work.session.get_bind().dialect.name], values).scalar() or 0


def _window(ready: Ready) -> tuple[datetime, int | None] | None:
    """What of the platform's limits a citizen's words open; our own page has none."""
    return None if ready.push is None else windows.after_message(ready.going.channel, ready.push.at)


def _more(verdict: Verdict) -> bool:
    """Whether there is more to do than to say something."""
    return bool(
        verdict.handoff
        or verdict.danger
        or verdict.rating
        or verdict.leaves_word
        or verdict.more
        or verdict.filed
        or verdict.wanted
    )


def _dialogue(ready: Ready) -> tuple[dict[str, object], datetime | None]:
    """Where a dialogue of several turns stands afterwards, and when it is over by itself."""
    moved = ready.verdict.dialogue
    dialogue = ready.going.dialogue if moved is None else moved
    until = str(dialogue["until"]) if dialogue else ""
    return dict(dialogue), datetime.fromisoformat(until) if until else None


def _last(ready: Ready) -> int:
    """The number of the last thing said afterwards."""
    return ready.told.number + (ready.said is not None)


def _stood(ready: Ready, now: datetime) -> dict[str, object]:
    of = ready.going
    return {"number": of.id, "seen": of.lines, "whose": of.state, "last": _last(ready), "now": now}


def _advanced(ready: Ready) -> dict[str, object]:
    dialogue, until = _dialogue(ready)
    return {
        "new_dialogue": dialogue,
        "new_until": until,
        "new_pending": ready.verdict.pending,
        "new_choices": ready.verdict.choices,
        "new_failures": ready.verdict.failures,
    }


def _message(ready: Ready, conversation_id: int, now: datetime) -> dict[str, object]:
    return {
        "conversation_id": conversation_id,
        "number": ready.told.number,
        "origin": CHAT if ready.push is None else ready.push.origin,
        "key": ready.key,
        "kind": ready.told.kind,
        "text": ready.told.text,
        "at": now if ready.push is None else ready.push.at,
        "received_at": now,
        "handled_at": now,
        "outcome": ready.verdict.outcome,
        "answer": None if ready.push is None else ready.push.answer,
    }


def _reply(ready: Ready, said: Said, conversation_id: int, message_id: int, now: datetime) -> dict[str, object]:
    return {
        "conversation_id": conversation_id,
        "inbound_id": message_id,
        "number": ready.told.number + 1,
        "side": "bot",
        "text": said.text,
        "sources": [asdict(source) for source in said.sources],
        "choices": list(said.choices),
        "ask": said.ask,
        "rule": said.rule[:80],
        "basis": dict(said.basis),
        "state": ReplyState.DONE,
        "route": Route.CHAT if ready.push is None else Route.PASSIVE,
        "at": now,
        "done_at": now,
    }


def _lines(ready: Ready, now: datetime) -> list[Line]:
    said, number = ready.said, ready.told.number
    heard = Line(number, CITIZEN, ready.told.text, now)
    if said is None:
        return [heard]
    sources = [asdict(source) for source in said.sources]
    answer = Line(number + 1, "bot", said.text, now, sources=sources, choices=said.choices, ask=said.ask)
    return [heard, answer]


# Made once: building a statement costs more than running it.
_CONVERSATION, _MESSAGE = cast(Table, Conversation.__table__), cast(Table, InboundMessage.__table__)
_C, _M = _CONVERSATION.c, _MESSAGE.c
_INSERT_MESSAGE = insert(_MESSAGE).returning(_M.id)
_BEGIN = {name: insertion_for(name, Conversation).returning(_C.id) for name in ("sqlite", "postgresql")}
_INSERT_REPLY = insert(cast(Table, OutboundReply.__table__))
_HELD = select(
    *(_C[name] for name in GOING),
    exists().where(Rating.conversation_id == _C.id),
    exists().where(_M.origin == bindparam("origin"), _M.key == bindparam("key")),
).where(_C.id == bindparam("number"), _C.token_hash == bindparam("token"))
# Nobody said anything since it was read, and nothing that was stored first still waits for its turn.
_HEAR = (
    update(_CONVERSATION)
    .where(
        _C.id == bindparam("number"),
        _C.lines == bindparam("seen"),
        _C.state == bindparam("whose"),
        # What is answered in another conversation wakes that one.
        _C.merged_into_id.is_(None),
        ~exists().where(_M.conversation_id == _C.id, _M.handled_at.is_(None)),
    )
    .values(lines=bindparam("last"), heard_at=bindparam("now"))
)
_ADVANCE = _HEAR.values(
    pending=bindparam("new_pending"),
    choices=bindparam("new_choices"),
    failures=bindparam("new_failures"),
    dialogue=bindparam("new_dialogue"),
    dialogue_until=bindparam("new_until"),
)
# What a platform's citizen wrote lets him be written to again.
_HEAR_AND_OPEN, _ADVANCE_AND_OPEN = (
    statement.values(window_until=bindparam("new_window"), messages_left=bindparam("new_left"))
    for statement in (_HEAR, _ADVANCE)
)
