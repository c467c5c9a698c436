"""What a person does with a conversation: take, answer, note, transfer, put off, close.

Two cannot do it over each other: who acts is decided by one conditional UPDATE on the conversation's row.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, select, update

from bot import expecting, parts, reply, rules, services, store, waiting, windows
from bot.errors import NobodyThere, NotReachable, TakenAlready, TooLate, WasClosed
from bot.events import ConversationAssigned, ConversationChanged, DangerSeen, PersonWanted, WaitOver
from bot.handoff import REASON_LABELS
from bot.models import Conversation, OutboundReply
from bot.reply import Said
from bot.states import ConversationState, ReplyState
from bot.team import classes, drafts, merging, variables
from bot.words import Words
from kernel.errors import Invalid, NotFound, WrongState
from kernel.office_rules import value_of
from kernel.people import Permission, Person, Viewer, holders, named
from kernel.typed import tidy
from kernel.work import Work

S = ConversationState
LONGEST, LONGEST_KEY = 2000, 60
LONGEST_PAUSE = timedelta(days=30)
FREE = (S.BOT, S.WAITING)
MINE = (S.OPEN, S.SNOOZED)


def take(work: Work, who: Viewer, conversation: Conversation, words: Words, *, answering: bool = False) -> None:
    """Takes a conversation from the queue, or from the bot; the citizen is told who is there."""
    _give(work, who, conversation, words, answering=answering)
    if conversation.urgent_at is not None and conversation.acknowledged_at is None:
        acknowledge(work, who, conversation)


def must_be_free(work: Work, conversation: Conversation) -> None:
    """Raises TakenAlready or WasClosed where nobody can take it any more; who takes it is decided in its row."""
    if conversation.state not in FREE:
        _refuse(work, conversation)


def assign(work: Work, who: Viewer, conversation: Conversation, words: Words) -> None:
    """Gives a conversation to somebody who is told of it; danger goes on alarming, for nobody has seen it yet."""
    _give(work, who, conversation, words)
    reason = REASON_LABELS.get(conversation.waiting_reason, "")
    last = store.last_words(work.session, conversation.id)
    work.emit(ConversationAssigned(conversation.id, conversation.unit_id, who.person_id, reason, last))


def _give(work: Work, who: Viewer, conversation: Conversation, words: Words, *, answering: bool = False) -> None:
    _must(who, conversation)
    waited = conversation.state == S.WAITING
    values: dict[str, object] = {
        "state": S.OPEN,
        "agent_id": who.person_id,
        "handed_off_at": conversation.handed_off_at or work.now,
        "handoff_reason": conversation.handoff_reason or "taken",
        "taken_at": conversation.taken_at or work.now,
        "waiting_since": None,
        "idle_warned_at": None,
    }
    if not _move(work, conversation, Conversation.state.in_(FREE), values):
        _refuse(work, conversation)
    if waited:
        work.emit(WaitOver(conversation.id, conversation.unit_id))
    merging.follow(work, conversation)
    work.audit("conversation.taken", conversation)
    here = words.say("connected", agent=agent_number(who.person_id))
    # He waited, or the bot answers him no more: either way he is told; an answer that follows says so itself.
    if answering or not reply.tell(work, conversation, here, reply.LEFT_TO_ANSWER):
        reply.book(work, conversation, "event", Said(here))


def answer(
    work: Work, who: Viewer, conversation: Conversation, text: str, words: Words, key: str = ""
) -> OutboundReply:
    """Answers the citizen; what nobody has yet is taken with the first answer.

    The same words under the same `key` were sent again because their sender did not hear that they had arrived: they
    stand as they were said. Other words are another answer: he wrote on without knowing that the first had arrived.
    """
    _must(who, conversation)
    if len(key) > LONGEST_KEY:
        raise Invalid(field="key", why=f"不能超过 {LONGEST_KEY} 个字符。")
    text = _words(text)
    key = sha256(f"{key}\0{text}".encode()).hexdigest()[:32] if key else ""
    said = _said(work, who, conversation, key) if key else None
    if said is not None:
        return said
    variables.must_be_filled(text, "text")
    why = windows.hindrance(conversation, work.now)
    if why:
        raise NotReachable(why=why)
    messages = parts.spread(Said(text), conversation.channel)
    if conversation.messages_left is not None and len(messages) > max(1, conversation.messages_left):
        left = conversation.messages_left
        raise Invalid(field="text", why=f"这段答复要分 {len(messages)} 条发出，平台只再收 {left} 条，请缩短。")
    if conversation.state in FREE:
        take(work, who, conversation, words, answering=True)
    _hold(work, who, conversation)
    conversation.first_reply_at = conversation.first_reply_at or work.now
    conversation.idle_warned_at = None
    booked, *_rest = [
        reply.book(work, conversation, "agent", one, person_id=who.person_id, key=key) for one in messages
    ]
    drafts.drop(work, who, conversation)
    work.audit("conversation.answered", conversation, reply=booked.id)
    return booked


def _said(work: Work, who: Viewer, conversation: Conversation, key: str) -> OutboundReply | None:
    mine = (OutboundReply.conversation_id == conversation.id) & (OutboundReply.person_id == who.person_id)
    query = select(OutboundReply).where(mine, OutboundReply.key == key).order_by(OutboundReply.number).limit(1)
    return work.session.scalars(query).one_or_none()


def send_again(work: Work, who: Viewer, conversation: Conversation, reply_id: int) -> OutboundReply:
    """Sends a reply that failed or whose fate nobody knows once more; only a person decides that."""
    _must(who, conversation)
    _hold(work, who, conversation)
    old = work.session.get(OutboundReply, reply_id)
    if old is None or old.conversation_id != conversation.id:
        raise NotFound
    if old.state not in (ReplyState.FAILED, ReplyState.UNKNOWN):
        raise WrongState(state="已处理", act="重发")
    why = windows.hindrance(conversation, work.now)
    if why:
        raise NotReachable(why=why)
    old.reason = f"{old.reason}（已由人重发）"[:300]
    old.state = ReplyState.FAILED
    fresh = reply.book(work, conversation, old.side, Said(old.text, choices=old.choices), person_id=who.person_id)
    work.audit("reply.sent_again", conversation, reply=fresh.id, first=old.id)
    return fresh


def note(work: Work, who: Viewer, conversation: Conversation, text: str) -> None:
    """内部备注: colleagues read it, the citizen never does."""
    _must(who, conversation)
    reply.book(work, conversation, "note", Said(_words(text)), person_id=who.person_id)
    work.audit("conversation.noted", conversation)


def transfer(work: Work, who: Viewer, conversation: Conversation, to: int | None, reason: str, words: Words) -> None:
    """Gives the conversation to a colleague, or back to the queue when `to` is None; the citizen is told.

    Whoever leads the desk does so with a colleague's as well.
    """
    hold_to_pass(work, who, conversation)
    if to is None:
        told_so = conversation.state in MINE
        ahead = waiting.queue(work, conversation, "transferred")
        if told_so:
            tell_returned(work, conversation, ahead, words)
        said = "转回队列"
    else:
        colleague = _colleague(work, conversation, to)
        if conversation.state == S.WAITING:
            work.emit(WaitOver(conversation.id, conversation.unit_id))
        conversation.state, conversation.agent_id = S.OPEN, colleague.id
        conversation.handed_off_at = conversation.handed_off_at or work.now
        conversation.handoff_reason = conversation.handoff_reason or "transferred"
        conversation.taken_at = conversation.taken_at or work.now
        conversation.waiting_since = conversation.snoozed_until = conversation.idle_warned_at = None
        label = REASON_LABELS["transferred"]
        work.emit(PersonWanted(conversation.id, conversation.unit_id, label, reason[:200], 1))
        if conversation.channel in reply.OWN_PAGES:  # Elsewhere the colleague's answer says so.
            reply.tell(work, conversation, words.say("passed", agent=agent_number(colleague.id)))
        said = f"转给{colleague.name}"
    merging.follow(work, conversation)
    reason = tidy(reason).strip()[:300]
    text = f"{who.name}{said}" + (f"：{reason}" if reason else "")
    reply.book(work, conversation, "note", Said(text), person_id=who.person_id)
    work.audit("conversation.transferred", conversation, to=to, reason=reason[:300])
    work.emit(ConversationChanged(conversation.id, conversation.unit_id))


def hold_to_pass(work: Work, who: Viewer, conversation: Conversation) -> None:
    """Makes sure that this person may give it on: it is his, nobody's yet, or a colleague's and he leads the desk."""
    _must(who, conversation)
    if conversation.state in MINE and conversation.agent_id != who.person_id and leads(who, conversation):
        _take_over(work, conversation)
    elif conversation.state in MINE:
        _hold(work, who, conversation)
    elif not _move(work, conversation, Conversation.state.in_(FREE), {"state": conversation.state}):
        _refuse(work, conversation)


def may_pass(who: Viewer, conversation: Conversation) -> bool:
    """Whether he may give it to somebody else, as far as can be seen before it is done."""
    his = conversation.state in FREE or conversation.agent_id == who.person_id or leads(who, conversation)
    return conversation.state != S.CLOSED and his and who.may(Permission.CONVERSATION_ANSWER, conversation.unit_id)


def leads(who: Viewer, conversation: Conversation) -> bool:
    """Whether this person may move what colleagues have at this desk."""
    return who.may(Permission.QUEUE_SUPERVISE, conversation.unit_id)


def _take_over(work: Work, conversation: Conversation) -> None:
    """Makes sure, in the row itself, that it is still with whom it was seen."""
    seen = (Conversation.state.in_(MINE)) & (Conversation.agent_id == conversation.agent_id)
    if not _move(work, conversation, seen, {"state": S.OPEN, "snoozed_until": None}):
        _refuse(work, conversation)
    work.emit(WaitOver(conversation.id, conversation.unit_id))


def tell_returned(work: Work, conversation: Conversation, ahead: int, words: Words) -> None:
    """He waits again, which he cannot see on a platform; danger waits behind nobody."""
    danger = conversation.waiting_reason == "danger"
    expected = 0 if danger else expecting.minutes(work.session, conversation.unit_id, ahead, work.now)
    hotline = str(value_of(work.session, rules.HOTLINE, conversation.unit_id, work.now))
    told = words.waits("returned", 0 if danger else ahead, expected, hotline)
    reply.tell(work, conversation, told, leaves=1)


def snooze(work: Work, who: Viewer, conversation: Conversation, minutes: int) -> None:
    """稍后处理: out of sight for a while, back at once when the citizen writes."""
    if not 1 <= minutes <= 24 * 60:
        raise Invalid(field="minutes", why="请选择 1 分钟到 24 小时。")
    put_off(work, who, conversation, work.now + timedelta(minutes=minutes))


def put_off(work: Work, who: Viewer, conversation: Conversation, until: datetime | None) -> None:
    """暂挂 until an hour, or (None) until the citizen writes; never beyond what the platform still lets through."""
    _must(who, conversation)
    if until is not None and not timedelta() < until - work.now <= LONGEST_PAUSE:
        raise Invalid(field="until", why=f"请选择现在以后、{LONGEST_PAUSE.days} 天以内的时间。")
    shut = conversation.window_until
    if until is not None and shut is not None and shut > work.now and until >= shut:
        raise TooLate(field="until")
    _hold(work, who, conversation)
    conversation.state, conversation.snoozed_until = S.SNOOZED, until
    work.audit("conversation.snoozed", conversation, until=until.isoformat() if until else "")
    work.emit(ConversationChanged(conversation.id, conversation.unit_id))


def close(
    work: Work,
    who: Viewer,
    conversation: Conversation,
    summary: str,
    words: Words,
    service: str = "",
    class_id: int | None = None,
) -> None:
    """Ends the session with a summary and a class; the citizen is asked to rate it once, where a message reaches him.

    `service` is the title or code of the service item that was handled, by which the rating counts as 好差评.
    """
    _must(who, conversation)
    summary = tidy(summary)
    if len(summary.strip()) < 2:
        raise Invalid(field="summary", why="请用一句话写明处理结果。")
    if conversation.state == S.CLOSED:
        raise WasClosed
    conversation.class_id = classes.chosen(work.session, conversation.unit_id, class_id)
    item = services.named(work.session, service, work.now) if service.strip() else None
    if conversation.state in MINE:
        _hold(work, who, conversation)
    if conversation.agent_id is None:
        conversation.agent_id = who.person_id
    conversation.service_id = item.piece_id if item is not None else None
    if not windows.hindrance(conversation, work.now):
        conversation.rating_asked_at = work.now
        reply.book(
            work, conversation, "bot", Said(words.say("rating", service=item.title if item else ""), ask="rating")
        )
    if conversation.urgent_at is not None and conversation.acknowledged_at is None:
        acknowledge(work, who, conversation)
    waiting.close(work, conversation, summary)


def acknowledge(work: Work, who: Viewer, conversation: Conversation) -> None:
    """Somebody sees to the danger: the alarm stops."""
    _must(who, conversation)
    conversation.acknowledged_at, conversation.acknowledged_by = work.now, who.person_id
    work.audit("conversation.acknowledged", conversation, word=conversation.urgent_word)
    work.emit(DangerSeen(conversation.id, conversation.unit_id))
    work.emit(ConversationChanged(conversation.id, conversation.unit_id))


def colleagues(work: Work, conversation: Conversation, who: Viewer) -> list[tuple[int, str]]:
    """Who else may answer in this conversation's unit: ids and names."""
    ids = holders(work.session, Permission.CONVERSATION_ANSWER, conversation.unit_id, work.now)
    return named(work.session, [one for one in ids if one != who.person_id])


