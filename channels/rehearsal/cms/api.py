"""The door of the stand-in for a site platform: create, find, change and take back articles; and their public pages.

It answers as such platforms do: HTTP 200 with `code` and `msg` for what it refuses, 401 for a wrong key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from channels.rehearsal.cms.state import Article, SiteState

if TYPE_CHECKING:
    from channels.rehearsal.world import World

TITLE = 100
REFUSED = 1001


class Refusal(Exception):
    """对方平台拒绝。"""

    def __init__(self, code: int, why: str, status: int = 200) -> None:
        self.code, self.why, self.status = code, why, status
        super().__init__(why)


def router(world: World) -> APIRouter:
    """All of the platform's addresses, to be put below /cms."""
    routes = APIRouter()

    @routes.get("/{site}/pages/{number}.html")
    async def page(site: str, number: str) -> Response:
        state = world.state.cms.sites.get(site)
        article = state.articles.get(number) if state else None
        if article is None or article.gone:
            return HTMLResponse("<p>页面不存在</p>", 404)
        # Shown as text: what was sent must not run on the rehearsal's own page.
        shown = escape(json.dumps(article.fields, ensure_ascii=False, indent=1))
        return HTMLResponse(f"<!doctype html><meta charset=utf-8><title>演练网站</title><pre>{shown}</pre>")

    @routes.api_route("/{site}/articles", methods=["GET", "POST"])
    @routes.api_route("/{site}/articles/{number}", methods=["PUT", "POST", "DELETE"])
    async def articles(request: Request, site: str, number: str = "") -> Response:
        body = await request.body()
        try:
            data = _answer(world, request, site, number, body)
        except Refusal as refused:
            world.ledger.add("cms", site, "refused", code=refused.code, why=refused.why)
            return JSONResponse({"code": refused.code, "msg": refused.why}, refused.status)
        return JSONResponse({"code": 0, "msg": "ok", "data": data})

    return routes


def refusal(code: int, _path: str) -> Response:
    """The answer with a given error code."""
    status = code if code in (401, 403) else 200
    return JSONResponse({"code": code, "msg": "平台拒绝"}, status)


def throttled(_path: str, seconds: float) -> Response:
    """The answer to one who calls too often."""
    return JSONResponse({"code": 429, "msg": "请求过于频繁"}, 429, headers={"Retry-After": str(int(seconds) or 1)})


def _answer(world: World, request: Request, site: str, number: str, body: bytes) -> dict[str, Any]:
    state = world.state.cms.sites.get(site)
    if state is None:
        raise Refusal(404, "没有这个站点", 404)
    _check_key(state, request, body)
    if request.method == "GET":
        return _find(world, request, state)
    if request.method == "DELETE":
        return _take_back(world, request, state, number)
    sent = _fields(request, body)
    title = str(sent.get("title") or "")
    if not title or len(title) > TITLE:
        raise Refusal(REFUSED, f"标题不能为空，且不超过 {TITLE} 字")
    return _change(world, request, state, number, sent) if number else _create(world, request, state, sent)


def _check_key(state: SiteState, request: Request, body: bytes) -> None:
    token = state.site.token
    stamp, mark = request.headers.get("x-timestamp", ""), request.headers.get("x-signature", "")
    wanted = hmac.new(token.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    bearer = request.headers.get("authorization", "")
    if not hmac.compare_digest(bearer, f"Bearer {token}") and not hmac.compare_digest(mark, wanted):
        raise Refusal(401, "密钥或签名不对", 401)


def _fields(request: Request, body: bytes) -> dict[str, Any]:
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            sent = json.loads(body)
        else:
            sent = dict(parse_qsl(body.decode(), keep_blank_values=True))
    except ValueError:
        raise Refusal(REFUSED, "报文无法识别") from None
    if not isinstance(sent, dict):
        raise Refusal(REFUSED, "报文无法识别")
    return sent


def _create(world: World, request: Request, state: SiteState, sent: dict[str, Any]) -> dict[str, Any]:
    source = str(sent.get("sourceId") or "")
    known = next((one for one in state.articles.values() if source and one.source == source), None)
    if known is None:
        known = Article(id=str(100_001 + len(state.articles)), source=source, fields=sent, at=world.clock.now())
        state.articles[known.id] = known
        world.ledger.add("cms", state.site.site, "article", id=known.id, fields=sent)
    return _shown(world, request, state, known)


def _find(world: World, request: Request, state: SiteState) -> dict[str, Any]:
    source = request.query_params.get("sourceId", "")
    known = next((one for one in state.articles.values() if source and one.source == source), None)
    if known is None:
        raise Refusal(404, "没有这篇文章")
    return _shown(world, request, state, known)


def _change(world: World, request: Request, state: SiteState, number: str, sent: dict[str, Any]) -> dict[str, Any]:
    known = state.articles.get(number)
    if known is None or known.gone:
        raise Refusal(404, "没有这篇文章", 404)
    known.fields, known.changed = {**known.fields, **sent}, known.changed + 1
    world.ledger.add("cms", state.site.site, "changed", id=number, fields=sent)
    return _shown(world, request, state, known)


def _take_back(world: World, request: Request, state: SiteState, number: str) -> dict[str, Any]:
    known = state.articles.get(number)
    if known is None or known.gone:
        raise Refusal(404, "没有这篇文章", 404)
    known.gone = True
    world.ledger.add("cms", state.site.site, "taken_back", id=number)
    return _shown(world, request, state, known)


def _shown(world: World, request: Request, state: SiteState, article: Article) -> dict[str, Any]:
    address = f"{world.base(request)}/cms/{state.site.site}/pages/{article.id}.html"
    return {"id": int(article.id), "url": address}
