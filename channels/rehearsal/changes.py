"""Changing some fields of a settings object that came over HTTP."""

from __future__ import annotations

from typing import Any, TypeVar

from fastapi import HTTPException
from pydantic import BaseModel, ValidationError

Settings = TypeVar("Settings", bound=BaseModel)


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """A copy with `changes`; HTTP 422 names an unknown field or a wrong value."""
    try:
        return type(settings).model_validate(settings.model_dump() | changes)
    except ValidationError as error:
        raise HTTPException(422, error.errors(include_url=False, include_input=False)) from None
