"""Lists that keep filters, order and page in their address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from kernel.errors import Invalid
from kernel.typed import day_in, number_in, row_in
from templates.views import ListState

PAGE_SIZE = 20


@dataclass(frozen=True)
class Listing:
    """What was asked for: filters that are not empty, the order (a key, `-` in front for descending), the page."""

    path: str
    values: Mapping[str, str]
    sort: str
    page: int

    def value(self, key: str) -> str:
        """One filter, empty when it is not set."""
        return self.values.get(key, "")

    def number(self, key: str) -> int | None:
        """A filter that is a row's number; anything else counts as not set."""
        text = self.value(key)
        return row_in(text)

    def take(
        self,
        session: Session,
        query: Select[*tuple[Any, ...]],
        sorts: Mapping[str, Any],
        tie: Any,
        size: int = PAGE_SIZE,
    ) -> tuple[Sequence[Row[*tuple[Any, ...]]], ListState]:
        """The rows of the page and the list's state; `sorts` are the columns that may order it, `tie` breaks ties."""
        total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
        page = min(self.page, max(1, -(-total // size)))
        key = self.sort.lstrip("-")
        order = [tie]
        if key in sorts:
            order.insert(0, sorts[key].desc() if self.sort.startswith("-") else sorts[key].asc())
        rows = session.execute(query.order_by(*order).limit(size).offset((page - 1) * size)).all()
        state = ListState(self.path, self.values, self.sort if key in sorts else "", page, size, total)
        return rows, state


def listing(request: Request, *filters: str, sort: str = "") -> Listing:
    """Reads a list's address; what is not among the filters is ignored, a page that is no number is the first."""
    query = request.query_params
    page = query.get("page", "1")
    return Listing(
        path=request.url.path,
        values={key: query.get(key, "").strip()[:200] for key in filters},
        sort=query.get("sort", sort)[:40],
        page=number_in(page, 10**6) or 1,
    )


def day_start(text: str, zone: ZoneInfo, field: str) -> datetime | None:
    """The first moment of a day given as YYYY-MM-DD in the office's zone; None for ''. Raises Invalid."""
    if not text:
        return None
    try:
        return datetime.combine(day_in(text), time(), zone)
    except ValueError:
        raise Invalid(field=field, why="日期应写作 年-月-日，例如 2026-03-02。") from None


def day_end(text: str, zone: ZoneInfo, field: str) -> datetime | None:
    """The first moment after that day."""
    start = day_start(text, zone, field)
    return None if start is None else start + timedelta(days=1)


def like(text: str) -> str:
    """A pattern that finds the text anywhere; use with `escape="\\\\"`."""
    for char in ("\\", "%", "_"):
        text = text.replace(char, f"\\{char}")
    return f"%{text}%"
