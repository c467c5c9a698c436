"""The stand-in for a city's 12345 system: takes a signed case, once per key, and answers with its own number."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from channels.rehearsal.world import World

FRESH_SECONDS = 300
NEEDED = ("number", "kind", "text")


class HotlineState(BaseModel):
    """The numbers given, by the key of what was taken."""

    given: dict[str, str] = {}


def router(world: World) -> APIRouter:
    """The system's one address, to be put below /hotline."""
    routes = APIRouter()

    @routes.post("")
    async def take(request: Request) -> Response:
        body = await request.body()
        if not _signed(world, body, request):
            return JSONResponse({"error": "signature"}, 401)
        try:
            case = json.loads(body)
        except ValueError:
            case = None
        if not isinstance(case, dict) or not all(isinstance(case.get(name), str) and case[name] for name in NEEDED):
            return JSONResponse({"error": "number, kind and text are needed"}, 422)
        key = request.headers.get("idempotency-key", "")
        given = world.state.hotline.given
        if key and key in given:
            return JSONResponse({"number": given[key], "taken": "before"})
        day = world.clock.moment(world.clock.now()).strftime("%Y%m%d")
        number = f"DH{day}{len(given) + 1:05d}"
        given[key or number] = number
        world.ledger.add("hotline", "12345", "case", given=number, case=case)
        return JSONResponse({"number": number, "taken": "now"})

    return routes


def _signed(world: World, body: bytes, request: Request) -> bool:
    moment = request.headers.get("x-xuanda-timestamp", "")
    if not (moment.isascii() and moment.isdigit()) or abs(world.clock.now() - int(moment[:12])) > FRESH_SECONDS:
        return False
    made = hmac.new(world.config.hotline_secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"sha256={made}".encode(), request.headers.get("x-xuanda-signature", "").encode())


def refusal(code: int, path: str) -> Response:  # noqa: ARG001 - the answer is the same everywhere.
    """The answer with a given code, which is an HTTP status here."""
    return JSONResponse({"error": "refused"}, code if 400 <= code < 600 else 400)


def throttled(path: str, seconds: float) -> Response:  # noqa: ARG001 - the answer is the same everywhere.
    """The answer to a caller who is too fast."""
    return JSONResponse({"error": "too fast"}, 429, {"Retry-After": str(int(seconds))})


def accounts(world: World) -> list[dict[str, Any]]:
    """The one desk of the hotline, where it has taken something."""
    return [{"name": "12345"}] if world.state.hotline.given else []


def add_doors(routes: APIRouter, world: World) -> None:
    """Nobody sets anything up here: the system is there from the start."""
