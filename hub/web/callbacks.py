"""The addresses that platforms push to: verify and store in a short work, answer within their time, run the bot once.

Nobody logs in here: the platform's signature is the proof, the timestamp's age and a remembered signature keep
a request that was listened to from being used again.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar, TypeVarTuple, Unpack, cast

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Table, bindparam, or_, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.background import BackgroundTask

from bot import consents, exchange, gateway, notices, passive, reply, rules
from bot.decided import Decided
from bot.exchange import Ready
from bot.models import OutboundReply, SeenPush
from bot.queues import Full
from channels.accounts import certification, takeover
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import Channel, Consent, Follower, Inbound, JobResult, Message, Pushed, Reply, Stamp
from channels.errors import BadPush, BadSignature
from hub.db import is_away
from hub.product import Hub
from hub.web import pools
from hub.web.access import HubDep, address_of
from kernel.errors import NotFound, XuandaError
from kernel.office_rules import value_of
from kernel.once import insertion_for
from kernel.work import SYSTEM, Actor, Work
from scheduler import receipts

Told = TypeVar("Told")
Given = TypeVarTuple("Given")

router = APIRouter(prefix="/callbacks")
log = structlog.get_logger(__name__)

# The platform waits five seconds (developers.weixin.qq.com, Passive_user_reply_message); the rest is for the way.
WAIT_SECONDS = 4.0
# What is not ready by then leaves by itself once it is: in a crowd no push waits for the bot until the platform gives
# it up.
SOON_SECONDS = 0.7
# From then on the platform may have hung up: what would answer the push leaves as a message of its own.
HUNG_UP_SECONDS = 4.7
# How often a repeat looks whether the message it repeats has been dealt with elsewhere.
LOOK_SECONDS = 0.2
# A push is held for so long while the database is away, and looks so often whether it is back; so many are held.
HOLD_SECONDS, AGAIN_SECONDS, MOST_HELD = 60.0, 1.0, 500
LONGEST_BODY = 1024 * 1024
PUSHER = Actor("platform")
# What answers a push that asks for nothing; every other platform reads an empty body so.
NOTHING = {"wechat": b"success"}
MEDIA_TYPES = {b"<": "text/xml", b"{": "application/json"}
# So many messages may bear one signature that does not cover its body.
MOST_OF_ONE_SECOND = 10
# What is said to an account's double begins no conversation: it would be counted as a citizen's.
REHEARSED = "这是演练账号，只演练发布：您的留言不会进入会话，也没有人受理。需要咨询，请使用正式账号。"
_holding = asyncio.Semaphore(MOST_HELD)
IN_MILLISECONDS = 100_000_000_000


@dataclass(frozen=True)
class Taken:
    """What a push brought: the message that waits for an answer, if it did, and the bot's run.

    `elsewhere`: the message was here before and this process does not see it being dealt with. `early`: results of
    jobs whose acceptance is not recorded yet. `waits`: so many seconds at most for the bot. `repeated`: an
    earlier push stored it.
    """

    account_id: int
    adapter: Channel
    inbound: Message | Follower | None = None
    inbound_id: int = 0
    answer: bytes | None = None
    run: Future[None] | None = None
    elsewhere: bool = False
    early: Sequence[JobResult] = ()
    waits: float = WAIT_SECONDS
    repeated: bool = False


@router.get("/{channel}/{code}")
def check_address(request: Request, hub: HubDep, channel: str, code: str) -> Response:
    """The platform's check when our address is entered in its console."""
    account_id, adapter = adapter_of(hub, channel, code)
    pushed = Pushed("GET", dict(request.query_params))
    try:
        answer = adapter.greet(pushed)
    except XuandaError as error:
        refused(request, hub, code, error)
        raise
    with hub.works.write(PUSHER) as work:
        takeover.greeted(work, work.session.get_one(Account, account_id))
    return Response(answer, media_type="text/plain")


@router.post("/{channel}/{code}")
async def push(request: Request, hub: HubDep, channel: str, code: str) -> Response:
    """One push: stored once, and answered by what the bot says soon or by a later message."""
    leaving = hub.incoming.leaving
    going = leaving.enter()
    with leaving.failing(going):
        return await _answered(request, hub, channel, code, going)


