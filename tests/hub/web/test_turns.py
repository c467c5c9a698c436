"""Console pages take turns; acts, citizens and streams that have begun wait for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message, Receive, Scope, Send

from hub.web.turns import Turns


class App:
    """Notes who is inside, and stays there until told to go on."""

    def __init__(self, *, answers_at_once: bool = False) -> None:
        self.inside: list[str] = []
        self.go_on = asyncio.Event()
        self.answers_at_once = answers_at_once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside.append(scope["path"])
        if self.answers_at_once:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.go_on.wait()
        if scope["path"].endswith("broken"):
            raise RuntimeError("a fault of the page")


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _unheard(_message: Message) -> None:
    return None


def _asked(turns: Turns, path: str, method: str = "GET") -> Awaitable[None]:
    return asyncio.ensure_future(turns({"type": "http", "method": method, "path": path}, _nothing, _unheard))


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def _run(scene: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scene(), 10)

    asyncio.run(bounded())


def test_pages_of_the_console_have_their_turn_in_order() -> None:
    async def scene() -> None:
        app = App()
        turns = Turns(app, at_once=1)
        asked = [_asked(turns, f"/console/{place}") for place in range(3)]
        await _settle()
        assert app.inside == ["/console/0"]
        app.go_on.set()
        await asyncio.gather(*asked)
        assert app.inside == ["/console/0", "/console/1", "/console/2"]

    _run(scene)


@pytest.mark.parametrize(("path", "method"), [("/chat/1", "GET"), ("/console/desk/1/answer", "POST"), ("/", "GET")])
def test_nobody_else_waits_for_them(path: str, method: str) -> None:
    async def scene() -> None:
        app = App()
        turns = Turns(app, at_once=1)
        asked = [_asked(turns, "/console/desk"), _asked(turns, path, method)]
        await _settle()
        assert app.inside == ["/console/desk", path]
        app.go_on.set()
        await asyncio.gather(*asked)

    _run(scene)


def test_a_stream_that_has_begun_keeps_nobody_waiting() -> None:
    async def scene() -> None:
        app = App(answers_at_once=True)
        turns = Turns(app, at_once=1)
        asked = [_asked(turns, f"/console/desk/events/{place}") for place in range(3)]
        await _settle()
        assert len(app.inside) == 3
        app.go_on.set()
        await asyncio.gather(*asked)

    _run(scene)


def test_a_page_that_fails_gives_its_turn_on() -> None:
    async def scene() -> None:
        app = App()
        app.go_on.set()
        turns = Turns(app, at_once=1)
        with pytest.raises(RuntimeError):
            await _asked(turns, "/console/broken")
        await _asked(turns, "/console/next")
        assert app.inside[-1] == "/console/next"

    _run(scene)
