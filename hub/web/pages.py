"""Answers of the console: whole pages with the shell around them, fragments for htmx, redirects with a message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from channels.registry import channels
from hub.lookout import engine_silent_since
from hub.product import Hub
from hub.web.access import Asker, language_of, the_hub
from hub.web.nav import menu
from kernel.people import Permission
from scheduler.freeze import seen_by
from scheduler.outages import Outage as Down
from scheduler.outages import outages
from templates.views import Column, Flash, Outage, Shell, Tone

FLASH_COOKIE = "xuanda_flash"
FLASH_SECONDS = 60


def shell_of(request: Request, asker: Asker) -> Shell:
    """What stands around a page for this person."""
    hub = the_hub(request)
    with hub.works.read() as work:
        stops = seen_by(work.session, asker.viewer)
        units = asker.viewer.units(Permission.DELIVERY_READ)
        down = outages(work.session, units, work.now) if units else []
        stopped = engine_silent_since(hub, work) if units else None
    return replace(
        bare_shell(request, asker),
        nav=menu(asker, request.url.path),
        flashes=_flashes(request),
        outages=[
            Outage(_named(request, asker, one), one.since, one.waiting, one.reason, _tasks_of(one)) for one in down
        ],
        engine_stopped=stopped,
        frozen=bool(stops),
        frozen_reason="；".join(stop.reason for stop in stops),
    )


def bare_shell(request: Request, asker: Asker) -> Shell:
    """What forms inside a page need of it: a part of a page that is drawn anew has nothing around it."""
    return Shell(
        person=asker.viewer.name,
        unit=asker.unit,
        csrf=asker.csrf,
        path=_path(request),
        rehearsal=the_hub(request).settings.demo,
        rehearsing=asker.rehearsing,
        home_href="/console",
        language_href="/console/language",
        logout_href="/console/logout",
        account_href="/console/me",
        person_id=asker.viewer.person_id,
    )


def _named(request: Request, asker: Asker, down: Down) -> str:
    """The account with its channel: an office's accounts often have one name everywhere."""
    adapter = channels().get(down.channel)
    label = say(the_hub(request), asker, adapter.label) if adapter else down.channel
    return f"{down.name}（{label}）"


def _tasks_of(down: Down) -> str:
    return f"/console/deliveries?account={down.account_id}"


def page(request: Request, asker: Asker, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page of the console with the person's menu; a message carried over a redirect is shown once."""
    hub = the_hub(request)
    html = hub.pages.render(template, asker.language, shell=shell_of(request, asker), asker=asker, **context)
    response = HTMLResponse(html, status_code=status)
    if FLASH_COOKIE in request.cookies:
        response.delete_cookie(FLASH_COOKIE, path="/console")
    return response


def plain_page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page without menu, for somebody who is not logged in."""
    hub = the_hub(request)
    return HTMLResponse(hub.pages.render(template, language_of(request), **context), status_code=status)


def fragment(
    request: Request, asker: Asker, template: str, block: str, *, status: int = 200, **context: Any
) -> HTMLResponse:
    """One block of a page for htmx to put in place."""
    hub = the_hub(request)
    shell = bare_shell(request, asker)
    html = hub.pages.render_block(template, block, asker.language, shell=shell, asker=asker, **context)
    return HTMLResponse(html, status_code=status)


def say(hub: Hub, asker: Asker, message: str, **values: object) -> str:
    """A sentence of the catalogue in the person's language."""
    return hub.pages.translate(message, asker.language, **values)


def columns(hub: Hub, asker: Asker, *heads: tuple[str, str]) -> list[Column]:
    """The heads of a table from (label, sort key or '') pairs; the labels are sentences of the catalogue."""
    return [Column(say(hub, asker, label), key) for label, key in heads]


def see_other(href: str, text: str = "", tone: Tone = "good") -> RedirectResponse:
    """After an act: go to a page and show there, once, what was done."""
    response = RedirectResponse(href, status_code=303)
    if text:
        value = quote(json.dumps([text, tone], ensure_ascii=False))
        response.set_cookie(FLASH_COOKIE, value, max_age=FLASH_SECONDS, path="/console", httponly=True, samesite="lax")
    return response


def _flashes(request: Request) -> Sequence[Flash]:
    try:
        text, tone = json.loads(unquote(request.cookies.get(FLASH_COOKIE, "")))
    except ValueError:
        return ()
    return (Flash(str(text), tone),) if tone in ("info", "good", "warn", "bad", "plain") else ()


def _path(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
