"""The addresses platforms push to, on the outer host: verified, answered within the push, and handed on as they came.

The answer is decided and the packet written in one commit; a repeat gets the same bytes, which nothing else opens than
what the repeat itself brings.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import select

from bot import gateway, rules
from bot.gateway import Arrival
from bot.hearing import Told
from bot.states import ConversationState
from channels.accounts.models import Account
from channels.base import Channel, Follower, Inbound, Message, Pushed, Reply
from channels.errors import BadPush, BadSignature
from hub.auth.secret import fingerprint
from hub.outer import sessions
from hub.outer.models import OuterHeard, OuterSession
from hub.outer.packets import close, opened, public_of
from hub.outer.sessions import Opened
from hub.outer.thinking import fresh_memory, pack_said, packed, think
from hub.product import Hub
from hub.web import pools
from hub.web.access import HubDep
from hub.web.callbacks import LONGEST_BODY, MEDIA_TYPES, NOTHING, PUSHER, adapter_of, check_fresh, refused
from kernel.errors import XuandaError
from kernel.work import Work

router = APIRouter(prefix="/callbacks")
S = ConversationState

RATINGS = frozenset("12345")
# What a push is verified by; nothing else of its head is handed on.
HEADERS = ("content-type",)


@router.get("/{channel}/{code}")
def check_address(request: Request, hub: HubDep, channel: str, code: str) -> Response:
    """The platform's check when our address is entered in its console."""
    _account_id, adapter = adapter_of(hub, channel, code)
    try:
        answer = adapter.greet(Pushed("GET", dict(request.query_params)))
    except XuandaError as error:
        refused(request, hub, code, error)
        raise
    with hub.works.write(PUSHER) as work:
        hub.outer.put(work, "greeted", {"account": code})
    return Response(answer, media_type="text/plain")


@router.post("/{channel}/{code}")
async def push(request: Request, hub: HubDep, channel: str, code: str) -> Response:
    """One push: taken once, answered at once."""
    body = await request.body()
    if len(body) > LONGEST_BODY:
        raise BadPush(why="内容过大")
    headers = {name: request.headers[name] for name in HEADERS if name in request.headers}
    pushed = Pushed("POST", dict(request.query_params), body, headers)
    try:
        answer = await pools.pushes.run(_take, hub, channel, code, pushed)
    except (BadSignature, BadPush) as error:
        refused(request, hub, code, error)
        raise
    return Response(answer, media_type=MEDIA_TYPES.get(answer[:1], "text/plain"))


def _take(hub: Hub, channel: str, code: str, pushed: Pushed) -> bytes:
    account_id, adapter = adapter_of(hub, channel, code)
    found = adapter.read_inbound(pushed)
    with hub.works.write(PUSHER) as work:
        account = work.session.get_one(Account, account_id)
        check_fresh(work, account, adapter.stamp(pushed), pushed.body, found)
        heard = _first(account, found)
        if heard is None:  # Nobody's words: the result of a job, a touch that says nothing.
            nothing = NOTHING.get(adapter.name, b"")
            if found:
                _put(hub, work, account, pushed, nothing, None)
            return nothing
        return _answer(hub, work, account, adapter, pushed, *heard)


def _first(account: Account, found: Sequence[Inbound]) -> tuple[Message | Follower, Arrival] | None:
    for inbound in found:
        if isinstance(inbound, Message | Follower):
            arrival = gateway.arrival_of(account, inbound)
            if arrival is not None:
                return inbound, arrival
    return None


def _answer(
    hub: Hub,
    work: Work,
    account: Account,
    adapter: Channel,
    pushed: Pushed,
    inbound: Message | Follower,
    arrival: Arrival,
) -> bytes:
    mark = hub.seal.fingerprint(f"outer heard\0{arrival.origin}\0{arrival.key}")
    key = sessions.key_of(hub.seal.fingerprint("\0".join((arrival.key, arrival.sender, arrival.kind, arrival.text))))
    known = work.session.scalar(select(OuterHeard.answer).where(OuterHeard.mark == mark))
    if known is not None:
        return opened(key, known)
    held = _session(hub, work, account, arrival)
    row, state = held.row, held.row.state
    unit_id = rules.desk_of(work.session, account.unit_id, work.now)
    told = Told(0, 1, arrival.kind, arrival.text.strip())
    thought = think(hub, work, held, account, unit_id, told, arrival.sender)
    answer = adapter.answer(inbound, None if thought.said is None else Reply(text=thought.said.text))
    sessions.remember(held, thought.memory)
    row.state, row.touched_at = thought.state, work.now
    row.rated = row.rated or bool(thought.verdict and thought.verdict.rating)
    verdict = packed(thought.verdict) if thought.verdict else None
    session = {"session": row.id, "state": state, "verdict": verdict, "said": pack_said(thought.said)}
    row.heard = _put(hub, work, account, pushed, answer, session)
    work.session.add(OuterHeard(mark=mark, answer=close(public_of(key), answer), at=work.now))
    return answer


def _session(hub: Hub, work: Work, account: Account, arrival: Arrival) -> Opened:
    """The citizen's session; a closed one begins anew, unless this is the figure that rates it."""
    secret = sessions.identity(hub.seal, account.id, arrival.sender)
    mark, key = fingerprint(secret), sessions.key_of(secret)
    held = sessions.find(work.session, mark, key)
    if held is None:
        return sessions.begin(work, mark, key, fresh_memory(), account.id)
    if held.row.state == S.CLOSED and not _rates(held.row, arrival):
        return sessions.anew(held, fresh_memory(held.memory))
    return held


def _rates(row: OuterSession, arrival: Arrival) -> bool:
    return row.asked_rating and not row.rated and arrival.kind == "text" and arrival.text.strip() in RATINGS


def _put(
    hub: Hub, work: Work, account: Account, pushed: Pushed, answer: bytes, session: dict[str, object] | None
) -> int:
    values = {
        "account": account.code,
        "query": dict(pushed.query),
        "headers": dict(pushed.headers),
        "answer": base64.b64encode(answer).decode(),
        "session": 0,
        "state": "",
        "verdict": None,
        "said": None,
        **(session or {}),
    }
    return hub.outer.put(work, "pushed", values, pushed.body)