def agent_number(person_id: int) -> str:
    """What citizens are told instead of a name: three figures at least."""
    return f"{person_id:03d}"


def _must(who: Viewer, conversation: Conversation) -> None:
    if not who.may(Permission.CONVERSATION_ANSWER, conversation.unit_id):
        raise NotFound


def _hold(work: Work, who: Viewer, conversation: Conversation) -> None:
    """Makes sure, in the row itself, that the conversation is still this person's; he is called to it no more."""
    mine = (Conversation.state.in_(MINE)) & (Conversation.agent_id == who.person_id)
    if not _move(work, conversation, mine, {"state": S.OPEN, "snoozed_until": None}):
        _refuse(work, conversation)
    work.emit(WaitOver(conversation.id, conversation.unit_id))


def _move(work: Work, conversation: Conversation, where: ColumnElement[bool], values: dict[str, object]) -> bool:
    """Whether it was moved; raises NotFound where another unit's desk has it meanwhile."""
    work.session.flush()
    seen_at = conversation.unit_id
    statement = (
        update(Conversation)
        .where(Conversation.id == conversation.id, Conversation.unit_id == seen_at, where)
        .values(**values)
        .returning(Conversation.id)
        .execution_options(synchronize_session=False)
    )
    moved = work.session.scalar(statement) is not None
    work.session.refresh(conversation)
    if conversation.unit_id != seen_at:
        raise NotFound
    return moved


def _refuse(work: Work, conversation: Conversation) -> None:
    if conversation.state == S.CLOSED:
        raise WasClosed
    if conversation.state in FREE:
        raise WrongState(state="等待接入", act="这样做，请先接入")
    other = work.session.get(Person, conversation.agent_id) if conversation.agent_id else None
    raise TakenAlready(name=other.name if other else "同事")


def _colleague(work: Work, conversation: Conversation, person_id: int) -> Person:
    person = work.session.get(Person, person_id)
    may_answer = holders(work.session, Permission.CONVERSATION_ANSWER, conversation.unit_id, work.now)
    if person is None or person.id not in may_answer:
        raise NobodyThere(field="to", name=person.name if person else "此人")
    return person


def _words(text: str) -> str:
    text = tidy(text).strip()
    if not text:
        raise Invalid(field="text", why="请写下内容。")
    if len(text) > LONGEST:
        raise Invalid(field="text", why=f"最多 {LONGEST} 字。")
    return text
