"""Applies an injected fault to a call: breaks the answer, the connection or the time it takes."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote_plus

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from channels.rehearsal.faults import Fault

if TYPE_CHECKING:
    from channels.rehearsal.world import World

# A form field, in the address's own form or as a part of several; a picture that follows is not looked through.
_TOKEN_FIELD = re.compile(rb'(?:^|&|name=")access_token(?:=|"\r\n\r\n)([^&\r\n]+)')
LONGEST_HEAD = 64 * 1024
_PAGES = ("s/", "mmbiz/", "draft/")


class ConnectionCut(RuntimeError):
    """连接被演练平台切断。"""


async def run(world: World, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a call through `app`, unless a fault is in force for it."""
    _, platform, path = (*scope["path"].split("/", 2), "", "")[:3]
    face = world.faces.get(platform)
    if face is None or path.startswith(_PAGES) or not world.faults.all():
        await app(scope, receive, send)
        return
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    receive, body = await _taken_in(receive)
    query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    account = face.account(path, {**_token_in(body), **query}, headers)
    fault = world.faults.take(platform, path, account)
    if fault is None:
        await app(scope, receive, send)
        return
    world.ledger.add(platform, account, "fault", fault=fault.kind, path=path, id=fault.id)
    await _Broken(world, app, scope, receive, send).answer(fault, platform, path, account)


class _Broken:
    """One call under a fault."""

    def __init__(self, world: World, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._world = world
        self._app = app
        self._call = (scope, receive, send)

    async def answer(self, fault: Fault, platform: str, path: str, account: str) -> None:
        scope, receive, send = self._call
        face = self._world.faces[platform]
        match fault.kind:
            case "http_5xx":
                await PlainTextResponse("Bad Gateway", fault.code or 502)(scope, receive, send)
            case "throttle":
                await face.throttled(path, fault.seconds)(scope, receive, send)
            case "errcode":
                if fault.code in face.done_all_the_same:
                    await self._act_unseen()
                await face.refusal(fault.code, path)(scope, receive, send)
            case "token_expire_now":
                face.expire(account)
                await self._app(scope, receive, send)
            case "delay":
                # Taken in first: a caller who gives up meanwhile does not undo what he asked for.
                body = await _whole(receive)
                await asyncio.sleep(fault.seconds)
                await self._app(scope, body, send)
            case "late_answer":
                said: list[Message] = []
                await self._app(scope, await _whole(receive), _into(said))
                await asyncio.sleep(fault.seconds)
                for message in said:
                    await send(message)
            case "timeout":
                await asyncio.sleep(fault.seconds)
                await self._cut()
            case "cut_before":
                await self._cut()
            case "cut_after":
                await self._act_unseen()
                await self._cut()

    async def _act_unseen(self) -> None:
        scope, receive, _ = self._call
        await self._app(scope, receive, _swallow)

    async def _cut(self) -> None:
        _, receive, send = self._call
        # Starlette has no word for it, so that the connection is taken from uvicorn's own request object.
        transport: Any = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is None:
            raise ConnectionCut
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


def _token_in(body: bytes) -> dict[str, str]:
    """The token that a form carries in its body, where some clients put it; nothing where there is none."""
    found = _TOKEN_FIELD.search(body[:LONGEST_HEAD])
    return {"access_token": unquote_plus(found[1].decode("latin-1"))} if found else {}


async def _whole(receive: Receive) -> Receive:
    """Take the request's body in now, to be read later."""
    return (await _taken_in(receive))[0]


async def _taken_in(receive: Receive) -> tuple[Receive, bytes]:
    """Take the request's body in; it can be read again, and looked at now."""
    taken: deque[Message] = deque([await receive()])
    while taken[-1].get("more_body"):
        taken.append(await receive())

    body = b"".join(message.get("body", b"") for message in taken)

    async def replay() -> Message:
        return taken.popleft() if taken else await receive()

    return replay, body


def _into(said: list[Message]) -> Send:
    """Keep an answer, to be given later."""

    async def keep(message: Message) -> None:
        said.append(message)

    return keep


async def _swallow(message: Message) -> None:
    """Take an answer that nobody will see."""
