"""The portal's chat: what the widget asks for. No cookie: a token given at the start is the proof, in a header.

What is said reaches the page by a stream (SSE) within a moment; a page whose proxy holds streams back asks again.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from bot import exchange, gateway, ratings, reply, rules, silence, waiting
from bot.citizen_files import store as citizen_files
from bot.citizen_files.checking import PICTURE, check_upload
from bot.decided import Decided
from bot.errors import WasClosed
from bot.gateway import Arrival
from bot.models import Conversation
from bot.queues import Full
from bot.reply import Said
from bot.states import LOW_RATING, ConversationState
from hub.auth.secret import fingerprint
from hub.incoming import begin_on_portal
from hub.live import LOOK_SECONDS, conversation_topic
from hub.product import Hub
from hub.web import chat_page, pools
from hub.web.access import HubDep, address_of, check_origin
from hub.web.sent import Body
from kernel.errors import Invalid, NotFound
from kernel.office_rules import value_of
from kernel.people import Unit
from kernel.typed import number_in
from kernel.work import SYSTEM, Actor, Work

log = structlog.get_logger()

router = APIRouter(prefix="/chat")
# What whoever holds a conversation's token may do; the app's API offers the same under its own address.
conversations = APIRouter(prefix="/chat")

CITIZEN = Actor("citizen")
S = ConversationState
# So many in so many seconds.
STARTS, MESSAGES, STREAMS, PICTURES = (30, 600), (20, 60), (40, 60), (10, 300)
STREAM_SECONDS = 600.0
BEAT_SECONDS = 15.0
ANSWER_SECONDS = 2.0
# Where a conversation stands, beside its lines.
STANDS = ("state", "ahead", "expected", "rated")


class Written(Body):
    """What a citizen sends; `key` is the page's own, so that a repeat is told; `after` is the last line it shows."""

    key: str = Field(min_length=1, max_length=60)
    text: str = Field(min_length=1, max_length=500)
    after: int = Field(0, ge=0)


class Rated(Body):
    """A rating of 1 (非常满意) to 5 (非常不满意)."""

    score: int = Field(ge=1, le=5)


class Ended(Body):
    """`sure`: whoever waits for a person wants no answer any more, and no ticket either."""

    sure: bool = False


@dataclass(frozen=True)
class Holder:
    """Who holds the token of a conversation."""

    conversation_id: int
    unit_id: int


async def proof(request: Request, hub: HubDep) -> str:
    """The fingerprint of the token in the Authorization header; raises NotFound where there is none."""
    check_origin(request, hub.settings)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotFound
    return fingerprint(token.strip())


ProofDep = Annotated[str, Depends(proof)]


def holder(hub: HubDep, given: ProofDep, conversation_id: int) -> Holder:
    """The conversation whose token came with the request; raises NotFound for any other."""
    with hub.works.read() as work:
        query = select(Conversation.id, Conversation.unit_id).where(
            Conversation.id == conversation_id, Conversation.token_hash == given
        )
        found = work.session.execute(query).one_or_none()
        if found is None:
            raise NotFound
        return Holder(*found)


HolderDep = Annotated[Holder, Depends(holder)]


@router.post("/start")
async def start(request: Request, hub: HubDep) -> Response:
    """Begins a session: its number, its token (shown once), and the bot's greeting."""
    check_origin(request, hub.settings)
    hub.incoming.limit("chat.start", *STARTS).take(address_of(request, hub.settings))
    token = secrets.token_urlsafe(32)
    begun = await pools.talks.run(lambda: hub.works.together(lambda work: _begin(hub, work, token), CITIZEN))
    return JSONResponse({**begun, "token": token}, headers=UNKEPT)


