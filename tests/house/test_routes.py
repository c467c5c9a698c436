"""Every route asks who you are and of which unit; the public face has no console route."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from sqlalchemy import select
from starlette.routing import Mount

from hub.auth import tokens
from hub.settings import Settings
from hub.web.access import PUBLIC_ROUTES, ApiGuard, Guard
from hub.web.app import Face, create_app
from hub.wiring import build
from kernel import office_rules
from kernel.clock import StillClock
from kernel.office_rules import Rule
from kernel.people import ROLES, Permission, Person, Role, Unit
from tests.house.objects import OF_A_PERSON, OF_A_UNIT, OF_NOBODY
from tests.house.target import Target
from tests.hub.office import Browser, Office, open_office


@dataclass(frozen=True)
class Door:
    """One route with one method, the guard that stands before it, and the names that its body of JSON may have."""

    method: str
    path: str
    guard: Guard | ApiGuard | None
    takes: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes_of(app: FastAPI) -> Iterator[Door]:
    """Every route of the application, mounted folders included."""
    for context in iter_route_contexts(app.routes):
        route: Any = context.original_route
        path = str(context.path) or "/"
        if isinstance(route, Mount):
            yield Door("GET", path, None)
            continue
        guard = _guard(route.dependant) if isinstance(route, APIRoute) else None
        takes = frozenset(name for model in bodies_of(route) for name in model.model_fields)
        for method in sorted(route.methods or ()):
            yield Door(method, path, guard, takes)


def bodies_of(route: Any) -> list[type[BaseModel]]:
    """The models that a route reads a body of JSON into."""
    if not isinstance(route, APIRoute):
        return []
    kinds = [param.field_info.annotation for param in route.dependant.body_params]
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]


def _guard(dependant: Any) -> Guard | ApiGuard | None:
    for inner in dependant.dependencies:
        if isinstance(inner.call, (Guard, ApiGuard)):
            return inner.call
    return None


def doors(face: Face, folder: Path) -> list[Door]:
    """The routes behind a face."""
    hub = build(Settings(data=folder))
    try:
        return list(routes_of(create_app(hub, face)))
    finally:
        hub.close()


@pytest.fixture(scope="module")
def all_doors(tmp_path_factory: pytest.TempPathFactory) -> list[Door]:
    return doors("all", tmp_path_factory.mktemp("hub"))


@pytest.fixture
def with_a_rule() -> Iterator[None]:
    """A rule to ask for, while no package declares any."""
    office_rules.declare(Rule("probe.rule", 1, "试验规则"))
    yield
    del office_rules.RULES["probe.rule"]


def test_every_route_is_guarded_or_public_with_a_reason(all_doors: list[Door]) -> None:
    open_doors = {str(door) for door in all_doors if door.guard is None and door.path not in PUBLIC_ROUTES}
    assert open_doors == set()


def test_no_public_route_is_left_over_or_guarded(all_doors: list[Door]) -> None:
    unguarded = {door.path for door in all_doors if door.guard is None}
    assert set(PUBLIC_ROUTES) - unguarded == set()
    assert all(reason.strip() for reason in PUBLIC_ROUTES.values())


def test_the_public_face_has_no_console_route(tmp_path: Path, all_doors: list[Door]) -> None:
    public = [door.path for door in doors("public", tmp_path)]
    assert [path for path in public if path.startswith("/console")] == []
    assert any(door.path.startswith("/console") for door in all_doors)


def test_every_route_with_an_object_is_in_the_table(all_doors: list[Door]) -> None:
    known = {*OF_A_UNIT, *OF_A_PERSON, *OF_NOBODY}
    with_object = {door.path for door in all_doors if "{" in door.path}
    assert with_object - known == set(), "add these routes to tests/house/objects.py"
    assert known - with_object == set(), "these routes no longer exist"


def test_whoever_is_not_logged_in_is_sent_to_the_log_in_page(office: Office, all_doors: list[Door]) -> None:
    browser = office.browser()
    for door in all_doors:
        if door.guard is None:
            continue
        address = door.path.replace("{", "").replace("}", "")
        answer = browser.request(door.method, address, follow_redirects=False)
        if isinstance(door.guard, ApiGuard):
            assert answer.status_code == 401, str(door)
        else:
            assert answer.headers["location"].startswith("/console/login"), str(door)


def test_a_console_route_without_its_token_changes_nothing(office: Office, all_doors: list[Door]) -> None:
    office.hire("wang", "root", Role.SYSTEM_ADMIN)
    browser = office.log_in("wang")
    for door in all_doors:
        if door.method == "GET" or not isinstance(door.guard, Guard):
            continue
        answer = browser.request(door.method, door.path, data={"csrf": "guess"}, follow_redirects=False)
        assert answer.status_code == 403, str(door)


@pytest.mark.parametrize("where", ["south", "north-desk", "root"])
def test_what_belongs_to_another_unit_is_not_found(
    office: Office, with_a_rule: None, all_doors: list[Door], where: str
) -> None:
    """A sibling's, a child's and a parent's object: 404 on every route, whatever one may do at home."""
    for door in all_doors:
        if door.path in OF_A_UNIT:
            answer = _ask(office, door, _target(office, door, where))
            assert answer.status_code == 404, f"{door} shows an object of {where}: {answer.status_code}"


