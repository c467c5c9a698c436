"""The page on which the accounts and the people who receive from them are drawn as phones."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

_STATIC = Path(__file__).with_name("static")
_FILES = {"phones.css": "text/css", "phones.js": "text/javascript"}


def router() -> APIRouter:
    """The page and its two files."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def page() -> Response:
        return FileResponse(_STATIC / "phones.html", media_type="text/html; charset=utf-8")

    @routes.get("/phones/{name}")
    async def file(name: str) -> Response:
        if name not in _FILES:
            return Response(status_code=404)
        return FileResponse(_STATIC / name, media_type=f"{_FILES[name]}; charset=utf-8")

    return routes
