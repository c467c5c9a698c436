"""Replies on their way to a citizen: booked as rows, claimed before the network, sent at most once.

A customer-service message has no key under which it could be repeated: what was in flight when a process died, or
whose answer was lost, is `unknown` and is sent again only by a person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Update, exists, select, update
from sqlalchemy.orm import aliased
from sqlalchemy.orm.attributes import set_committed_value

from bot import windows
from bot.events import ConversationChanged, ReplyBooked, ReplyLost
from bot.knowledge import Source
from bot.models import Conversation, InboundMessage, OutboundReply
from bot.states import ReplyState, Route
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import AccountInfo, Channel, Reply
from channels.errors import ChannelError, OutcomeUnknown, Retryable, Throttled, Unauthorised
from kernel.outbox import Outbox
from kernel.retry import RetryPolicy
from kernel.seal import Seal
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
S = ReplyState

PASSIVE_SECONDS = 5.0
LATE = "答复准备好时平台可能已断开，市民可能没有收到"
# What goes on from the answer to a push must not overtake it on its way.
FOLLOWS = timedelta(seconds=1)
RETRY = RetryPolicy(attempts=5, first=timedelta(seconds=5), factor=3.0, longest=timedelta(minutes=5))
BATCH = 20
OWN_PAGES = frozenset({"portal"})
# So many of a platform's messages are kept for the answer when the citizen is only told how it stands.
LEFT_TO_ANSWER = 2


@dataclass(frozen=True)
class Said:
    """What is to be said: words, what they are taken from, and what may be chosen. `ask` is `rating` at the end.

    `rule` names the prepared reply that these words are; `basis` the model they rest on and how sure it was.
    `short` says the same in fewer words, for a platform whose messages could not carry `text`.
    """

    text: str
    sources: Sequence[Source] = ()
    choices: Sequence[str] = ()
    ask: str = ""
    rule: str = ""
    basis: Mapping[str, Any] = field(default_factory=dict)
    short: str = ""


def book(
    work: Work,
    conversation: Conversation,
    side: str,
    said: Said,
    inbound: InboundMessage | None = None,
    person_id: int | None = None,
    read: Route | None = None,
    key: str = "",
) -> OutboundReply:
    """Books a reply of the `bot` or an `agent`, an `event` or a `note`; on our own pages it has arrived at once.

    A reply to a push that was not answered yet waits for it, until the platform would no longer take an answer. One
    that was `read` already, on another host, is only written down.
    """
    row = OutboundReply(
        conversation_id=conversation.id,
        inbound_id=inbound.id if inbound else None,
        number=next_number(work, conversation),
        side=side,
        person_id=person_id,
        key=key,
        text=said.text,
        sources=[asdict(source) for source in said.sources],
        choices=list(said.choices),
        ask=said.ask,
        rule=said.rule[:80],
        basis=dict(said.basis),
        at=work.now,
    )
    if read is not None or side in ("event", "note") or conversation.channel in OWN_PAGES:
        row.state, row.route, row.done_at = S.DONE, read or Route.CHAT, work.now
    else:
        row.state, row.next_at = S.BOOKED, _leaves_at(inbound, work.now)
        if row.next_at <= work.now:  # Nobody is woken for what waits for its push.
            work.emit(ReplyBooked(conversation.id))
    work.session.add(row)
    work.session.flush()
    work.emit(ConversationChanged(conversation.id, conversation.unit_id))
    return row


def tell(work: Work, conversation: Conversation, text: str, leaves: int = 0) -> bool:
    """Tells the citizen how it stands with his conversation, where that reaches him: beside the talk on our own page.

    On a platform it is a message, sent only if as many of those it still lets through are left then.
    """
    own_page = conversation.channel in OWN_PAGES
    left = conversation.messages_left
    if windows.hindrance(conversation, work.now) or (left is not None and left <= leaves):
        return False
    book(work, conversation, "event" if own_page else "bot", Said(text))
    return True


def next_number(work: Work, conversation: Conversation) -> int:
    """The next place in the conversation, counted over both sides."""
    statement = (
        update(Conversation)
        .where(Conversation.id == conversation.id)
        .values(lines=Conversation.lines + 1)
        .returning(Conversation.lines)
        .execution_options(synchronize_session=False)
    )
    number = work.session.execute(statement).scalar_one()
    set_committed_value(conversation, "lines", number)
    return number


def give_back(work: Work, conversation: Conversation) -> None:
    """Takes back the place just given by `next_number`, whose row is held since: nothing came to stand there."""
    statement = (
        update(Conversation)
        .where(Conversation.id == conversation.id)
        .values(lines=Conversation.lines - 1)
        .execution_options(synchronize_session=False)
    )
    work.session.execute(statement)
    set_committed_value(conversation, "lines", conversation.lines - 1)


def _leaves_at(inbound: InboundMessage | None, now: datetime) -> datetime:
    if inbound is None or inbound.answer is not None:
        return now
    return max(now, inbound.received_at + timedelta(seconds=PASSIVE_SECONDS))


# --- the answer to the push itself ----------------------------------------------------------------------


def answer_push(
    work: Work, inbound_id: int, build: Callable[[OutboundReply | None], bytes], sender: str | None = None
) -> bytes:
    """The bytes that answer a push: decided once, kept, and the same for every repeat.

    `sender` is the process that is to send them (see `bot.leaving`).

    The first reply booked for it is taken here unless the customer-service message took it before; without one
    the answer is empty, and whatever the bot still says leaves as a customer-service message.
    """
    query = select(InboundMessage).where(InboundMessage.id == inbound_id).with_for_update()
    inbound = work.session.scalars(query.execution_options(populate_existing=True)).one()
    if inbound.answer is not None:
        return inbound.answer
    taken = _take_for_push(work, inbound, sender)
    inbound.answer = build(taken)
    if taken is not None:
        _let_follow(work, inbound)
        conversation = work.session.get_one(Conversation, inbound.conversation_id)
        work.emit(ConversationChanged(conversation.id, conversation.unit_id))
    return inbound.answer


def came_late(work: Work, inbound_id: int) -> None:
    """The push had ended, or nearly, before its answer could be given: nobody knows whether it arrived.

    The platform repeats such a push, up to three times in all; what a repeat took in time stays sent.
    """
    _perhaps_lost(work, _passive(inbound_id, S.DONE).where(OutboundReply.attempts == 0))


def never_left(work: Work, sender: str, after: datetime) -> int:
    """What a process that is gone decided after this moment may not have left it; returns how many."""
    decided = update(OutboundReply).where(
        OutboundReply.claimed_by == sender,
        OutboundReply.route == Route.PASSIVE,
        OutboundReply.state == S.DONE,
        OutboundReply.attempts == 0,
        OutboundReply.done_at >= after,
    )
    return _perhaps_lost(work, decided.execution_options(synchronize_session=False, populate_existing=True))


def _perhaps_lost(work: Work, which: Update) -> int:
    rows = work.session.scalars(which.values(state=S.UNKNOWN, reason=LATE).returning(OutboundReply)).all()
    for row in rows:
        conversation = work.session.get_one(Conversation, row.conversation_id)
        work.audit("reply.unknown", conversation, reply=row.id, reason=LATE)
        work.emit(ConversationChanged(conversation.id, conversation.unit_id))
    return len(rows)


def reached(work: Work, inbound_id: int) -> None:
    """A repeat of the push took its answer in time; `attempts` counts these."""
    told = _passive(inbound_id, S.DONE, S.UNKNOWN).values(state=S.DONE, reason="", attempts=OutboundReply.attempts + 1)
    for row in work.session.scalars(told.returning(OutboundReply)):
        conversation = work.session.get_one(Conversation, row.conversation_id)
        work.emit(ConversationChanged(conversation.id, conversation.unit_id))


def _passive(inbound_id: int, *states: ReplyState) -> Update:
    statement = update(OutboundReply).where(
        OutboundReply.inbound_id == inbound_id,
        OutboundReply.route == Route.PASSIVE,
        OutboundReply.state.in_(states),
    )
    return statement.execution_options(synchronize_session=False, populate_existing=True)


def _let_follow(work: Work, inbound: InboundMessage) -> None:
    """What waited for this push waits no longer than until its answer is there."""
    at = work.now + FOLLOWS
    statement = update(OutboundReply).where(
        OutboundReply.inbound_id == inbound.id, OutboundReply.state == S.BOOKED, OutboundReply.next_at > at
    )
    work.session.execute(statement.values(next_at=at).execution_options(synchronize_session=False))


def _take_for_push(work: Work, inbound: InboundMessage, sender: str | None) -> OutboundReply | None:
    first = (
        select(OutboundReply.id)
        .where(OutboundReply.inbound_id == inbound.id, OutboundReply.state == S.BOOKED)
        .order_by(OutboundReply.number)
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        update(OutboundReply)
        .where(OutboundReply.id == first, OutboundReply.state == S.BOOKED)
        .values(state=S.DONE, route=Route.PASSIVE, done_at=work.now, next_at=None, claimed_by=sender)
        .returning(OutboundReply)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return work.session.scalars(statement).one_or_none()


# --- customer-service messages ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Job:
    reply_id: int
    account: AccountInfo
    to: str
    text: str


@dataclass
class Replier(Outbox[OutboundReply, _Job, ChannelError | None]):
    """Sends what is booked, oldest first. `make` builds the adapter of an account; `lease` bounds one call."""

    works: Works
    seal: Seal
    make: Callable[[AccountInfo], Channel]
    lease: timedelta = timedelta(seconds=45)
    retry: RetryPolicy = field(default_factory=lambda: RETRY)

    table = OutboundReply
    booked = S.BOOKED
    sending = S.SENDING

    def due(self, work: Work) -> Sequence[ColumnElement[bool]]:
        """Nothing overtakes what was said before it."""
        return (_NOTHING_BEFORE,)

    def marks(self) -> dict[str, object]:
        """It leaves as a message of its own, not within the answer to a push."""
        return {"route": Route.SERVICE}

    def prepare(self, work: Work, row: OutboundReply) -> _Job | None:
        """The account and the words; what the platform would not let through fails without a call."""
        conversation = _locked(work, row.conversation_id)
        why = windows.hindrance(conversation, work.now)
        account = work.session.get(Account, conversation.account_id) if conversation.account_id else None
        if account is None or not account.active:
            why = why or "账号已停用"
        if why or account is None:
            self._end(work, row, S.FAILED, why)
            work.emit(ReplyLost(conversation.id, conversation.unit_id, row.person_id, why))
            return None
        if conversation.messages_left is not None:
            conversation.messages_left -= 1
        about = accounts.info(work.session, self.seal, account)
        return _Job(row.id, about, conversation.sender, row.text)

    def call(self, job: _Job) -> ChannelError | None:
        """One customer-service message."""
        try:
            self.make(job.account).reply(job.to, Reply(text=job.text))
        except ChannelError as error:
            return error
        except Exception as failure:  # The edge: what an adapter did not foresee may have gone out or not.
            log.exception("reply failed", reply=job.reply_id)
            return OutcomeUnknown(type(failure).__name__)
        return None

    def record(self, work: Work, row: OutboundReply, job: _Job, answer: ChannelError | None) -> None:
        """Done, again, refused or unknown."""
        if answer is None:
            self._end(work, row, S.DONE)
            accounts.succeeded(work, job.account.id)
        elif isinstance(answer, OutcomeUnknown):
            self._unknown(work, row, answer.reason)
        elif isinstance(answer, Retryable | Throttled | Unauthorised):
            self._again(work, row, answer)
        else:
            self._refused(work, row, answer)

    def _again(self, work: Work, row: OutboundReply, answer: ChannelError) -> None:
        conversation = _locked(work, row.conversation_id)
        if conversation.messages_left is not None:
            conversation.messages_left += 1
        later = answer.until if isinstance(answer, Throttled) else None
        at = self.retry.next_at(row.attempts, work.now, later)
        if at is None:
            self._refused(work, row, answer)
            return
        row.state, row.next_at = S.BOOKED, at
        row.reason, row.code = answer.reason[:300], answer.platform_code[:40]
        work.emit(ConversationChanged(conversation.id, conversation.unit_id))

    def _refused(self, work: Work, row: OutboundReply, answer: ChannelError) -> None:
        self._end(work, row, S.FAILED, answer.reason, answer.platform_code)
        conversation = work.session.get_one(Conversation, row.conversation_id)
        accounts.failed(work, conversation.account_id or 0, answer.reason)
        work.emit(ReplyLost(conversation.id, conversation.unit_id, row.person_id, answer.reason))

    def lost(self, work: Work, row: OutboundReply) -> None:
        """Unknown; a person decides."""
        self._unknown(work, row, "发送进程中断")

    def _unknown(self, work: Work, row: OutboundReply, reason: str) -> None:
        self._end(work, row, S.UNKNOWN, reason)
        conversation = work.session.get_one(Conversation, row.conversation_id)
        work.emit(ReplyLost(conversation.id, conversation.unit_id, row.person_id, reason))

    def _end(self, work: Work, row: OutboundReply, state: ReplyState, reason: str = "", code: str = "") -> None:
        row.state, row.next_at = state, None
        row.reason, row.code = reason[:300], code[:40]
        row.done_at = work.now
        conversation = work.session.get_one(Conversation, row.conversation_id)
        if state != S.DONE:
            work.audit(f"reply.{state.value}", conversation, reply=row.id, reason=reason)
        work.emit(ConversationChanged(conversation.id, conversation.unit_id))


def _locked(work: Work, conversation_id: int) -> Conversation:
    query = select(Conversation).where(Conversation.id == conversation_id).with_for_update()
    return work.session.scalars(query.execution_options(populate_existing=True)).one()


# Made once: building a statement costs more than running it.
_earlier = aliased(OutboundReply)
_NOTHING_BEFORE = ~exists().where(
    _earlier.conversation_id == OutboundReply.conversation_id,
    _earlier.number < OutboundReply.number,
    _earlier.state.in_((S.BOOKED, S.SENDING)),
)
