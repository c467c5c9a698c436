"""Numbers that are none, numbers beyond any row, years beyond any calendar, text of no letters: never a 500."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from hub.auth import tokens
from hub.web.access import ApiGuard
from kernel.clock import StillClock
from kernel.people import Role
from tests.house.test_routes import Door, routes_of
from tests.hub.office import Office, open_office

HUGE = "99999999999999999999"
NUMBERS = ("²", HUGE, "-1")
# The fields and filters of addresses and forms that name a row or count something.
FIELDS = (
    *("account", "accounts", "after", "column", "count", "cover_id", "days", "delivery", "feed", "from", "guide"),
    *("hours", "minutes", "month_days", "number", "page", "person", "piece", "pieces", "position", "release"),
    *("reply_id", "scope", "size", "targets", "thread", "ticket", "comment", "to", "unit", "version", "week", "month"),
)
TIMES = ("0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00")
MOMENTS = ("at", "since", "until", "seen", "expires_at", "earliest", "latest", "banner_until", "day", "found")
# A stream that ends when the page is left, the way out, and what says 503 because nothing is set up.
SPARED = ("/console/desk/events", "/console/logout", "/readyz")


@pytest.fixture
def office(sqlite_url: str, tmp_path: Path) -> Iterator[Office]:
    """A running office with one person who may do everything."""
    with open_office(sqlite_url, tmp_path, StillClock()) as office:
        office.hire("wang", "root", *Role, below=True)
        yield office


@pytest.fixture
def bearer(office: Office) -> dict[str, str]:
    """The head of that person's calls of the API."""
    with office.hub.works.write() as work:
        _token, text = tokens.create(work, office.person("wang"), "probe")
    return {"Authorization": f"Bearer {text}"}


def fields(number: str, time: str) -> dict[str, str]:
    """A form or a query in which every number is this one and every moment this."""
    return {**dict.fromkeys(FIELDS, number), **dict.fromkeys(MOMENTS, time), "scope": f"account.{number}"}


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_breaks_a_route(office: Office, bearer: dict[str, str], number: str) -> None:
    """Every route of the application: in its address, in its form and in its JSON."""
    broken = []
    for door in routes_of(office.app):
        if door.path not in SPARED:
            address = re.sub(r"\{[^}]+\}", number, door.path)
            sent = fields(number, TIMES[len(address) % 2])
            if (status := ask(office, door, address, bearer, sent)) >= 500:
                broken.append(f"{door}: {status}")
    assert broken == []
    assert office.desk_of("wang").get("/console", follow_redirects=False).status_code == 200


def test_no_number_breaks_a_filter(office: Office, bearer: dict[str, str]) -> None:
    """Every list with every filter that its module speaks of."""
    broken, asked = [], 0
    for context in iter_route_contexts(office.app.routes):
        route: Any = context.original_route
        path = str(context.path)
        if not isinstance(route, APIRoute) or "GET" not in route.methods or "{" in path or path in SPARED:
            continue
        source = inspect.getsource(inspect.getmodule(route.endpoint) or route.endpoint)
        for name in (name for name in (*FIELDS, *MOMENTS) if f'"{name}"' in source or f" {name}:" in source):
            typed, asked = TIMES[asked % 2] if name in MOMENTS else ("²", HUGE)[asked % 2], asked + 1
            answer = office.desk_of("wang").get(path, params={name: typed}, headers=bearer, follow_redirects=False)
            if answer.status_code >= 500:
                broken.append(f"{path}?{name}={typed}: {answer.status_code}")
    assert broken == []
    assert asked > 100


def ask(office: Office, door: Door, address: str, bearer: dict[str, str], sent: dict[str, str]) -> int:
    """The status of an answer to that person."""
    browser = office.desk_of("wang")
    if door.method in ("GET", "HEAD"):
        return int(browser.request(door.method, address, headers=bearer, follow_redirects=False).status_code)
    if isinstance(door.guard, ApiGuard):
        known = {name: value for name, value in sent.items() if name in door.takes}
        return int(browser.request(door.method, address, headers=bearer, json=known).status_code)
    form = {**sent, "csrf": browser.csrf}
    return int(browser.request(door.method, address, data=form, follow_redirects=False).status_code)