def test_what_belongs_to_the_own_unit_is_found(office: Office, with_a_rule: None, all_doors: list[Door]) -> None:
    """Without this the test above would also pass on addresses that never answer."""
    for door in all_doors:
        if door.path in OF_A_UNIT:
            answer = _ask(office, door, _target(office, door, "north"))
            # 502: it was found, and its platform, which is none here, was asked.
            asked = (502,) if isinstance(door.guard, ApiGuard) and "/comments/" in door.path else ()
            assert answer.status_code in (200, 201, 204, 303, *asked), (
                f"{door}: {answer.status_code} {answer.text[:300]}"
            )


def test_what_belongs_to_a_colleague_is_not_found(office: Office, all_doors: list[Door]) -> None:
    colleague = office.hire("colleague", "north")
    for door in all_doors:
        if door.path in OF_A_PERSON:
            asker = _asker(office, door)
            for owner, expected in ((colleague, (404,)), (asker, (200, 303))):
                with office.hub.works.write() as work:
                    target = OF_A_PERSON[door.path](work, owner)
                answer = _ask(office, door, target)
                assert answer.status_code in expected, f"{door} of {owner.login}: {answer.status_code}"


def _target(office: Office, door: Door, where: str) -> Target:
    with office.hub.works.write() as work:
        unit = work.session.scalars(select(Unit).where(Unit.code == where)).one()
        return OF_A_UNIT[door.path](work, unit)


def _asker(office: Office, door: Door) -> Person:
    """Somebody of the north unit who may do this at home, and only there."""
    permission = door.guard.permission if door.guard else None
    role = next((role for role in Role if permission in ROLES[role]), None)
    login = f"north-{role or 'nobody'}"
    with office.hub.works.read() as work:
        known = work.session.scalars(select(Person).where(Person.login == login)).one_or_none()
    return known or office.hire(login, "north", *([role] if role else []))


def _ask(office: Office, door: Door, target: Target) -> Any:
    person = _asker(office, door)
    browser, headers = _browser(office, door, person)
    address = door.path.format(**target.params)
    if door.method == "GET":
        return browser.get(address, params=dict(target.query), headers=headers, follow_redirects=False)
    body: dict[str, Any] = {"data": {"csrf": browser.csrf, **target.form}, "files": target.files or None}
    if target.json and isinstance(door.guard, ApiGuard):
        body = {"json": {name: value for name, value in target.json.items() if name in door.takes}}
    return browser.request(door.method, address, headers=headers, follow_redirects=False, **body)


def _browser(office: Office, door: Door, person: Person) -> tuple[Browser, dict[str, str]]:
    if not isinstance(door.guard, ApiGuard):
        return office.desk_of(person.login), {}
    permission: Permission | None = door.guard.permission
    with office.hub.works.write() as work:
        _token, text = tokens.create(work, person, f"probe {permission}")
    return office.browser(), {"Authorization": f"Bearer {text}"}


@pytest.fixture
def office(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Office]:
    """A running office with nobody in it yet."""
    with open_office(sqlite_url, tmp_path, clock, hotline_url="https://12345.example") as office:
        yield office
