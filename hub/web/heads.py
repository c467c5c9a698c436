"""HEAD as GET without the body, so that whoever checks links or probes finds every page that a browser finds."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What serves files answers HEAD by itself, without reading them.
FILES = ("/static/", "/media/", "/files/")
# A stream (SSE) has no end that one could wait for.
STREAM = "/events"


class Heads:
    """Pure ASGI, outside everything else: what lies within sees a GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or _is_spared(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"}, receive, without_body)


def _is_spared(path: str) -> bool:
    return path.startswith(FILES) or path.endswith(STREAM)