def resume_or_begin(hub: Hub, token: str) -> dict[str, Any]:
    """The open conversation of whoever holds this token, else a new one; a closed one lets go of the token."""
    with hub.works.write(CITIZEN) as work:
        query = select(Conversation).where(Conversation.token_hash == fingerprint(token)).with_for_update()
        held = work.session.scalars(query).one_or_none()
        if held is not None and held.state != S.CLOSED:
            return _opened(work, held)
        if held is not None:
            held.token_hash = None
            work.session.flush()
        return _begin(hub, work, token)


def _begin(hub: Hub, work: Work, token: str) -> dict[str, Any]:
    conversation = begin_on_portal(work, first_unit(work.session), fingerprint(token))
    greeting = hub.incoming.answering.greeting(work.session, conversation, work.now)
    reply.book(work, conversation, "bot", Said(greeting))
    return _opened(work, conversation)


def _opened(work: Work, conversation: Conversation) -> dict[str, Any]:
    pictures = {"megabytes": picture_megabytes(work, conversation.unit_id)}
    return {"id": conversation.id, "pictures": pictures, **chat_page.seen(work, conversation.id, 0)}


@conversations.post("/{conversation_id}/messages")
async def write(hub: HubDep, conversation_id: int, given: ProofDep, written: Written) -> Response:
    """Takes a sentence, and waits a moment for the bot so that most answers come with it."""
    received = await pools.talks.run(_take, hub, conversation_id, given, written)
    if isinstance(received, Response):
        return received
    return await _dealt_with(hub, received, written.after)


@conversations.post("/{conversation_id}/pictures")
async def send_picture(
    hub: HubDep,
    who: HolderDep,
    file: Annotated[UploadFile, File()],
    key: Annotated[str, Form(min_length=1, max_length=60)],
    agreed: Annotated[bool, Form()] = False,
    after: Annotated[int, Form(ge=0)] = 0,
) -> Response:
    """Takes a JPEG, PNG or WebP picture for the people who answer; `agreed`: its sender has read what becomes of it."""
    if not agreed:
        raise Invalid(field="agreed", why="发送图片前，请先阅读并同意图片使用说明。")
    received = await run_in_threadpool(_take_picture, hub, who, key, file)
    return await _dealt_with(hub, received, after)


@conversations.get("/{conversation_id}/lines")
def lines(hub: HubDep, who: HolderDep, after: int = 0) -> Response:
    """What was said after a line, for a page that cannot hold a stream."""
    return _answer(hub, who.conversation_id, after)


@conversations.get("/{conversation_id}/events")
async def events(request: Request, hub: HubDep, who: HolderDep, after: int = 0) -> Response:
    """A stream of what is said after a line; it ends by itself after ten minutes and is asked for again."""
    hub.incoming.limit("chat.stream", *STREAMS).take(str(who.conversation_id))
    last = request.headers.get("last-event-id", "")
    known = number_in(last)
    begin = after if known is None else known
    told = stream(hub, who.conversation_id, begin, lambda seen: chat_page.look(hub, who.conversation_id, seen))
    return StreamingResponse(told, media_type="text/event-stream", headers=STREAMED)


@conversations.post("/{conversation_id}/end")
def end(hub: HubDep, who: HolderDep, ended: Ended | None = None) -> Response:
    """The citizen ends the session and is asked, once, to rate it.

    What he asked a person while he waits becomes a ticket, unless he is sure.
    """
    sure, words, zone = ended is not None and ended.sure, hub.incoming.words, hub.settings.office_zone
    with hub.works.write(CITIZEN) as work:
        conversation = _locked(work, who.conversation_id)
        if conversation.state != S.CLOSED and (sure or not waiting.let_go(work, conversation, words, zone)):
            ratings.end(work, conversation, zone, Said(words.say("rating", service=""), ask="rating"))
    return _answer(hub, who.conversation_id, 0)


@conversations.post("/{conversation_id}/stay")
def stay(hub: HubDep, who: HolderDep) -> Response:
    """继续咨询: the citizen goes on after he was warned that the session ends; 409 once it has."""
    hub.incoming.limit("chat.message", *MESSAGES).take(str(who.conversation_id))
    with hub.works.write(CITIZEN) as work:
        silence.stay(work, _locked(work, who.conversation_id), hub.incoming.words)
    return _answer(hub, who.conversation_id, 0)


