"""The stand-in for an office's SMS gateway: what it is given arrives on the phone of that number, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from channels.rehearsal.world import World


class Text(BaseModel):
    """One message as the product posts it."""

    model_config = ConfigDict(extra="forbid")

    id: int
    to: str
    title: str
    text: str = ""
    link: str = ""


class SmsState(BaseModel):
    """The phones that have received something, and the keys of what was taken."""

    phones: list[str] = []
    taken: list[str] = []


def router(world: World) -> APIRouter:
    """The gateway's one address, to be put below /sms."""
    routes = APIRouter()

    @routes.post("")
    async def take(request: Request, text: Text) -> Response:
        if world.config.sms_token and request.headers.get("authorization") != f"Bearer {world.config.sms_token}":
            return JSONResponse({"error": "unauthorised"}, 401)
        if not text.to.strip():
            return JSONResponse({"error": "no number"}, 422)
        key = request.headers.get("idempotency-key", "")
        state = world.state.sms
        if key and key in state.taken:
            return JSONResponse({"taken": "before"})
        if key:
            state.taken.append(key)
        if text.to not in state.phones:
            state.phones.append(text.to)
        world.ledger.add("sms", text.to, "sms", title=text.title, text=text.text, link=text.link)
        return JSONResponse({"taken": "now"})

    return routes


def refusal(code: int, path: str) -> Response:  # noqa: ARG001 - the answer is the same everywhere.
    """The answer with a given code, which is an HTTP status here."""
    return JSONResponse({"error": "refused"}, code if 400 <= code < 600 else 400)


def throttled(path: str, seconds: float) -> Response:  # noqa: ARG001 - the answer is the same everywhere.
    """The answer to a caller who is too fast."""
    return JSONResponse({"error": "too fast"}, 429, {"Retry-After": str(int(seconds))})


def accounts(world: World) -> list[dict[str, Any]]:
    """Every phone that has received something."""
    return [{"number": number, "name": world.config.sms_names.get(number, "")} for number in world.state.sms.phones]


def add_doors(routes: APIRouter, world: World) -> None:
    """Nobody sets anything up here: a phone exists once something was sent to its number."""