async def _answered(request: Request, hub: Hub, channel: str, code: str, going: object) -> Response:
    began = time.monotonic()
    body = await request.body()
    if len(body) > LONGEST_BODY:
        raise BadPush(why="内容过大")
    pushed = Pushed("POST", dict(request.query_params), body, dict(request.headers))
    try:
        taken = await _held(_take, hub, channel, code, pushed, began + HUNG_UP_SECONDS)
    except (BadSignature, BadPush) as error:
        refused(request, hub, code, error)
        raise
    passed = time.monotonic() - began
    if taken.answer is None and taken.run is not None:
        await _wait(taken.run, taken.waits - passed)
    elif taken.answer is None and taken.elsewhere:
        await _look(hub, taken.inbound_id, taken.waits - passed)
    if taken.early:
        await _keep_up(hub, taken, WAIT_SECONDS - passed)
    answer = taken.answer
    if answer is None and await _hung_up(request):
        answer = _nothing(taken.adapter)  # What the bot says leaves as a message of its own.
    if answer is None:
        answer = await pools.pushes.run(_settle, hub, taken, began + HUNG_UP_SECONDS)
    gone = await _hung_up(request)
    went = BackgroundTask(_note, hub, taken, answer, began + HUNG_UP_SECONDS, gone, going)
    return Response(answer, media_type=MEDIA_TYPES.get(answer[:1], "text/plain"), background=went)


async def _held(call: Callable[[Unpack[Given]], Told], *given: *Given) -> Told:
    """Runs the call, again and again while the database is away: whoever is told so at once may ask no more.

    A platform that hangs up meanwhile and repeats its push is told by the message's number. Beyond a minute, or where
    too many are held already, it hears that it failed and what it then does is its own affair.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + HOLD_SECONDS
    while True:
        try:
            return await pools.pushes.run(call, *given)
        except SQLAlchemyError as failure:
            if not is_away(failure) or loop.time() > until or _holding.locked():
                raise
        async with _holding:
            await asyncio.sleep(AGAIN_SECONDS)


async def _look(hub: Hub, inbound_id: int, seconds: float) -> None:
    """Waits until the message has been dealt with by whoever does so, another process or a thread just beginning."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until and not await pools.pushes.run(hub.incoming.answering.handled, inbound_id):
        await asyncio.sleep(LOOK_SECONDS)


async def _keep_up(hub: Hub, taken: Taken, seconds: float) -> None:
    """Waits until what the platform is done with already is recorded as accepted; after that only a poll would tell."""
    loop = asyncio.get_running_loop()
    until, early = loop.time() + seconds, taken.early
    while early and loop.time() < until:
        await asyncio.sleep(LOOK_SECONDS)
        early = await pools.pushes.run(_settle_jobs, hub, taken, early)


async def _wait(run: Future[None], seconds: float) -> None:
    """Waits for the bot; neither its lateness nor its failure is the platform's business."""
    waited = asyncio.wrap_future(run)
    # A failure is logged where it ran, and the message stays unhandled and is found again.
    waited.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    await asyncio.wait({waited}, timeout=max(0.0, seconds))


# --- taking -----------------------------------------------------------------------------------------


def adapter_of(hub: Hub, channel: str, code: str) -> tuple[int, Channel]:
    """The account with this code and its adapter; raises NotFound where nobody writes to such a one."""
    with hub.works.read() as work:
        account, adapter = _at(hub, work, channel, code)
    return account.id, adapter


def _at(hub: Hub, work: Work, channel: str, code: str) -> tuple[Account, Channel]:
    account = work.session.scalars(_ACCOUNT, {"code": code, "channel": channel}).one_or_none()
    if account is None:
        raise NotFound
    adapter = hub.incoming.make(accounts.info(work.session, hub.seal, account))
    if type(adapter).read_inbound is Channel.read_inbound:
        raise NotFound  # A channel nobody writes to has no such address.
    return account, adapter


def _take(hub: Hub, channel: str, code: str, pushed: Pushed, until: float) -> Taken:
    with hub.works.read() as work:
        account, adapter = _at(hub, work, channel, code)
        found = adapter.read_inbound(pushed)
        ready = _ready(hub, work, account, adapter, found)

    def keep(work: Work) -> tuple[Taken, Sequence[tuple[int, int]]]:
        check_fresh(work, account, adapter.stamp(pushed), pushed.body, found)
        # As in `_settle`: the database may have let us wait for longer than the platform does.
        late = time.monotonic() > until
        if isinstance(ready, Ready) and ready.push is not None and not late:
            stored = exchange.store(work, ready, hub.incoming.leaving.mark(work))
            if stored:
                return Taken(account.id, adapter, inbound_id=stored, answer=ready.push.answer), ()
        decided = ready if isinstance(ready, Decided) and not late else None
        return _stored(hub, work, account, adapter, found, decided)

    # What the bot does is the system's act, as where it deals with a message that was stored first.
    taken, fresh = hub.works.together(keep, SYSTEM if isinstance(ready, Decided) else PUSHER)
    return _started(hub, taken, fresh)


