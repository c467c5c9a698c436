"""The description of the programming interface (OpenAPI), of its routes and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import TypeAdapter

from hub.web.api_shapes import Problem

router = APIRouter(prefix="/api/v1")

API = "/api/v1/"
PROBLEM = TypeAdapter(Problem).json_schema()
CODES = {
    "400": "The request cannot be read",
    "401": "No token, or one that is not known or not in force",
    "403": "The token's person may not do this",
    "404": "There is nothing here, or it is of a unit out of reach",
    "409": "Somebody was faster, or it is in a state that does not allow this",
    "413": "The body is larger than the installation takes",
    "422": "A field is missing, unknown or filled in wrongly; `field` names it",
    "429": "Too much in too short a time",
    "500": "Our fault; the reference leads to it in the log",
}
REFUSALS = {
    code: {"description": words, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for code, words in CODES.items()
}
REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')


@router.get("/openapi.json", include_in_schema=False)
def describe(request: Request) -> JSONResponse:
    """Every route of the API with what it takes."""
    app: FastAPI = request.app
    return JSONResponse(described(app))


def described(app: FastAPI, prefix: str = API, title: str = "Xuanda API", *, guarded: bool = True) -> dict[str, Any]:
    """The description of the routes under a prefix, made once per application; `guarded` ones need a person's token."""
    known: dict[str, dict[str, Any]] = app.state._state.setdefault("api_descriptions", {})
    if prefix not in known:
        whole = app.openapi()
        paths = {path: _guarded(acts) for path, acts in whole["paths"].items() if path.startswith(prefix)}
        schemas = whole.get("components", {}).get("schemas", {})
        needed = {"Problem": PROBLEM, **{name: schemas[name] for name in sorted(_needed(paths, schemas))}}
        token = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}} if guarded else {}
        known[prefix] = {
            "openapi": whole["openapi"],
            "info": {**whole["info"], "title": title, "version": "1"},
            "paths": paths,
            "components": {"schemas": needed, **token},
            **({"security": [{"token": []}]} if guarded else {}),
        }
    return known[prefix]


def _guarded(acts: Mapping[str, Any]) -> dict[str, Any]:
    """The same acts, each with its first sentence as its name and with what a refusal looks like."""
    return {
        verb: {**act, "summary": _first(act), "responses": {**act["responses"], **REFUSALS}}
        for verb, act in acts.items()
    }


def _first(act: Mapping[str, Any]) -> str:
    sentence: str = (act.get("description") or act["summary"]).partition("\n")[0]
    return sentence.rstrip(".")


def _needed(paths: Mapping[str, Any], schemas: Mapping[str, Any]) -> set[str]:
    """The schemas that these paths name, and those that they name in turn."""
    found: set[str] = set()
    left = set(REFERENCE.findall(json.dumps(paths)))
    while left:
        name = left.pop()
        if name in schemas and name not in found:
            found.add(name)
            left |= set(REFERENCE.findall(json.dumps(schemas[name])))
    return found
