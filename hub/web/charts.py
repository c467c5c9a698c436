"""What the figure pages share: the period asked for, drawings as plain values, and workbooks to take away."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fastapi.responses import Response
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from hub.product import Hub
from hub.web.access import Asker
from hub.web.pages import say
from kernel.work import Work
from templates.catalogue import _

PERIODS = (7, 30, 90)
USUAL = 30
PERIOD_LABELS = {7: _("近 7 天"), 30: _("近 30 天"), 90: _("近 90 天")}
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Cell = str | int | float | datetime | None


@dataclass(frozen=True)
class Period:
    """So many days of the office up to and with today."""

    days: int
    since: datetime
    until: datetime


def period_of(text: str, work: Work, zone: ZoneInfo) -> Period:
    """The period of an address; what is none of PERIODS counts as the usual one."""
    days = int(text) if text in {str(days) for days in PERIODS} else USUAL
    today = datetime.combine(work.now.astimezone(zone).date(), time(), zone)
    return Period(days, today - timedelta(days=days - 1), work.now)


def period_options(hub: Hub, asker: Asker) -> list[tuple[str, str]]:
    """The periods for a choice, in the person's language."""
    return [(str(days), say(hub, asker, PERIOD_LABELS[days])) for days in PERIODS]


@dataclass(frozen=True)
class Series:
    """One line or row of bars; None where nothing was measured."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True)
class Chart:
    """A drawing for `static/charts.js`; `label` is what a screen reader says, the table beneath has the figures."""

    kind: Literal["bar", "line"]
    label: str
    unit: str
    labels: Sequence[str]
    series: Sequence[Series]
    small: bool = False

    @property
    def data(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook: its name, the heads of its columns, its rows."""

    name: str
    heads: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def workbook(name: str, zone: ZoneInfo, *sheets: Sheet) -> Response:
    """The sheets as an answer to save as `<name>.xlsx`; times are written as the office's clock shows them."""
    book = Workbook(write_only=True)
    for one in sheets:
        sheet = book.create_sheet(one.name)
        for row in (one.heads, *one.rows):
            sheet.append([_cell(sheet, value, zone) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    headers = {"Content-Disposition": f"attachment; filename={name}.xlsx"}
    return Response(buffer.getvalue(), media_type=WORKBOOK, headers=headers)


def _cell(sheet: Any, value: Cell, zone: ZoneInfo) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(zone).replace(tzinfo=None)
    if not isinstance(value, str):
        return value
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type = "s"  # A title that begins with "=" is a title, not a formula.
    return cell