@conversations.post("/{conversation_id}/rating")
def rate(hub: HubDep, who: HolderDep, rated: Rated) -> Response:
    """Keeps a rating, once."""
    with hub.works.write(CITIZEN) as work:
        conversation = _locked(work, who.conversation_id)
        if ratings.rate(work, conversation, rated.score, hub.settings.office_zone):
            words = hub.incoming.words.say("rated", low=rated.score >= LOW_RATING)
            reply.book(work, conversation, "bot", Said(words))
    return _answer(hub, who.conversation_id, 0)


async def _dealt_with(hub: Hub, received: gateway.Received, after: int) -> Response:
    """What was said after a line, once the bot has dealt with a message or its moment is over."""
    if received.fresh:
        try:
            run = asyncio.wrap_future(hub.incoming.run(received.inbound_id, received.conversation_id))
        except Full:
            run = None
        if run is not None:
            run.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            await asyncio.wait({run}, timeout=ANSWER_SECONDS)
    return await pools.talks.run(_answer, hub, received.conversation_id, after)


# --- works ------------------------------------------------------------------------------------------


def _take(hub: Hub, conversation_id: int, given: str, written: Written) -> Response | gateway.Received:
    """The answer, where nothing else is to be done at once; else the stored message, to be dealt with."""
    key = f"{conversation_id}-{written.key}"
    answering, sentence = hub.incoming.answering, exchange.Written(key, written.text)
    with hub.works.read() as work:
        held = exchange.held(work, conversation_id, given, key)
        if held is None:
            raise NotFound
        hub.incoming.limit("chat.message", *MESSAGES).take(str(conversation_id))
        ready = exchange.prepare(answering, work, held, sentence) or exchange.overhear(answering, work, held, sentence)
        heard = exchange.listen(answering, work, held, sentence) if ready is None else None
    if heard is not None:
        ready = exchange.ask(answering, held, sentence, heard)
    said = exchange.keep(hub.works, CITIZEN, ready) if isinstance(ready, exchange.Ready) else []
    if not said:
        return _receive(hub, conversation_id, key, written.text, ready if isinstance(ready, Decided) else None)
    # The page has missed something that was said before, or shows how long it takes.
    if written.after < held.going.lines or held.going.state == S.WAITING:
        return _answer(hub, conversation_id, written.after)
    return JSONResponse(chat_page.page(held.going.state, said, rated=held.rated), headers=UNKEPT)


def _receive(hub: Hub, conversation_id: int, key: str, text: str, decided: Decided | None) -> gateway.Received:
    """The stored message; it is no more `fresh` where what was decided about it is done."""

    def store_it(work: Work) -> gateway.Received:
        conversation = _locked(work, conversation_id)
        if conversation.state == S.CLOSED:
            raise WasClosed  # The page begins a new session then, so that each has its own rating.
        arrival = Arrival(gateway.CHAT, key, conversation.sender, "text", text, work.now)
        stored = gateway.store(work, conversation, arrival)
        done = stored.fresh and decided is not None and decided.record(hub.incoming.answering, work, stored)
        return replace(stored, fresh=False) if done else stored

    # What the bot does is the system's act, as where it deals with a message that was stored first.
    return hub.works.together(store_it, CITIZEN if decided is None else SYSTEM)


