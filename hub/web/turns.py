"""Pages of the console are drawn a few at a time: the others wait in order, and cost nothing while they wait.

Threads that draw at once share one interpreter. Beyond a few they only make each other slower, so that a crowd of
people who look at the same moment would keep everybody waiting for longer than if each had his turn.
"""

from __future__ import annotations

import asyncio
import os

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# One interpreter draws one page at a time, however many cores there are; a few others wait for the database meanwhile.
AT_ONCE = min(4, max(2, os.cpu_count() or 1))
INSIDE = "/console"


class Turns:
    """Pure ASGI. A turn ends when an answer begins, so that a stream or a slow reader keeps nobody waiting.

    Only what is looked at takes turns: an act may wait for a platform, and citizens and platforms wait for nobody here.
    """

    def __init__(self, app: ASGIApp, *, at_once: int = AT_ONCE) -> None:
        self._app = app
        self._free = asyncio.Semaphore(at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(INSIDE):
            await self._app(scope, receive, send)
            return
        mine = True

        def over() -> None:
            nonlocal mine
            if mine:
                mine = False
                self._free.release()

        async def sent(message: Message) -> None:
            over()
            await send(message)

        await self._free.acquire()
        try:
            await self._app(scope, receive, sent)
        finally:
            over()
