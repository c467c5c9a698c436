"""What a failure looks like: a page, a fragment for htmx, or JSON, by what the caller asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import ceil
from typing import Any, Literal
from urllib.parse import quote

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Mount

from hub.auth.errors import PasswordMustChange, SignedOut
from hub.db import is_away
from hub.limits import TooOften
from hub.web.access import LONGEST_FIELD, SAFE_METHODS, Asker, language_of, the_hub
from hub.web.pages import shell_of
from kernel.errors import Invalid, NotFound, XuandaError
from templates.views import Problem

log = structlog.get_logger()

LOGIN = "/console/login"
FAULTS = {"missing": "“{field}”没有填写。", "extra_forbidden": "没有“{field}”这一项。"}
PASSWORD = "/console/me/password"  # noqa: S105  # An address.


class TooLarge(XuandaError):
    """What you sent is larger than {limit}. Choose a smaller file or reduce the picture, then send it again."""

    zh = "提交的内容超过上限（{limit}）。请压缩或更换文件后重新提交。"
    status = 413


class WrongMethod(XuandaError):
    """This address cannot be used this way. Go back to the page and use its buttons."""

    zh = "此地址不支持这种访问方式。请返回页面重新操作。"
    status = 405


class Away(XuandaError):
    """The system does not answer just now: its database is away or busy. Nothing was done; wait a moment and try again.
    If it stays, tell the administrator."""

    zh = "系统暂时没有响应（数据库无法连接或正忙），操作没有完成。请稍候再试；持续如此请联系系统管理员。"
    status = 503


def wanted(request: Request) -> Literal["page", "fragment", "json"]:
    """What kind of answer the caller can show."""
    if request.url.path.startswith("/api/"):
        return "json"
    if request.headers.get("hx-request") == "true" and request.headers.get("hx-boosted") != "true":
        return "fragment"
    accepts = request.headers.get("accept", "")
    if "text/html" in accepts:
        return "page"
    if "application/json" in accepts or not request.url.path.startswith("/console"):
        return "json"
    return "page"


async def on_xuanda_error(request: Request, error: Exception) -> Response:
    """A failure with its own words."""
    assert isinstance(error, XuandaError)  # noqa: S101  # Registered for this family only.
    if isinstance(error, PasswordMustChange):
        return _go_to(request, PASSWORD, error)
    if isinstance(error, SignedOut):
        back = _back_to(request)
        return _go_to(request, f"{LOGIN}?next={quote(back)}" if back else LOGIN, error)
    answered = await answer(request, error)
    if isinstance(error, TooOften):
        answered.headers["Retry-After"] = str(ceil(error.wait))
    return answered


async def on_http_error(request: Request, error: Exception) -> Response:
    """A refusal of the framework: no such address, wrong method, a body too large or unreadable."""
    assert isinstance(error, HTTPException)  # noqa: S101  # Registered for this class only.
    if "exceeded maximum size" in str(error.detail):
        return await answer(request, TooLarge(field="body", limit=_megabytes(LONGEST_FIELD)))
    if error.status_code == 413:
        return await on_too_large(request)
    known: dict[int, XuandaError] = {404: NotFound(), 405: WrongMethod()}
    if error.status_code in known:
        return await answer(request, known[error.status_code])
    return await answer(request, Invalid(why="请求的格式不对。"), status=error.status_code)


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """Fields that are missing or of the wrong kind."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  # Registered for this class only.
    first = error.errors()[0]
    if first["loc"][0] == "path":
        return await answer(request, NotFound())
    field = _place(first)
    words = FAULTS.get(first["type"], "“{field}”填写有误。")
    return await answer(request, Invalid(field=field, why=words.format(field=field[:100])))


def _place(error: Mapping[str, Any]) -> str:
    """Where in the body or the address it is, as `variants.wechat.title`; the body as a whole is `body`."""
    inner = [str(one) for one in error["loc"][1:] if one != "[key]"]
    return ".".join(inner) if inner and error["type"] != "json_invalid" else str(error["loc"][0])


