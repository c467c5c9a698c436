"""The description of the programming interface (OpenAPI), of its routes and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse

router = APIRouter(prefix="/api/v1")

API = "/api/"
REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')


@router.get("/openapi.json")
def describe(request: Request) -> JSONResponse:
    """Every route of the API with what it takes."""
    app: FastAPI = request.app
    return JSONResponse(described(app))


def described(app: FastAPI) -> dict[str, Any]:
    """The description, made once per application."""
    known: dict[str, Any] | None = getattr(app.state, "api_description", None)
    if known is None:
        whole = app.openapi()
        paths = {path: _guarded(acts) for path, acts in whole["paths"].items() if path.startswith(API)}
        schemas = whole.get("components", {}).get("schemas", {})
        known = {
            "openapi": whole["openapi"],
            "info": {**whole["info"], "title": "Xuanda API", "version": "1"},
            "paths": paths,
            "components": {
                "schemas": {name: schemas[name] for name in sorted(_needed(paths, schemas))},
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
            "security": [{"token": []}],
        }
        app.state.api_description = known
    return known


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
