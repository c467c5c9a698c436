"""What holds for the whole API: described to the last answer, and nothing that is sent is left out in silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from hub.auth import tokens
from hub.web.access import ApiGuard
from hub.web.openapi import described
from hub.web.push import Keys, Renewed, Wish
from kernel.clock import StillClock
from kernel.people import Role
from tests.house.test_routes import bodies_of, routes_of
from tests.hub.office import Office, open_office


@pytest.fixture
def office(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Office]:
    with open_office(sqlite_url, tmp_path, clock) as office:
        yield office


def operations(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every act of the description by method and path."""
    for path, acts in told["paths"].items():
        for verb, act in acts.items():
            yield f"{verb.upper()} {path}", act


def says_something(schema: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether a schema names the parts of what it describes."""
    if "$ref" in schema:
        return says_something(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if schema.get("type") == "array":
        return says_something(schema["items"], schemas)
    return bool(schema.get("properties")) or schema.get("format") == "binary"


def test_every_act_is_described_with_its_answer_and_its_refusals(office: Office) -> None:
    told = described(office.app)
    schemas = told["components"]["schemas"]
    assert set(schemas["Problem"]["properties"]) == {"error", "message", "field", "reference"}
    found = dict(operations(told))
    assert len(found) > 40
    for name, act in found.items():
        assert len(act["summary"]) > 1, name
        good = [answer for code, answer in act["responses"].items() if code.startswith("2")]
        assert good, name
        for answer in good:
            for media in answer["content"].values():
                assert says_something(media["schema"], schemas), f"{name} does not say what it answers"
        for code in ("401", "403", "404", "409", "422"):
            refusal = act["responses"][code]["content"]["application/json"]["schema"]
            assert refusal == {"$ref": "#/components/schemas/Problem"}, f"{name} {code}"


def test_every_name_of_every_answer_that_is_listed_is_described(office: Office) -> None:
    """A list of anything would pass above, and so would an answer whose rows are told as 'something'."""
    for name, schema in described(office.app)["components"]["schemas"].items():
        for field, kind in schema.get("properties", {}).items():
            if kind.get("type") == "array":
                assert kind.get("items"), f"{name}.{field} is a list of anything"


def test_no_body_leaves_out_a_name_in_silence(office: Office) -> None:
    """Every body of JSON and every part of it; a browser's own object may hold more than is read."""
    seen: set[type[BaseModel]] = set()
    left = [model for context in iter_route_contexts(office.app.routes) for model in bodies_of(context.original_route)]
    while left:
        model = left.pop()
        if model in seen:
            continue
        seen.add(model)
        assert model.model_config.get("extra") == "forbid" or model in (Wish, Renewed, Keys), model
        left += [part for field in model.model_fields.values() for part in _parts(field.annotation)]
    assert len(seen) > 15


def _parts(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for one in getattr(annotation, "__args__", ()) for part in _parts(one)]


def test_a_refusal_names_the_place_however_deep(office: Office) -> None:
    wang = office.hire("wang", "north", Role.OFFICER)
    with office.hub.works.write() as work:
        _token, text = tokens.create(work, wang, "probe")
    head = {"Authorization": f"Bearer {text}"}

    def refused(sent: Any) -> tuple[int, str, str]:
        answer = office.browser().post("/api/v1/pieces", json=sent, headers=head)
        return answer.status_code, answer.json()["field"], answer.json()["message"]

    assert refused({"column": "notices", "titel": "x"}) == (
        422, "titel", "没有“titel”这一项。未保存，请改正后重新提交。",
    )  # fmt: skip
    assert refused({"column": "notices", "variants": {"wechat": {"titel": "x"}}})[:2] == (
        422, "variants.wechat.titel",
    )  # fmt: skip
    assert refused({"title": "x"}) == (422, "column", "“column”没有填写。未保存，请改正后重新提交。")
    assert refused([1])[:2] == (422, "body")


def test_a_token_without_the_permission_is_refused_on_every_route(office: Office) -> None:
    nobody = office.hire("nobody", "north")
    with office.hub.works.write() as work:
        _token, text = tokens.create(work, nobody, "probe")
    browser, head = office.browser(), {"Authorization": f"Bearer {text}"}
    doors = [door for door in routes_of(office.app) if isinstance(door.guard, ApiGuard) and door.guard.permission]
    assert len(doors) > 60
    for door in doors:
        address = re.sub(r"\{[^}]+\}", "1", door.path)
        answer = browser.request(door.method, address, headers=head)
        assert (answer.status_code, answer.json()["error"]) == (403, "Forbidden"), str(door)
