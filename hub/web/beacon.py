"""The portal's own counter: a page tells that it was opened; no cookie, no address, no identity is looked at."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request
from fastapi.responses import Response

from analytics.collect import DIRECT
from channels.registry import channels
from hub.web.access import HubDep

router = APIRouter()

LONGEST_BODY = 2048
OURS = ("same-origin", "none")


@router.post("/beacon", status_code=204)
async def beacon(request: Request, hub: HubDep) -> Response:
    """Counts one opening. What cannot be counted is answered the same, so that nobody learns anything from it.

    Not a plain `def`: it waits for nothing but its body, and a burst of readers must not take the threads of others.
    """
    told = _read(await _body(request)) if _is_ours(request) else None
    if told is not None:
        hub.reads.count(*told)
    return Response(status_code=204)


def _is_ours(request: Request) -> bool:
    """Whether one of our own pages may have sent it: other sites cannot send this type without being asked back."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    return kind == "application/json" and request.headers.get("sec-fetch-site", "none") in OURS


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            return b""
    return body


def _read(body: bytes) -> tuple[str, str] | None:
    """The path and the channel that led there; None for what is no such message."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    path = told.get("path") if isinstance(told, dict) else None
    if not isinstance(path, str):
        return None
    led = told.get("from")
    return path, led if isinstance(led, str) and led in channels() else DIRECT
