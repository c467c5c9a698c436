"""The portal's chat on the outer host: the same addresses and answers as inside, with nothing left readable.

The token in the header is both the proof and the key: what was said is closed to it, and the inside is told at once.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import JSONResponse, Response, StreamingResponse
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from bot import rules
from bot.citizen_files.checking import PICTURE, Checked, check_upload
from bot.errors import NotAsked, WasClosed
from bot.hearing import Told
from bot.models import Conversation
from bot.reply import Said
from bot.states import LOW_RATING, RATINGS, ConversationState
from bot.store import KIND_WORDS
from channels.accounts.models import Account
from hub.auth.secret import fingerprint
from hub.incoming import portal_account
from hub.outer import pictures, sessions
from hub.outer.models import OuterHeard
from hub.outer.sessions import Opened, Spoken
from hub.outer.thinking import fresh_memory, pack_said, packed, think
from hub.product import Hub
from hub.web import pools
from hub.web.access import HubDep, address_of, check_origin
from hub.web.chat import (
    CITIZEN,
    MESSAGES,
    PICTURES,
    STARTS,
    STREAMED,
    STREAMS,
    UNKEPT,
    Ended,
    Rated,
    Written,
    first_unit,
    picture_megabytes,
    stream,
)
from kernel.errors import Invalid, NotFound
from kernel.typed import number_in
from kernel.work import Work

router = APIRouter(prefix="/chat")
S = ConversationState


@dataclass(frozen=True)
class Holder:
    """Whoever holds the token of a session."""

    session_id: int
    token: str

    def opened(self, work: Work) -> Opened:
        """The session with its key; raises NotFound where the token is of another, or none."""
        held = sessions.find(work.session, fingerprint(self.token), sessions.key_of(self.token))
        if held is None or held.row.id != self.session_id:
            raise NotFound
        return held


async def holder(request: Request, hub: HubDep, session_id: int) -> Holder:
    """The token that came in the Authorization header."""
    check_origin(request, hub.settings)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotFound
    return Holder(session_id, token.strip())


HolderDep = Annotated[Holder, Depends(holder)]


@router.post("/start")
def start(request: Request, hub: HubDep) -> Response:
    """Begins a session: its number, its token (shown once), and the bot's greeting."""
    check_origin(request, hub.settings)
    hub.incoming.limit("chat.start", *STARTS).take(address_of(request, hub.settings))
    token = secrets.token_urlsafe(32)
    with hub.works.write(CITIZEN) as work:
        account, unit_id = _desk(work)
        held = sessions.begin(
            work, fingerprint(token), sessions.key_of(token), fresh_memory(), account.id if account else None
        )
        row = held.row
        about = Conversation(unit_id=unit_id, account_id=row.account_id)
        said = Said(hub.incoming.answering.greeting(work.session, about, work.now))
        _say(work, held, "bot", said)
        row.heard = hub.outer.put(work, "begun", {"session": row.id, "said": pack_said(said)})
        work.session.flush()
        page = _page(work, held, 0)
        takes = {"megabytes": picture_megabytes(work, unit_id)}
    return JSONResponse({"id": row.id, "pictures": takes, **page, "token": token}, headers=UNKEPT)


@router.post("/{session_id}/messages")
def write(hub: HubDep, who: HolderDep, written: Written) -> Response:
    """Takes a sentence and answers it where the bot can; whatever else is needed follows from the inside."""
    with hub.works.write(CITIZEN) as work:
        held = who.opened(work)
        if _is_new(work, who, written.key):
            hub.incoming.limit("chat.message", *MESSAGES).take(str(who.session_id))
            if held.row.state == S.CLOSED:
                raise WasClosed  # The page begins a new session then, so that each has its own rating.
            held = _take(hub, work, held, written.key, written.text.strip())
        return JSONResponse(_page(work, held, written.after), headers=UNKEPT)


@router.post("/{session_id}/pictures")
def send_picture(
    hub: HubDep,
    who: HolderDep,
    file: Annotated[UploadFile, File()],
    key: Annotated[str, Form(min_length=1, max_length=60)],
    agreed: Annotated[bool, Form()] = False,
    after: Annotated[int, Form(ge=0)] = 0,
) -> Response:
    """Takes a picture for the people who answer; drawn here, and once more inside, before anybody sees it."""
    if not agreed:
        raise Invalid(field="agreed", why="发送图片前，请先阅读并同意图片使用说明。")
    with hub.works.read() as work:
        who.opened(work)
        most = picture_megabytes(work, _desk(work)[1])
    hub.incoming.limit("chat.picture", *PICTURES).take(str(who.session_id))
    checked = check_upload(file.file.read(int(most * 1_000_000) + 1), most)
    with hub.works.write(CITIZEN) as work:
        held = who.opened(work)
        if _is_new(work, who, key):
            if held.row.state == S.CLOSED:
                raise WasClosed
            held = _take(hub, work, held, key, "", checked)
        return JSONResponse(_page(work, held, after), headers=UNKEPT)


@router.get("/{session_id}/lines")
def lines(hub: HubDep, who: HolderDep, after: int = 0) -> Response:
    """What was said after a line, for a page that cannot hold a stream."""
    return JSONResponse(_look(hub, who, after), headers=UNKEPT)