async def on_too_large(request: Request) -> Response:
    """A body beyond the limit; in a form with a file it is the file's field that is named."""
    limit = the_hub(request).settings.upload_limit
    field = "file" if "multipart" in request.headers.get("content-type", "") else "body"
    return await answer(request, TooLarge(field=field, limit=_megabytes(limit)))


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.0f} MB"


async def on_failure(request: Request, error: Exception) -> Response:
    """What nobody foresaw; the log has the details under the request's number."""
    return await answer(request, Away() if is_away(error) else XuandaError())


async def on_database_error(request: Request, error: Exception) -> Response:
    """The database is away, which is no fault of the request's; anything else is one nobody foresaw."""
    if not is_away(error):
        raise error
    # Its text holds the statement and what was to be written: only the driver's own words go into the log.
    log.warning("database away", why=str(getattr(error, "orig", error))[:200])
    return await answer(request, Away())


async def answer(request: Request, error: XuandaError, status: int | None = None) -> Response:
    """The error in the form the caller can show."""
    language = language_of(request)
    message = error.message(language)
    code = status or error.status
    kind = wanted(request)
    if kind == "json":
        headers = {"WWW-Authenticate": "Bearer"} if code == 401 else None
        body = {"error": error.code, "message": message, "field": error.field, "reference": _reference(request)}
        return JSONResponse(body, status_code=code, headers=headers)
    # Drawing reads templates from disk; the event loop must not wait for that.
    html = await run_in_threadpool(_draw, request, kind, message, code, language)
    # htmx puts nothing of a failure on the page, but it does raise this event, which the page shows as a message.
    toast = {"HX-Trigger": json.dumps({"toast": {"text": message, "tone": "bad"}})} if kind == "fragment" else None
    return HTMLResponse(html, status_code=code, headers=toast)


def _draw(request: Request, kind: str, message: str, code: int, language: str) -> str:
    pages = the_hub(request).pages
    what, why = _split(message)
    if kind == "fragment":
        return pages.render("pages/home/problem_fragment.html", language, what=what, why=why)
    asker: Asker | None = getattr(request.state, "asker", None)
    problem = Problem(
        code=code,
        what=what,
        why=why,
        href="/console" if request.url.path.startswith("/console") else "",
        href_label=pages.translate("回到工作台", language),
        reference=_reference(request),
    )
    if asker is None:
        return pages.render("pages/error.html", language, problem=problem)
    return pages.render("pages/error_inside.html", language, problem=problem, shell=shell_of(request, asker))


def _go_to(request: Request, href: str, error: XuandaError) -> Response:
    kind = wanted(request)
    if kind == "page" and request.method in SAFE_METHODS:
        return RedirectResponse(href, status_code=303)
    body = {
        "error": error.code,
        "message": error.message(language_of(request)),
        "field": error.field,
        "reference": _reference(request),
    }
    headers = {"HX-Redirect": href} if kind == "fragment" else {"WWW-Authenticate": "Bearer"}
    if kind == "page":
        return RedirectResponse(href, status_code=303)
    return JSONResponse(body, status_code=error.status, headers=headers)


def _back_to(request: Request) -> str:
    # A form goes back to the page on which it was filled in.
    url = request.url if request.method in SAFE_METHODS else URL(request.headers.get("referer", ""))
    if request.url.path == "/console/logout" or url.path in ("", "/console") or not url.path.startswith("/console/"):
        return ""
    if not _is_page(request, url.path):
        # A form that was refused stands at the address it was sent to, below the page it belongs to.
        above = url.path.rpartition("/")[0]
        return above if above != "/console" and _is_page(request, above) else ""
    return f"{url.path}?{url.query}" if url.query else url.path


def _is_page(request: Request, path: str) -> bool:
    asked = {**request.scope, "method": "GET", "path": path}
    routes = (route for route in request.app.routes if not isinstance(route, Mount))  # A folder would take any path.
    return any(route.matches(asked)[0] == Match.FULL for route in routes)


def _split(message: str) -> tuple[str, str]:
    for end in ("。", ". "):
        what, mark, rest = message.partition(end)
        if mark and rest:
            return what + mark.strip(), rest.strip()
    return message, ""


def _reference(request: Request) -> str:
    return str(getattr(request.state, "reference", ""))
