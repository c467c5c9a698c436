"""错敏词: the office's own list of words that are blocked or pointed out, kept by hand or from a workbook."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from content.models import ListedWord
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.lists import like, listing
from hub.web.pages import columns, page, say, see_other
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Unit, ancestors, scoped
from kernel.typed import row_in, tidy
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/words")

P = Permission
Reader = Annotated[Asker, Depends(may(P.PIECE_READ))]
Keeper = Annotated[Asker, Depends(may(P.PIECE_REVIEW))]
Text = Annotated[str, Form()]

LEVELS = {"拦截": "block", "提示": "warn"}
LEVEL_OPTIONS = [("block", "拦截"), ("warn", "提示")]
HEADS = ("词", "级别", "建议", "说明")
COLUMNS = ((_("词"), "word"), (_("级别"), "level"), (_("建议"), ""), (_("说明"), ""), (_("单位"), ""), (_("操作"), ""))
SORTS = {"word": ListedWord.word, "level": ListedWord.level}
MOST_ROWS = 20_000
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Row:
    """One row of a workbook, and what is wrong with it ('' when nothing is)."""

    number: int
    cells: tuple[str, str, str, str]
    fault: str = ""


@router.get("")
def words(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The words in force for the person's units."""
    return _page(request, hub, asker, FormState({"level": "block"}))


@router.post("")
def add_word(
    request: Request,
    hub: HubDep,
    asker: Keeper,
    word: Text = "",
    level: Text = "",
    instead: Text = "",
    note: Text = "",
    unit: Text = "",
) -> Response:
    """Adds a word, or changes it when the unit lists it already."""
    label = dict(LEVEL_OPTIONS).get(level, level)
    cells = (word, label, instead, note)
    try:
        with hub.works.write(asker.actor) as work:
            row = keep_word(work, asker, unit, cells, level)
    except XuandaError as error:
        form = refused(asker, error, word=word, level=level, instead=instead, note=note, unit=unit)
        return _page(request, hub, asker, form, status=error.status)
    return see_other("/console/words", say(hub, asker, _("已保存“%(word)s”。"), word=row.word))


@router.post("/import")
def import_words(
    request: Request,
    hub: HubDep,
    asker: Keeper,
    file: Annotated[UploadFile | None, File()] = None,
    unit: Text = "",
) -> Response:
    """Takes every good row of a workbook; the others are shown as they came, each with what is wrong."""
    try:
        unit_id = _unit(asker, unit)
        rows = list(_read(file.file.read() if file else b""))
        good = [row for row in rows if not row.fault]
        with hub.works.write(asker.actor) as work:
            for row in good:
                _keep(work, unit_id, row)
            if good:
                work.audit("word.imported", None, rows=len(good), refused=len(rows) - len(good), unit=unit_id)
    except XuandaError as error:
        return _page(request, hub, asker, refused(asker, error, unit=unit, level="block"), status=error.status)
    faulty = [row for row in rows if row.fault]
    if not faulty:
        return see_other("/console/words", say(hub, asker, _("已导入 %(n)s 个词。"), n=len(good)))
    return _page(request, hub, asker, FormState({"level": "block"}), faulty=faulty, taken=len(good))


@router.get("/workbook")
def workbook(hub: HubDep, asker: Reader) -> Response:
    """The words in force as a workbook, in the columns that the import reads."""
    with hub.works.read() as work:
        found = work.session.scalars(
            select(ListedWord).where(words_in_reach(work.session, asker)).order_by(ListedWord.id)
        )
        labels = dict(LEVEL_OPTIONS)
        rows = [(row.word, labels[row.level], row.instead, row.note) for row in found]
    book = Workbook(write_only=True)
    sheet = book.create_sheet("错敏词")
    for cells in (HEADS, *rows):
        sheet.append(cells)
    buffer = io.BytesIO()
    book.save(buffer)
    headers = {"Content-Disposition": "attachment; filename=words.xlsx"}
    return Response(buffer.getvalue(), media_type=WORKBOOK, headers=headers)


@router.post("/{word_id}/remove")
def remove_word(hub: HubDep, asker: Keeper, word_id: int) -> Response:
    """Takes a word off the list."""
    with hub.works.write(asker.actor) as work:
        row = drop_word(work, asker, word_id)
    return see_other("/console/words", say(hub, asker, _("已移除“%(word)s”。"), word=row.word))


def keep_word(work: Work, asker: Asker, unit: str, cells: tuple[str, str, str, str], level: str) -> ListedWord:
    """Lists a word for a unit, or changes how it is listed there."""
    unit_id = _unit(asker, unit)
    row = _checked(1, cells)
    if row.fault:
        raise Invalid(field="word", why=row.fault)
    kept = _keep(work, unit_id, row)
    work.audit("word.listed", None, word=row.cells[0], level=level, unit=unit_id)
    return kept