@router.get("/{session_id}/events")
async def events(request: Request, hub: HubDep, who: HolderDep, after: int = 0) -> Response:
    """A stream of what is said after a line; it ends by itself after ten minutes and is asked for again."""
    await run_in_threadpool(_look, hub, who, after)
    hub.incoming.limit("chat.stream", *STREAMS).take(str(who.session_id))
    last = request.headers.get("last-event-id", "")
    known = number_in(last)
    begin = after if known is None else known
    told = stream(hub, who.session_id, begin, lambda seen: pools.looks.run(_look, hub, who, seen))
    return StreamingResponse(told, media_type="text/event-stream", headers=STREAMED)


@router.post("/{session_id}/end")
def end(hub: HubDep, who: HolderDep, ended: Ended | None = None) -> Response:
    """The citizen ends the session and is asked, once, to rate it; what he waits for is decided inside."""
    sure = ended is not None and ended.sure
    with hub.works.write(CITIZEN) as work:
        held = who.opened(work)
        row = held.row
        if row.state != S.CLOSED:
            said = None if row.rated else Said(hub.incoming.words.say("rating", service=""), ask="rating")
            if said is not None:
                _say(work, held, "bot", said)
            row.state, row.asked_rating, row.touched_at = S.CLOSED, True, work.now
            row.heard = hub.outer.put(work, "ended", {"session": row.id, "said": pack_said(said), "sure": sure})
        return JSONResponse(_page(work, held, 0), headers=UNKEPT)


@router.post("/{session_id}/stay")
def stay(hub: HubDep, who: HolderDep) -> Response:
    """The citizen goes on after he was warned that the session ends; that it does is said from inside."""
    hub.incoming.limit("chat.message", *MESSAGES).take(str(who.session_id))
    with hub.works.write(CITIZEN) as work:
        held = who.opened(work)
        row = held.row
        if row.state == S.CLOSED:
            raise WasClosed
        row.touched_at = work.now
        row.heard = hub.outer.put(work, "stayed", {"session": row.id})
        return JSONResponse(_page(work, held, 0), headers=UNKEPT)


@router.post("/{session_id}/rating")
def rate(hub: HubDep, who: HolderDep, rated: Rated) -> Response:
    """Keeps a rating, once."""
    with hub.works.write(CITIZEN) as work:
        held = who.opened(work)
        row = held.row
        if not row.rated and not (row.asked_rating and row.state == S.CLOSED):
            raise NotAsked
        if not row.rated:
            said = Said(hub.incoming.words.say("rated", low=rated.score >= LOW_RATING))
            _say(work, held, "bot", said)
            row.rated, row.touched_at = True, work.now
            told = {"session": row.id, "score": rated.score, "at": work.now.isoformat(), "said": pack_said(said)}
            row.heard = hub.outer.put(work, "rated", told)
        return JSONResponse(_page(work, held, 0), headers=UNKEPT)


# --- works ------------------------------------------------------------------------------------------


def _is_new(work: Work, who: Holder, key: str) -> bool:
    """Whether a message was not here before; from now on it was, if the work commits."""
    mark = fingerprint(f"chat\0{who.session_id}\0{key}")
    if work.session.scalar(select(OuterHeard.id).where(OuterHeard.mark == mark)) is not None:
        return False
    work.session.add(OuterHeard(mark=mark, answer=b"", at=work.now))
    return True


def _take(hub: Hub, work: Work, held: Opened, key: str, text: str, picture: Checked | None = None) -> Opened:
    row = held.row
    account, unit_id = _desk(work)
    state = row.state
    _say(work, held, "citizen", Said(KIND_WORDS[PICTURE] if picture else text), picture=picture is not None)
    told = Told(0, row.lines, PICTURE if picture else "text", text)
    thought = think(hub, work, held, account, unit_id, told, f"session-{row.id}")
    if thought.said is not None:
        _say(work, held, "bot", thought.said)
    held = sessions.remember(held, thought.memory)
    row.state, row.touched_at = thought.state, work.now
    values: dict[str, Any] = {
        "session": row.id,
        "key": key,
        "text": text,
        "at": work.now.isoformat(),
        "state": state,
        "verdict": packed(thought.verdict) if thought.verdict else None,
        "said": pack_said(thought.said),
    }
    row.heard = pictures.put(hub.outer, work, values, picture) if picture else hub.outer.put(work, "said", values)
    return held


def _desk(work: Work) -> tuple[Account | None, int]:
    """The portal's account and the unit whose people answer."""
    account = portal_account(work)
    unit_id = account.unit_id if account else first_unit(work.session)
    return account, rules.desk_of(work.session, unit_id, work.now)


def _say(work: Work, held: Opened, side: str, said: Said, *, picture: bool = False) -> None:
    sources = [{"title": one.title, "href": one.path} for one in said.sources if one.path]
    spoken = Spoken(side, said.text, work.now.isoformat(), "", sources, list(said.choices), said.ask, picture=picture)
    sessions.say(work, held.row, spoken)
    work.session.flush()


def _look(hub: Hub, who: Holder, after: int) -> dict[str, Any]:
    with hub.works.read() as work:
        return _page(work, who.opened(work), after)


def _page(work: Work, held: Opened, after: int) -> dict[str, Any]:
    row = held.row
    return {
        "state": row.state,
        "ahead": row.ahead,
        "expected": row.expected,
        "rated": row.rated,
        "levels": list(RATINGS),
        "lines": [vars(line) for line in sessions.lines(work.session, held, after)],
    }
