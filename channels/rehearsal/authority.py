"""The stand-in for a higher authority's site: a news feed whose items have an age when the rehearsal starts."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from html import escape
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

if TYPE_CHECKING:
    from channels.rehearsal.config import AuthorityItem
    from channels.rehearsal.world import World


def router(world: World) -> APIRouter:
    """The feed and the pages behind it, to be put below /authority."""
    routes = APIRouter()
    started = world.clock.moment()

    @routes.get("/rss.xml")
    async def feed(request: Request) -> Response:
        base = f"{world.base(request)}/authority"
        items = "".join(
            f"<item><title>{escape(item.title)}</title><link>{base}/{number}.html</link>"
            f"<pubDate>{format_datetime(started - timedelta(hours=item.hours_ago))}</pubDate>"
            f"<description>{escape(_paragraphs(item))}</description></item>"
            for number, item in _newest_first(world)
        )
        name = escape(world.config.authority.name)
        words = f'<rss version="2.0"><channel><title>{name}</title><link>{base}/</link>{items}</channel></rss>'
        return Response(words, media_type="application/rss+xml")

    @routes.get("/{number}.html")
    async def article(number: int) -> Response:
        items = world.config.authority.items
        if not 0 <= number < len(items):
            return HTMLResponse("没有这一页", 404)
        item = items[number]
        head = f'<meta charset="utf-8"><title>{escape(item.title)}</title>'
        return HTMLResponse(f"<!doctype html>{head}<h1>{escape(item.title)}</h1>{_paragraphs(item)}")

    return routes


def _newest_first(world: World) -> list[tuple[int, AuthorityItem]]:
    return sorted(enumerate(world.config.authority.items), key=lambda pair: pair[1].hours_ago)


def _paragraphs(item: AuthorityItem) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in item.text.splitlines() if part)
