"""What all parts of the API share: moments as text, pages of a list, what was done, and the shape of a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from fastapi import Query
from pydantic import Field
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

PAGE_SIZE = 50

At = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
On = Annotated[str, Field(json_schema_extra={"format": "date"})]
PageNumber = Annotated[int, Query(ge=1, le=100_000, description="50 to a page")]
Row = TypeVar("Row")


class Problem(TypedDict):
    """A refusal: a stable name, a sentence for a person, the field to mend, and the number that the log knows."""

    error: str
    message: str
    field: str | None
    reference: str


class Page(TypedDict):
    """Where in a list this answer stands, and how many there are in all."""

    total: int
    page: int


class Done(TypedDict):
    """The act was done; there is nothing more to tell."""

    done: bool


DONE: Done = {"done": True}


def moment(at: datetime | None) -> At | None:
    """A moment as the API tells it, in UTC."""
    return told(at) if at else None


def told(at: datetime) -> At:
    """The same of a moment that is always there."""
    return at.astimezone(UTC).isoformat()


def one_page(session: Session, query: Select[Row], page: int, *order: Any) -> tuple[Page, Sequence[Row]]:
    """One page of what a query finds, in this order."""
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = session.scalars(query.order_by(*order).limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).all()
    return {"total": total, "page": page}, rows
