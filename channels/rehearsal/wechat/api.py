"""The door of the stand-in for WeChat: verb, token, rights and body are checked here, in that order."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from channels.rehearsal.media import CONTENT_TYPES, sniff
from channels.rehearsal.wechat import (
    articles,
    comments,
    custom,
    datacube,
    drafts,
    mass,
    material,
    menu,
    people,
    publish,
    quota,
    template,
    tokens,
)
from channels.rehearsal.wechat.call import Api, Call, Upload
from channels.rehearsal.wechat.codes import Refusal

if TYPE_CHECKING:
    from channels.rehearsal.world import World

_FAMILIES = (material, drafts, publish, mass, custom, template, comments, menu, people, datacube, quota)
APIS: dict[str, Api] = {path: api for family in _FAMILIES for path, api in family.APIS.items()}

_WITHOUT_TOKEN = ("cgi-bin/token", "cgi-bin/stable_token", "cgi-bin/clear_quota/v2")
_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u([0-9a-fA-F]{4})")
_NO_SCRIPT = {"Content-Security-Policy": "default-src 'self'; img-src *; style-src 'unsafe-inline'; script-src 'none'"}


def router(world: World) -> APIRouter:
    """All of WeChat's addresses, to be put below /wechat."""
    routes = APIRouter()

    @routes.get("/s/{page_id}")
    async def read_article(page_id: str, request: Request) -> Response:
        return _article(world, page_id, request)

    @routes.get("/draft/{preview}/{index}")
    async def read_draft(preview: str, index: int) -> Response:
        return _draft(world, preview, index)

    @routes.get("/mmbiz/{key}/0")
    async def picture(key: str) -> Response:
        content = world.blobs.get(key)
        if content is None:
            return Response(status_code=404)
        return Response(content, media_type=CONTENT_TYPES.get(sniff(content), "application/octet-stream"))

    @routes.api_route("/{path:path}", methods=["GET", "POST"])
    async def interface(path: str, request: Request) -> Response:
        return await _interface(world, path, request)

    return routes


def refusal(code: int, path: str) -> Response:
    """The answer with a given return code, as the interface at `path` would give it."""
    api = APIS.get(path)
    return _answer(Refusal(code).answer(), plain=bool(api and api.plain))


def throttled(path: str, seconds: float) -> Response:  # noqa: ARG001 - WeChat does not say for how long.
    """The answer to a caller who is too fast."""
    return refusal(45011, path)


def expire(world: World, appid: str) -> None:
    """Let an account's tokens be expired, or everybody's when `appid` is ""."""
    for state in world.state.wechat.accounts.values():
        if appid in ("", state.account.appid):
            tokens.expire_all(state, world.clock.now())


async def _interface(world: World, path: str, request: Request) -> Response:
    appid, plain = "", False
    answer: dict[str, Any] | Response
    try:
        if path in _WITHOUT_TOKEN:
            appid, answer = await _without_token(world, path, request)
        else:
            api = APIS.get(path)
            if api is None:
                world.ledger.add("wechat", "", "call", path=path, errcode=404)
                return Response("404 page not found", status_code=404)
            plain = api.plain
            appid, answer = await _checked(world, path, api, request)
    except Refusal as refused:
        query = request.query_params
        appid = tokens.owner_of(world, query.get("access_token", "")) or query.get("appid", "")
        answer = refused.answer()
    if isinstance(answer, Response):
        world.ledger.add("wechat", appid, "call", path=path, errcode=0)
        return answer
    world.ledger.add("wechat", appid, "call", path=path, errcode=answer.get("errcode", 0))
    return _answer(answer, plain)


async def _without_token(world: World, path: str, request: Request) -> tuple[str, dict[str, Any]]:
    address = request.client.host if request.client else ""
    if path != "cgi-bin/token":
        if request.method != "POST":
            raise Refusal(43002)
        body = read_json(await request.body())
        if path == "cgi-bin/stable_token":
            return str(body.get("appid", "")), tokens.stable(world, body, address)
        state = tokens.owner_by_secret(world, body.get("appid"), body.get("appsecret"))
        return state.account.appid, quota.clear(world, state)
    if request.method != "GET":
        raise Refusal(43001)
    query = dict(request.query_params)
    return query.get("appid", ""), tokens.ordinary(world, query, address)


async def _checked(world: World, path: str, api: Api, request: Request) -> tuple[str, dict[str, Any] | Response]:
    if api.method not in ("ANY", request.method):
        raise Refusal(43001 if api.method == "GET" else 43002)
    query = dict(request.query_params)
    state = tokens.holder(world, query.get("access_token", ""))
    quota.spend(world, state, path)
    if api.certified and not state.account.certified:
        raise Refusal(48001)
    call = Call(
        world=world,
        state=state,
        base=world.base(request),
        address=request.client.host if request.client else "",
        query=query,
    )
    if api.upload:
        await _read_form(call, request)
    elif request.method == "POST" and api.body:
        call.body = read_json(await request.body())
    return state.account.appid, await api.handler(call)


async def _read_form(call: Call, request: Request) -> None:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refusal(41005)
    async with request.form() as form:
        for name, value in form.items():
            if isinstance(value, UploadFile):
                if name == "media":
                    call.upload = Upload(value.filename or "", await value.read())
            else:
                call.form[name] = value


def read_json(raw: bytes) -> dict[str, Any]:
    r"""The JSON body; \uXXXX stays as these six characters, as WeChat keeps it (errcode 40033's own text)."""
    if not raw.strip():
        raise Refusal(44002)
    try:
        body = json.loads(_ESCAPE.sub(r"\1\\\\u\2", raw.decode()))
    except ValueError:
        raise Refusal(47001) from None
    if not isinstance(body, dict):
        raise Refusal(47001)
    return body


def _answer(body: dict[str, Any], plain: bool) -> Response:
    # Without a charset on purpose: clients that guess get mojibake here as they do there.
    kind = "text/plain" if plain else "application/json; encoding=utf-8"
    return Response(json.dumps(body, ensure_ascii=False).encode(), headers={"Content-Type": kind})


def _article(world: World, page_id: str, request: Request) -> Response:
    found = articles.find_page(world, page_id)
    if found is None:
        return HTMLResponse("<h1>链接已失效</h1>", status_code=404)
    state, page = found
    if not page.deleted:
        reader = request.query_params.get("reader") or (request.client.host if request.client else "")
        articles.note(world, page, "read", reader)
        world.ledger.add("wechat", state.account.appid, "read", path=f"/wechat/s/{page_id}", reader=reader)
    return HTMLResponse(articles.page_html(state, page, world.clock.day(page.at)), headers=_NO_SCRIPT)


def _draft(world: World, preview: str, index: int) -> Response:
    for state in world.state.wechat.accounts.values():
        for draft in state.drafts.values():
            if draft.preview == preview and 0 <= index < len(draft.articles):
                return HTMLResponse(articles.draft_html(state, draft.articles[index]), headers=_NO_SCRIPT)
    return HTMLResponse("<h1>链接已失效</h1>", status_code=404)
