"""An office for tests: two sibling units under one root, people with roles, and a browser that can log in."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import select

from hub.auth.models import Credential, LoginSession
from hub.auth.passwords import hash_password
from hub.auth.secret import fingerprint
from hub.product import Hub
from hub.settings import Settings
from hub.web.app import Face, create_app
from hub.wiring import build
from kernel.clock import Clock
from kernel.people import Grant, Person, Role, Unit, add_unit

with warnings.catch_warnings():
    # starlette prefers a package named httpx2, which the product does not use.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

PASSWORD = "Tides and gardens 7"


class Browser(TestClient):
    """A browser of one person; `csrf` is filled by `log_in`."""

    csrf = ""

    def send_form(self, path: str, **fields: Any) -> Any:
        """Posts a form as a page of the console would."""
        return self.post(path, data={"csrf": self.csrf, **fields}, follow_redirects=False)


@dataclass
class Office:
    """A running hub with its application and a few people, all with the same password."""

    hub: Hub
    app: FastAPI
    browsers: dict[str, Browser] = field(default_factory=dict)

    def unit(self, code: str) -> Unit:
        """The unit of that code: root, north, south or north-desk."""
        with self.hub.works.read() as work:
            return work.session.scalars(select(Unit).where(Unit.code == code)).one()

    def person(self, login: str) -> Person:
        """The person of that login."""
        with self.hub.works.read() as work:
            return work.session.scalars(select(Person).where(Person.login == login)).one()

    def hire(self, login: str, unit: str = "root", *roles: Role, below: bool = False) -> Person:
        """Adds a person with a password and roles in his unit."""
        with self.hub.works.write() as work:
            home = work.session.scalars(select(Unit).where(Unit.code == unit)).one()
            person = Person(unit_id=home.id, name=f"{login}某", login=login)
            work.session.add(person)
            work.session.flush()
            work.session.add(Credential(person_id=person.id, hash=password_hash(), changed_at=work.now))
            for role in roles:
                work.session.add(Grant(person_id=person.id, role=role.value, unit_id=home.id, below=below))
        return person

    def browser(self) -> Browser:
        """A browser with no log-in."""
        return Browser(self.app, base_url="http://testserver", headers={"Accept": "text/html"})

    def log_in(self, login: str) -> Browser:
        """A browser in which this person is logged in."""
        browser = self.browser()
        answer = browser.post("/console/login", data={"login": login, "password": PASSWORD}, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        with self.hub.works.read() as work:
            token = fingerprint(browser.cookies["xuanda"])
            query = select(LoginSession.csrf).where(LoginSession.token_hash == token)
            browser.csrf = work.session.scalars(query).one()
        return browser

    def desk_of(self, login: str) -> Browser:
        """The same, logged in once per test."""
        if login not in self.browsers:
            self.browsers[login] = self.log_in(login)
        return self.browsers[login]


@cache
def password_hash() -> str:
    """The hash of PASSWORD, made once per run."""
    return hash_password(PASSWORD)


@contextmanager
def open_office(url: str, folder: Path, clock: Clock, face: Face = "all", **settings: Any) -> Iterator[Office]:
    """A hub on a fresh database with units root > north (> north-desk), south."""
    # No test asks the world whether a link answers.
    settings.setdefault("link_check", False)
    hub = build(Settings(data=folder, database_url=url, **settings), clock)
    with hub.works.write() as work:
        root = add_unit(work.session, "宣州市", "root")
        north = add_unit(work.session, "北区", "north", root)
        add_unit(work.session, "北区一科", "north-desk", north)
        add_unit(work.session, "南区", "south", root)
    yield Office(hub, create_app(hub, face))
    hub.close()


def csrf_in(html: str) -> str:
    """The token a page carries for its forms."""
    found = re.search(r'<meta name="csrf" content="([^"]+)"', html)
    assert found, html[:500]
    return found[1]