def _ready(
    hub: Hub, work: Work, account: Account, adapter: Channel, found: Sequence[Inbound]
) -> Ready | Decided | None:
    """What a push brought and what is done about it, where that is known at once; None where it is stored first."""
    if len(found) != 1 or not isinstance(found[0], Message) or account.stands_for is not None:
        return None
    inbound = found[0]
    arrival = gateway.arrival_of(account, inbound)
    if arrival is None:
        return None

    def build(text: str) -> bytes:
        return adapter.answer(inbound, Reply(text=text) if text else None)

    return passive.prepare(hub.incoming.answering, work, account, arrival, build)


def _stored(
    hub: Hub, work: Work, account: Account, adapter: Channel, found: Sequence[Inbound], decided: Decided | None
) -> tuple[Taken, Sequence[tuple[int, int]]]:
    """What a push brought, in its rows, with the messages that the bot has still to deal with and their conversations.

    What was `decided` is about the only thing that it brought.
    """
    fresh: list[tuple[int, int]] = []
    early: list[JobResult] = []
    taken = Taken(account.id, adapter, waits=_patience(account, work))
    for inbound in found:
        if isinstance(inbound, JobResult):
            early += [] if settled(hub, work, account.id, adapter, inbound) else [inbound]
            continue
        if isinstance(inbound, Consent):
            consents.heard(work, account.id, inbound)
            continue
        arrival = gateway.arrival_of(account, inbound)
        if arrival is None:
            continue
        if account.stands_for is not None:
            taken = replace(taken, answer=adapter.answer(inbound, Reply(text=REHEARSED)))
            continue
        stored = gateway.receive(work, account, arrival)
        taken = replace(
            taken,
            inbound=inbound,
            inbound_id=stored.inbound_id,
            answer=stored.answer,
            repeated=not stored.fresh,
        )
        if stored.fresh and decided is not None and decided.record(hub.incoming.answering, work, stored):
            sender = hub.incoming.leaving.mark(work)
            answer = reply.answer_push(work, stored.inbound_id, _builder(adapter, inbound), sender)
            taken = replace(taken, answer=answer)
        elif stored.fresh:
            fresh.append((stored.inbound_id, stored.conversation_id))
    return replace(taken, early=early), fresh


def _patience(account: Account, work: Work) -> float:
    """An account without certification (认证) may send no message of its own: its answer is the push's.

    One of which nobody has said whether it has any counts as certified: the account's page asks for it.
    """
    return WAIT_SECONDS if certification.is_missing(account, work.now.date()) else SOON_SECONDS


def _settle_jobs(hub: Hub, taken: Taken, early: Sequence[JobResult]) -> Sequence[JobResult]:
    with hub.works.write(PUSHER) as work:
        return [one for one in early if not settled(hub, work, taken.account_id, taken.adapter, one)]


def _started(hub: Hub, taken: Taken, fresh: Sequence[tuple[int, int]]) -> Taken:
    run, full = None, False
    for inbound_id, conversation_id in fresh:
        try:
            run = hub.incoming.run(inbound_id, conversation_id)
        except Full:
            full = True
            log.warning("the bot is overloaded; the message waits in its row", message=inbound_id)
    if run is None and taken.inbound_id and taken.answer is None:
        # A repeat while the first push is still being dealt with: it waits behind it.
        run = hub.incoming.waiting(taken.inbound_id)
    elsewhere = bool(taken.inbound_id) and taken.answer is None and run is None and not full
    return replace(taken, run=run, elsewhere=elsewhere)


def settled(hub: Hub, work: Work, account_id: int, adapter: Channel, result: JobResult) -> bool:
    """Whether nothing more is to be done with a job's result; False while it may be that of a call under way."""
    if notices.ended(work, account_id, result):
        return True
    known = receipts.settle_job(work, account_id, result, adapter.settle, hub.settings.address)
    return known or not receipts.under_way(work, account_id)


