"""What an address or a body may hold: numbers that a row can have, moments of this age, text that can be written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import isfinite
from typing import Annotated, Any

from fastapi import Request
from fastapi.params import Form
from fastapi.routing import APIRoute
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, field_validator
from starlette.datastructures import UploadFile

from kernel.errors import Invalid, NotFound
from kernel.typed import LARGEST, fits_nowhere, in_calendar, tidy

# What JSON tells exactly; an object's own numbers name no row.
EXACT = 2**53
Moment = Annotated[AwareDatetime, AfterValidator(in_calendar)]
Day = Annotated[date, AfterValidator(in_calendar)]


class Body(BaseModel):
    """A body of JSON: no name in it is unknown, and every value is one that the database and every zone can take."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="after")
    @classmethod
    def fits(cls, value: Any) -> Any:
        """The value, its text without control characters; raises ValueError where it fits nowhere."""
        return fitting(value)


def fitting(value: Any, most: int = LARGEST) -> Any:
    """The value, its text without control characters; raises ValueError where it fits nowhere."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and abs(value) > most:
        raise ValueError(value)
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(value)
    if isinstance(value, date):  # Moments are days too.
        return in_calendar(value)
    if isinstance(value, Mapping):
        return {fitting(key): fitting(one, EXACT) for key, one in value.items()}
    if isinstance(value, list):
        return [fitting(one) for one in value]
    return value


async def fitting_address(request: Request) -> None:
    """A dependency of every route: a number too large for any row is no row's; no address or form holds a NUL."""
    route = request.scope.get("route")
    if "\0" in request.url.path or any("\0" in str(one) for one in request.path_params.values()):
        raise NotFound
    for name, value in request.query_params.multi_items():
        if "\0" in value or "\0" in name:
            raise Invalid(field=name.replace("\0", ""), why="地址中有无法识别的字符。")
    if not isinstance(route, APIRoute):
        return
    if any(isinstance(param.field_info, Form) for param in route.dependant.body_params):
        await _fitting_form(request)
    for param in _params(route.dependant, "path"):
        if _counts(param.field_info.annotation) and _too_large(str(request.path_params.get(param.alias, ""))):
            raise NotFound
    for param in _params(route.dependant, "query"):
        if _counts(param.field_info.annotation) and _too_large(request.query_params.get(param.alias, "")):
            raise Invalid(field=param.alias, why=f"“{param.alias}”填写有误。")


async def _fitting_form(request: Request) -> None:
    """No page sends what a database cannot keep; the form was read before and is only looked at here."""
    for name, value in (await request.form()).multi_items():
        text = (value.filename or "") if isinstance(value, UploadFile) else value
        if fits_nowhere(name) or fits_nowhere(text):
            raise Invalid(field=tidy(name), why="内容中有无法识别的字符，请删去后重新提交。")


def _text(value: str) -> str:
    kept = tidy(value)
    if value and not kept:
        raise ValueError("only characters that no text has")
    return kept


def _params(dependant: Any, place: str) -> list[Any]:
    """The parameters of a route and of whatever stands before it: who holds a token may read the number himself."""
    inner = [one for before in dependant.dependencies for one in _params(before, place)]
    return [*getattr(dependant, f"{place}_params"), *inner]


def _counts(annotation: Any) -> bool:
    return annotation is int or int in getattr(annotation, "__args__", ())


def _too_large(text: str) -> bool:
    try:
        return abs(int(text)) > LARGEST
    except ValueError:  # The route's own reading refuses what is no number.
        return False
