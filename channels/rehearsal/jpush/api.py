"""The door of the stand-in for JPush: credentials, rate, verb and body are checked here."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from channels.rehearsal.jpush import devices, payload, pushing
from channels.rehearsal.jpush.codes import Refusal
from channels.rehearsal.jpush.state import AppState, Window

if TYPE_CHECKING:
    from channels.rehearsal.world import World

MINUTE = 60
REPORT_IDS = 100
CIDS = 1000


def router(world: World) -> APIRouter:
    """All of JPush's addresses (push, report and device host in one), to be put below /jpush."""
    routes = APIRouter()

    @routes.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])
    async def interface(path: str, request: Request) -> Response:
        return await _interface(world, path, request)

    return routes


def refusal(code: int, path: str) -> Response:  # noqa: ARG001 - the answer is the same everywhere.
    """The answer with a given code."""
    refused = Refusal(code)
    return _json(refused.answer(), refused.status)


def throttled(path: str, seconds: float) -> Response:  # noqa: ARG001 - the answer is the same everywhere.
    """The answer to a caller who is too fast."""
    headers = {"X-Rate-Limit-Quota": "600", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(int(seconds))}
    return _json(Refusal(2002).answer(), 429, headers)


def app_key_of(headers: dict[str, str]) -> str:
    """The app key in the Authorization header, "" without a proper one."""
    return _credentials(headers.get("authorization", ""))[0]


async def _interface(world: World, path: str, request: Request) -> Response:
    key, headers = "", {}
    try:
        state = _authenticated(world, request.headers.get("authorization", ""))
        key = state.app.app_key
        headers = _count(world, state, path)
        answer = await _answer(world, state, path, request)
    except Refusal as refused:
        world.ledger.add("jpush", key, "call", path=path, code=refused.code)
        return _json(refused.answer(), refused.status, headers or refused.headers)
    world.ledger.add("jpush", key, "call", path=path, code=0)
    return _json(answer, 200, headers)


async def _answer(world: World, state: AppState, path: str, request: Request) -> Any:
    query = dict(request.query_params)
    if path in ("v3/push", "v3/push/validate"):
        if request.method != "POST":
            raise Refusal(1001)
        body = read_json(await request.body())
        payload.check(body, state.app.ios_bytes)
        if path == "v3/push":
            return pushing.push(world, state, body)
        return _validated(state, body)
    if request.method == "DELETE" and path.startswith("v3/push/"):
        return pushing.revoke(world, state, path.removeprefix("v3/push/"))
    if path == "v3/push/cid" and request.method == "GET":
        return _cids(state, query)
    if path == "v3/received/detail" and request.method == "GET":
        return _reports(state, query)
    content = await request.body()
    return devices.answer(state, path, request.method, query, read_json(content) if content else {})


def _validated(state: AppState, body: dict[str, Any]) -> dict[str, Any]:
    production = (body.get("options") or {}).get("apns_production", True)
    if not pushing.targets(state, body, production):
        raise Refusal(1011, msg_id=state.number())
    return {"sendno": str((body.get("options") or {}).get("sendno", 0)), "msg_id": state.number()}


def _cids(state: AppState, query: dict[str, str]) -> dict[str, Any]:
    count, kind = query.get("count", "1"), query.get("type", "push")
    if not count.isdigit() or not 1 <= int(count) <= CIDS or kind not in ("push", "schedule"):
        raise Refusal(1003)
    return {"cidlist": [f"{state.app.app_key}-{uuid.uuid4()}" for _ in range(int(count))]}


def _reports(state: AppState, query: dict[str, str]) -> list[dict[str, Any]]:
    wanted = [one for one in query.get("msg_ids", "").split(",") if one]
    if not wanted:
        raise Refusal(1002)
    if len(wanted) > REPORT_IDS or not all(one.isdigit() for one in wanted):
        raise Refusal(1003)
    return [pushing.report(state, msg_id) for msg_id in wanted]


def _authenticated(world: World, header: str) -> AppState:
    key, secret = _credentials(header)
    state = world.state.jpush.apps.get(key)
    if state is None or state.app.master_secret != secret:
        raise Refusal(1004)
    return state


def _credentials(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key, secret


def _count(world: World, state: AppState, path: str) -> dict[str, str]:
    kind, quota = _quota(state, path)
    now = world.clock.now()
    window = state.windows.setdefault(kind, Window())
    if now - window.began >= MINUTE:
        window.began, window.calls = now, 0
    window.calls += 1
    headers = {
        "X-Rate-Limit-Quota": str(quota),
        "X-Rate-Limit-Remaining": str(max(quota - window.calls, 0)),
        "X-Rate-Limit-Reset": str(max(int(window.began + MINUTE - now), 0)),
    }
    if window.calls > quota:
        refused = Refusal(2002)
        refused.headers = headers
        raise refused
    return headers


def _quota(state: AppState, path: str) -> tuple[str, int]:
    hosts: list[tuple[Callable[[str], bool], str, int]] = [
        (lambda one: one.startswith("v3/push"), "push", state.app.push_per_minute),
        (lambda one: one.startswith(("v3/received", "v3/report")), "report", state.app.report_per_minute),
    ]
    found = next(((kind, quota) for fits, kind, quota in hosts if fits(path)), None)
    return found or ("device", state.app.device_per_minute)


def read_json(raw: bytes) -> dict[str, Any]:
    """The JSON body; 1003 when it is none."""
    try:
        body = json.loads(raw)
    except ValueError:
        raise Refusal(1003, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise Refusal(1003, "The body is not an object.")
    return body


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status, headers, media_type="application/json")
