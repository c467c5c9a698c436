"""What comes from the 12345 system, by its own call or in a file: the same number is never a ticket twice."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from sqlalchemy import select, update

from bot import tickets
from bot.models import Ticket
from bot.states import CITIZEN_KINDS
from kernel.errors import Invalid, XuandaError
from kernel.people import Unit
from kernel.typed import tidy
from kernel.work import Work

HEADS = ("12345编号", "类别", "事由", "称呼", "联系方式")
MOST_ROWS = 2000


@dataclass(frozen=True)
class Case:
    """One matter as the hotline hands it over."""

    number: str
    kind: str
    text: str
    name: str = ""
    contact: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a file: its place, the hotline's number, our ticket's, whether it was here before, or what is wrong."""

    place: int
    hotline: str
    number: str = ""
    known: bool = False
    fault: str = ""


def take(work: Work, case: Case, unit_id: int, zone: ZoneInfo) -> tuple[Ticket, bool]:
    """Makes a ticket of a case, or finds the one that it became; True where it is new."""
    number = tidy(case.number).strip()
    if not 2 <= len(number) <= 60:
        raise Invalid(field="number", why="缺少 12345 编号，须为 2 到 60 字。")
    if case.kind not in CITIZEN_KINDS:
        raise Invalid(field="kind", why=f"“类别”须为{'、'.join(CITIZEN_KINDS)}之一。")
    # The row of the unit is locked by this, so that two calls with one number at once become one ticket.
    held = update(Unit).where(Unit.id == unit_id).values(name=Unit.name)
    work.session.execute(held.execution_options(synchronize_session=False))
    known = work.session.scalars(select(Ticket).where(Ticket.hotline_number == number)).one_or_none()
    if known is not None:
        return known, False
    made = tickets.make(
        work, unit_id=unit_id, zone=zone, kind=case.kind, text=case.text, contact=case.contact, name=case.name
    )
    made.hotline_number = number
    work.session.flush()
    work.audit("ticket.hotline_taken", made, number=made.number, hotline=number)
    return made, True


def take_file(work: Work, data: bytes, unit_id: int, zone: ZoneInfo) -> list[Row]:
    """Takes every good row; the others come back with what is wrong, which is found before anything is written."""
    return [_row(work, place, cells, unit_id, zone) for place, cells in read(data)]


def read(data: bytes) -> Iterator[tuple[int, Sequence[str]]]:
    """The rows of an xlsx or csv file below its head; raises Invalid where it is neither, or has another head."""
    rows = _cells(data)
    if not rows or tuple(rows[0][: len(HEADS)]) != HEADS:
        raise Invalid(field="file", why=f"首行须依次为“{'、'.join(HEADS)}”。")
    if len(rows) > MOST_ROWS + 1:
        raise Invalid(field="file", why=f"一次最多导入 {MOST_ROWS} 行，请分批导入。")
    for place, cells in enumerate(rows[1:], start=2):
        if any(cells):
            yield place, (*cells, *[""] * len(HEADS))[: len(HEADS)]


def _cells(data: bytes) -> list[list[str]]:
    if data[:2] == b"PK":
        try:
            sheet = load_workbook(io.BytesIO(data), read_only=True, data_only=True).worksheets[0]
            found = sheet.iter_rows(max_col=len(HEADS), max_row=MOST_ROWS + 2, values_only=True)
            return [["" if cell is None else str(cell).strip() for cell in row] for row in found]
        except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, IndexError, SyntaxError):
            raise Invalid(field="file", why="无法读取，请上传 xlsx 或 csv 文件。") from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
            return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
        except (UnicodeDecodeError, csv.Error):
            continue
    raise Invalid(field="file", why="无法读取，请上传 xlsx 或 csv 文件。")


def _row(work: Work, place: int, cells: Sequence[str], unit_id: int, zone: ZoneInfo) -> Row:
    case = Case(*cells)
    try:
        ticket, new = take(work, case, unit_id, zone)
    except XuandaError as error:
        return Row(place, case.number, fault=error.message("zh"))
    return Row(place, case.number, ticket.number, known=not new)
