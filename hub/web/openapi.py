"""The description of the programming interface (OpenAPI), of its routes and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

router = APIRouter(prefix="/api/v1")

API = "/api/v1/"
REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')


@router.get("/openapi.json")
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
        needed = {name: schemas[name] for name in sorted(_needed(paths, schemas))}
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
    """The same acts, each with what a refusal looks like."""
    refused = {"description": "{error, message, field, reference}"}
    codes = ("401", "403", "404", "409", "422")
    return {
        verb: {**act, "responses": {**act["responses"], **dict.fromkeys(codes, refused)}} for verb, act in acts.items()
    }


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
