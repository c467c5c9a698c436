"""The door of the stand-in for Weibo: token, budget, rights and verb are checked here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from channels.rehearsal.media import CONTENT_TYPES, sniff
from channels.rehearsal.weibo import comments, fans, oauth, statuses
from channels.rehearsal.weibo.call import Api, Call
from channels.rehearsal.weibo.codes import Refusal

if TYPE_CHECKING:
    from channels.rehearsal.world import World

APIS: dict[str, Api] = {**statuses.APIS, **comments.APIS, **fans.APIS}


def router(world: World) -> APIRouter:
    """All of Weibo's addresses, to be put below /weibo."""
    routes = APIRouter()

    @routes.get("/oauth2/authorize")
    async def authorise(request: Request) -> Response:
        try:
            return RedirectResponse(oauth.authorise(world, dict(request.query_params)), 302)
        except Refusal as refused:
            return _refused(world, refused, "oauth2/authorize")

    @routes.get("/pictures/{key}")
    async def picture(key: str) -> Response:
        content = world.blobs.get(key)
        if content is None:
            return Response(status_code=404)
        return Response(content, media_type=CONTENT_TYPES.get(sniff(content), "application/octet-stream"))

    @routes.api_route("/{path:path}", methods=["GET", "POST"])
    async def interface(path: str, request: Request) -> Response:
        return await _interface(world, path, request)

    return routes


def refusal(world: World, code: int, path: str) -> Response:
    """The answer with a given error code."""
    return _refused(world, Refusal(code), path)


def expire(world: World, uid: str) -> None:
    """Let a user's token be expired, or everybody's when `uid` is ""."""
    for user in world.state.weibo.users.values():
        if uid in ("", user.account.uid):
            user.expires = min(user.expires, world.clock.now())


def account_of(world: World, query: dict[str, str], headers: dict[str, str]) -> str:
    """The uid a token belongs to, as far as it stands in the address or a header; "" otherwise."""
    token = query.get("access_token") or _bearer(headers.get("authorization", ""))
    return next((user.account.uid for user in world.state.weibo.users.values() if token and user.token == token), "")


async def _interface(world: World, path: str, request: Request) -> Response:
    uid = ""
    try:
        fields, picture = await _fields(request)
        if path == "oauth2/access_token":
            return _json(oauth.access_token(world, fields))
        if path == "oauth2/get_token_info":
            return _json(oauth.token_info(world, fields))
        token = fields.get("access_token") or _bearer(request.headers.get("authorization", ""))
        user = oauth.holder(world, token)
        uid = user.account.uid
        api = _checked(path, request.method, user.account.granted)
        _spend(world, uid)
        answer = await api.handler(Call(world, user, world.base(request), fields, picture))
    except Refusal as refused:
        world.ledger.add("weibo", uid, "call", path=path, code=refused.code)
        return _refused(world, refused, path)
    world.ledger.add("weibo", uid, "call", path=path, code=0)
    return _json(answer)


def _checked(path: str, method: str, granted: list[str]) -> Api:
    api = APIS.get(path)
    if api is None:
        raise Refusal(10020)
    if api.method != method:
        raise Refusal(10021)
    if api.advanced and path.removeprefix("2/").removesuffix(".json") not in granted:
        raise Refusal(10014)
    return api


def _spend(world: World, uid: str) -> None:
    user, day = world.state.weibo.users[uid], world.clock.day()
    user.counters[day] = user.counters.get(day, 0) + 1
    if user.counters[day] > user.account.requests_per_day:
        raise Refusal(10023)


async def _fields(request: Request) -> tuple[dict[str, str], bytes | None]:
    fields, picture = dict(request.query_params), None
    if request.method == "POST":
        async with request.form() as form:
            for name, value in form.items():
                if isinstance(value, UploadFile):
                    picture = await value.read() if name == "pic" else picture
                else:
                    fields[name] = value
    return fields, picture


def _bearer(header: str) -> str:
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "oauth2" else ""


def _refused(world: World, refused: Refusal, path: str) -> Response:
    return _json(refused.answer(f"/{path}"), refused.status(world.config.weibo_rules.http_status))


def _json(body: Any, status: int = 200) -> Response:
    content = json.dumps(body, ensure_ascii=False).encode()
    return Response(content, status, headers={"Content-Type": "application/json;charset=UTF-8"})
