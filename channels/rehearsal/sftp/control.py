"""Control doors of the SFTP server: sites, and their files as anybody can look at them."""

from __future__ import annotations

import asyncio
import posixpath
from html import escape
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from channels.rehearsal.config import SftpSite
from channels.rehearsal.sftp.server import SftpServer
from channels.rehearsal.sftp.state import Inbox

if TYPE_CHECKING:
    from channels.rehearsal.world import World

_PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif"}


def accounts(world: World) -> list[dict[str, Any]]:
    """All sites with what lies in their folders, newest last."""
    return [_shown(inbox) for inbox in world.state.sftp.inboxes.values()]


def add_doors(routes: APIRouter, world: World) -> None:
    """Add the doors below /control/accounts/sftp."""

    @routes.post("/control/accounts/sftp")
    async def open_site(request: Request, given: SftpSite) -> dict[str, Any]:
        inbox = world.state.sftp.open(given)
        server = running(world)
        server.remember()
        address = f"{request.url.hostname or '127.0.0.1'}:{server.port}"
        return _shown(inbox) | {"settings": {"server": address, "host_key": [server.fingerprint]}}


def running(world: World) -> SftpServer:
    """The server, which is started where it does not run yet."""
    if world.sftp is None:
        world.sftp = SftpServer(world, asyncio.get_running_loop())
    return world.sftp


def router(world: World) -> APIRouter:
    """The files of each site, to be put below /sftp."""
    routes = APIRouter()

    @routes.get("/{user}/files/{path:path}")
    async def file(user: str, path: str) -> Response:
        inbox = world.state.sftp.inboxes.get(user)
        kept = inbox.files.get(f"/{path}") if inbox else None
        content = world.blobs.get(kept.blob) if kept else None
        if content is None:
            return HTMLResponse("<p>文件不存在</p>", 404)
        if picture := _PICTURES.get(posixpath.splitext(path)[1].lower()):
            return Response(content, media_type=picture)
        # Shown as text: what was sent must not run on the rehearsal's own page.
        shown = escape(content.decode("utf-8", "replace"))
        return HTMLResponse(f"<!doctype html><meta charset=utf-8><title>演练目录</title><pre>{shown}</pre>")

    return routes


def _shown(inbox: Inbox) -> dict[str, Any]:
    site = inbox.site
    named = [path for path in inbox.files if not posixpath.basename(path).startswith(".")]
    return {"user": site.user, "name": site.name, "files": sorted(named)}
