"""The outermost layer of every answer: request number, security headers, size of bodies, and unforeseen failures."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from time import monotonic

import structlog
from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kernel.typed import number_in

log = structlog.get_logger(__name__)

KNOWN_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
# A body that is too large is read on for so many bytes: browsers show no answer while they are still sending.
READ_ON = 64 * 1024 * 1024
# Room for the other fields and the separators of a form beside one file of the largest size.
FORM_OVERHEAD = 1024 * 1024


class Edge:
    """Pure ASGI, so that streams (SSE) pass unbuffered.

    A route loosens the policy for its own answer with `allow_inline_styles` or `allow_framing`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_limit: int,
        https: bool,
        failed: Callable[[Request, Exception], Awaitable[Response]],
        too_large: Callable[[Request], Awaitable[Response]],
    ) -> None:
        self._app = app
        self._limit = body_limit
        self._https = https
        self._failed = failed
        self._too_large = too_large

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        request.state.reference = _reference(Headers(scope=scope).get("x-request-id", ""))
        started, status, begun = False, 0, monotonic()

        async def send_with_headers(message: Message) -> None:
            nonlocal started, status
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
                self._add_headers(request, MutableHeaders(scope=message))
            await send(message)

        with structlog.contextvars.bound_contextvars(request=request.state.reference):
            if _announced(scope) > self._limit:
                await _read_on(receive)
                await (await self._too_large(request))(scope, receive, send_with_headers)
                return
            try:
                await self._app(scope, self._counting(receive), send_with_headers)
            except Exception as failure:  # The edge: nobody may be left with a broken connection and no number.
                log.exception("request failed", method=scope["method"], route=_route(scope))
                if started:
                    raise
                await (await self._failed(request, failure))(scope, receive, send_with_headers)
            finally:
                taken = round((monotonic() - begun) * 1000)
                if "route" in scope or status >= 400:  # Files are too many to be worth a line each.
                    log.info("request", method=scope["method"], route=_route(scope), status=status, ms=taken)

    def _counting(self, receive: Receive) -> Receive:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._limit:
                if message.get("more_body", False):
                    await _read_on(receive)
                raise HTTPException(413)
            return message

        return counted

    def _add_headers(self, request: Request, headers: MutableHeaders) -> None:
        inline = getattr(request.state, "inline_styles", False)
        framed = getattr(request.state, "framed", False)
        raw = headers.raw
        present = {name for name, _value in raw}
        raw += [header for header in _headers(inline, framed, self._https) if header[0] not in present]
        headers["X-Request-ID"] = request.state.reference
        if request.scope["path"].startswith(("/console", "/api")):
            headers.setdefault("Cache-Control", "no-store")


@cache
def _headers(inline: bool, framed: bool, https: bool) -> Sequence[tuple[bytes, bytes]]:
    """What every answer bears that says nothing else itself, as it goes over the line."""
    # The libraries that write style attributes carry the signs on their buttons as a font in a data address.
    styles = " 'unsafe-inline'; font-src 'self' data:" if inline else ""
    ancestors = "'self'" if framed else "'none'"
    policy = (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        f"style-src 'self'{styles}; script-src 'self'; object-src 'none'; base-uri 'none'; "
        f"form-action 'self'; frame-ancestors {ancestors}"
    )
    named = {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN" if framed else "DENY",
        "referrer-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        **({"strict-transport-security": "max-age=31536000"} if https else {}),
    }
    return [(name.encode(), value.encode()) for name, value in named.items()]


def allow_inline_styles(request: Request) -> None:
    """A dependency for editing pages: the editor (Jodit) writes style attributes."""
    request.state.inline_styles = True


def allow_framing(request: Request) -> None:
    """A dependency for previews, which are shown in a frame of the console."""
    request.state.framed = True


def _reference(given: str) -> str:
    return given if KNOWN_ID.fullmatch(given) else secrets.token_hex(8)


def _route(scope: Scope) -> str:
    # The route's pattern and not the address: addresses hold the tokens of one-time links and what people searched for.
    return str(getattr(scope.get("route"), "path", "(none)"))


def _announced(scope: Scope) -> int:
    length = Headers(scope=scope).get("content-length", "")
    return number_in(length, 10**18) or 0


async def _read_on(receive: Receive) -> None:
    read, more = 0, True
    while more and read < READ_ON:
        message = await receive()
        read += len(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)