def drop_word(work: Work, asker: Asker, word_id: int) -> ListedWord:
    """Takes a word off the list; raises NotFound where the person keeps no list."""
    row = work.session.get(ListedWord, word_id)
    if row is None or not asker.may(P.PIECE_REVIEW, row.unit_id):
        raise NotFound
    work.audit("word.removed", row, word=row.word)
    work.session.delete(row)
    return row


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    form: FormState,
    *,
    status: int = 200,
    faulty: list[Row] | None = None,
    taken: int = 0,
) -> HTMLResponse:
    asked = listing(request, "q", "level", sort="word")
    with hub.works.read() as work:
        session = work.session
        query = select(ListedWord, Unit.name).join(Unit, Unit.id == ListedWord.unit_id)
        query = query.where(words_in_reach(session, asker))
        if asked.value("q"):
            pattern = like(asked.value("q"))
            query = query.where(
                or_(ListedWord.word.like(pattern, escape="\\"), ListedWord.note.like(pattern, escape="\\"))
            )
        if asked.value("level"):
            query = query.where(ListedWord.level == asked.value("level"))
        rows, state = asked.take(session, query, SORTS, ListedWord.id.desc())
        own = session.scalars(scoped(select(Unit), Unit.id, asker.viewer, P.PIECE_REVIEW).order_by(Unit.path)).all()
    return page(
        request,
        asker,
        "pages/words/list.html",
        status=status,
        rows=rows,
        state=state,
        columns=columns(hub, asker, *COLUMNS),
        units=[(unit.id, unit.name) for unit in own],
        keeps={unit.id for unit in own},
        levels=LEVEL_OPTIONS,
        form=form,
        faulty=faulty or [],
        taken=taken,
    )


def words_in_reach(session: Session, asker: Asker) -> ColumnElement[bool]:
    """The lists of the person's units and of those above, which hold for them too."""
    units = {above for unit in asker.viewer.units(P.PIECE_READ) for above in ancestors(session, unit)}
    return ListedWord.unit_id.in_(units)


def _read(data: bytes) -> Iterator[Row]:
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = sheet.iter_rows(max_col=len(HEADS), max_row=MOST_ROWS + 2, values_only=True)
        read = [tuple("" if cell is None else str(cell).strip() for cell in row) for row in rows]
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, IndexError, SyntaxError):
        raise Invalid(field="file", why="无法读取，请上传 xlsx 工作簿，首行为“词、级别、建议、说明”。") from None
    if not read or read[0][: len(HEADS)] != HEADS:
        raise Invalid(field="file", why="首行须依次为“词、级别、建议、说明”。可下载现有词表作为样表。")
    if len(read) > MOST_ROWS + 1:
        raise Invalid(field="file", why=f"一次最多导入 {MOST_ROWS} 行，请分批导入。")
    seen: dict[str, int] = {}
    for number, cells in enumerate(read[1:], start=2):
        if not any(cells):
            continue
        row = _checked(number, (*cells, "", "", "", "")[:4])  # type: ignore[arg-type]  # four cells of text
        if not row.fault and row.cells[0] in seen:
            row = Row(number, row.cells, f"与第 {seen[row.cells[0]]} 行重复。")
        seen.setdefault(row.cells[0], number)
        yield row


def _checked(number: int, cells: tuple[str, str, str, str]) -> Row:
    kept = (tidy(cells[0]).strip(), cells[1].strip(), tidy(cells[2]).strip(), tidy(cells[3]).strip())
    faults = (
        (not kept[0], "没有填写“词”。"),
        (len(kept[0]) > 100, "“词”超过 100 字。"),
        (kept[1] not in LEVELS, f"“级别”须为{'或'.join(LEVELS)}。"),
        (len(kept[2]) > 200, "“建议”超过 200 字。"),
        (len(kept[3]) > 300, "“说明”超过 300 字。"),
    )
    return Row(number, kept, next((fault for wrong, fault in faults if wrong), ""))


def _keep(work: Work, unit_id: int, row: Row) -> ListedWord:
    word, level, instead, note = row.cells
    known = work.session.scalars(select(ListedWord).filter_by(unit_id=unit_id, word=word)).one_or_none()
    if known is None:
        known = ListedWord(unit_id=unit_id, word=word)
        work.session.add(known)
    known.level, known.instead, known.note = LEVELS[level], instead, note
    work.session.flush()
    return known


def _unit(asker: Asker, text: str) -> int:
    unit_id = row_in(text) or 0
    if not asker.may(P.PIECE_REVIEW, unit_id):
        raise Invalid(field="unit", why="请选择词表所属的单位。")
    return unit_id