def _take_picture(hub: Hub, who: Holder, page_key: str, file: UploadFile) -> gateway.Received:
    """Checks the picture while nothing is open, keeps it, and stores the message it is."""
    hub.incoming.limit("chat.picture", *PICTURES).take(str(who.conversation_id))
    with hub.works.read() as work:
        most = picture_megabytes(work, who.unit_id)
    # One byte more than is allowed shows that there are more.
    checked = check_upload(file.file.read(int(most * 1_000_000) + 1), most)
    kept = hub.blobs.put(checked.data)
    with hub.works.write(CITIZEN) as work:
        conversation = _locked(work, who.conversation_id)
        if conversation.state == S.CLOSED:
            raise WasClosed
        key = f"{conversation.id}-{page_key}"
        arrival = Arrival(gateway.CHAT, key, conversation.sender, PICTURE, "", work.now, {"agreed": "yes"})
        received = gateway.store(work, conversation, arrival)
        if received.fresh:
            row = citizen_files.sent_here(work, conversation, received.inbound_id, kept, checked)
            work.session.flush()
            work.audit("citizen_file.saved", conversation, file=row.id, agreed=True)
        return received


def picture_megabytes(work: Work, unit_id: int) -> float:
    """How large a picture of a citizen may be."""
    return float(value_of(work.session, rules.PICTURE_MEGABYTES, unit_id, work.now))


def _answer(hub: Hub, conversation_id: int, after: int) -> Response:
    with hub.works.read() as work:
        return JSONResponse(chat_page.seen(work, conversation_id, after), headers=UNKEPT)


async def stream(
    hub: Hub, conversation_id: int, after: int, look: Callable[[int], Awaitable[dict[str, Any]]]
) -> AsyncIterator[str]:
    """What `look` sees after a line, as often as the conversation changes.

    Nothing where the database does not answer: the stream lasts, and looks again.
    """
    loop = asyncio.get_running_loop()
    ends, beat, said = loop.time() + STREAM_SECONDS, loop.time(), ""
    mark, told = None, {conversation_topic(conversation_id)}
    with hub.incoming.live.watching(told) as watcher, _open(hub, conversation_id):
        async with aclosing(watcher.changes()) as changes:
            while loop.time() < ends:
                try:
                    before, mark = mark, await _mark(hub, conversation_id) if not told else mark
                    seen = await look(after) if told or mark != before else None
                except SQLAlchemyError as failure:
                    log.warning("the chat cannot look", why=type(failure).__name__)
                    mark, seen = None, None
                now = said if seen is None else json.dumps([seen[name] for name in STANDS])
                if seen is not None and (seen["lines"] or now != said):
                    after = max([after, *(line["number"] for line in seen["lines"])])
                    said, beat = now, loop.time()
                    yield f"id: {after}\ndata: {json.dumps(seen, ensure_ascii=False)}\n\n"
                elif loop.time() - beat > BEAT_SECONDS:
                    beat = loop.time()
                    yield ": still here\n\n"
                told = await anext(changes)


@contextmanager
def _open(hub: Hub, conversation_id: int) -> Iterator[None]:
    streams = hub.incoming.streams
    streams[conversation_id] += 1
    try:
        yield
    finally:
        streams[conversation_id] -= 1
        if not streams[conversation_id]:
            del streams[conversation_id]


async def _mark(hub: Hub, conversation_id: int) -> waiting.Mark | None:
    """Where a conversation stands, read at most a few seconds ago together with all that have a stream here."""
    now = asyncio.get_running_loop().time()

    def read() -> Mapping[int, waiting.Mark]:
        with hub.works.read() as work:
            return waiting.marks(work.session, list(hub.incoming.streams))

    marks = await hub.incoming.sights.since("chat", now - LOOK_SECONDS, read)
    if conversation_id not in marks:  # Its stream is younger than the reading.
        marks = await hub.incoming.sights.since("chat", now, read)
    return marks.get(conversation_id)


def _locked(work: Work, conversation_id: int) -> Conversation:
    query = select(Conversation).where(Conversation.id == conversation_id).with_for_update()
    return work.session.scalars(query.execution_options(populate_existing=True)).one()


def first_unit(session: Session) -> int:
    """The unit that answers where the portal has no account."""
    found = session.scalar(select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1))
    if found is None:
        raise NotFound
    return found


UNKEPT = {"Cache-Control": "no-store"}
STREAMED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