def check_fresh(work: Work, account: Account, signed: Stamp, body: bytes, found: Sequence[Inbound]) -> None:
    """Raises BadSignature for a request that is too old, or whose signature was used otherwise.

    A signature that does not cover the body is good for the messages of its second, each with one body: two of them
    may bear the same. A few, not any number, so that one overheard lets nobody write on and on; and one where the
    platform counts milliseconds.
    """
    minutes = float(value_of(work.session, rules.FRESH, account.unit_id, work.now))
    try:
        stamped = int(signed.at)
        # Weibo counts milliseconds.
        unit, most = (1000, 1) if stamped > IN_MILLISECONDS else (1, MOST_OF_ONE_SECOND)
        sent = datetime.fromtimestamp(stamped / unit, UTC)
    except (ValueError, OverflowError, OSError):
        raise BadSignature from None
    if abs(work.now - sent) > timedelta(minutes=minutes):
        raise BadSignature
    if signed.covers_body:
        return  # A repeated message is told by its own number.
    mark, digest = _sha256(signed.mark.encode())[:32], _sha256(body)
    stamp = mark + _sha256("\n".join(map(_identity, found)).encode())[:32]
    connection = work.session.connection()
    seen = {"account_id": account.id, "stamp": stamp, "body": digest, "at": work.now}
    connection.execute(_SEE[connection.dialect.name], seen)
    asked = {"account": account.id, "from": mark, "until": mark + "g", "most": most + 1}
    known: dict[str, str] = dict(connection.execute(_SEEN, asked).all())
    if known.get(stamp) != digest or len(known) > most:
        raise BadSignature


# Made once: building a statement costs more than running it.
_S = cast(Table, SeenPush.__table__).c
_SEE = {name: insertion_for(name, SeenPush) for name in ("sqlite", "postgresql")}
_SEEN = (
    select(_S.stamp, _S.body)
    .where(_S.account_id == bindparam("account"), _S.stamp >= bindparam("from"), _S.stamp < bindparam("until"))
    .limit(bindparam("most"))
)
_ACCOUNT = select(Account).where(
    Account.code == bindparam("code"),
    Account.channel == bindparam("channel"),
    or_(Account.active.is_(True), Account.stands_for.is_not(None)),
)


def _identity(inbound: Inbound) -> str:
    """What tells a message from any other, and its repeats from it."""
    return f"job {inbound.job_id}" if isinstance(inbound, JobResult) else f"message {inbound.key}"


# --- answering --------------------------------------------------------------------------------------


def _settle(hub: Hub, taken: Taken, until: float) -> bytes:
    inbound, nothing = taken.inbound, _nothing(taken.adapter)
    if inbound is None or not taken.inbound_id:
        return nothing

    build = _builder(taken.adapter, inbound)

    def decide(work: Work) -> bytes:
        # The database may have let us wait. Nothing is decided then: a repeat may still take the answer.
        if time.monotonic() > until:
            return nothing
        return reply.answer_push(work, taken.inbound_id, build, hub.incoming.leaving.mark(work))

    return hub.works.together(decide, PUSHER)


async def _hung_up(request: Request) -> bool:
    """Whether the platform has closed its end: where this process is behind, a push is older than it knows."""
    await asyncio.sleep(0)  # What the sockets have to tell is heard first.
    return await request.is_disconnected()


async def _note(hub: Hub, taken: Taken, answer: bytes, until: float, gone: bool, going: object) -> None:
    """Once an answer has left: whether it left in time. That it did on the first push is what its row says already.

    Should this process die before, `bot.leaving` tells.
    """
    late = gone or time.monotonic() > until
    with hub.incoming.leaving.failing(going):
        if taken.inbound_id and answer != _nothing(taken.adapter) and (late or taken.repeated):
            await _held(_noted, hub, taken.inbound_id, reply.came_late if late else reply.reached)
    hub.incoming.leaving.left(going)


def _noted(hub: Hub, inbound_id: int, how: Callable[[Work, int], None]) -> None:
    with hub.works.write(SYSTEM) as work:
        how(work, inbound_id)


def _nothing(adapter: Channel) -> bytes:
    return NOTHING.get(adapter.name, b"")


def _builder(adapter: Channel, inbound: Message | Follower) -> Callable[[OutboundReply | None], bytes]:
    """Makes the bytes that answer this push."""
    return lambda row: adapter.answer(inbound, None if row is None else Reply(text=row.text))


def refused(request: Request, hub: Hub, code: str, error: XuandaError) -> None:
    """Notes a push that is not the platform's."""
    log.warning("push refused", account=code, why=error.code, address=address_of(request, hub.settings))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
