"""导入: Word documents and news feeds become drafts; a document dropped on the editor becomes its text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from content.importing.docx import read_docx
from content.importing.drafts import Row, fit, keep_pictures, lost
from content.importing.models import ImportRun
from content.models import Column, Piece
from hub import editorial, imports
from hub.editorial import piece_for
from hub.imports import Fetched
from hub.product import Hub
from hub.web.access import Asker, HubDep, api_may, may
from hub.web.forms import FormState
from hub.web.media import inside
from hub.web.pages import columns, fragment, page, say, see_other
from kernel.errors import Invalid, NotFound
from kernel.people import Permission
from templates.catalogue import _

router = APIRouter(prefix="/console")
api = APIRouter(prefix="/api/v1/imports")

P = Permission
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]
ApiWriter = Annotated[Asker, Depends(api_may(P.PIECE_WRITE))]
Text = Annotated[str, Form()]
Files = Annotated[list[UploadFile], File()]

FIELDS = ("docx_column", "files", "feed_column", "address", "file")
HEADS = ((_("结果"), ""), (_("标题"), ""), (_("说明"), ""))
RUN_HEADS = ((_("来源"), ""), (_("开始时间"), ""), (_("结果"), ""))
TALLY = {
    "new": _("新增 %(n)s 篇"),
    "known": _("已有 %(n)s 篇"),
    "changed": _("来源有更新 %(n)s 篇"),
    "failed": _("失败 %(n)s 篇"),
}
RECENT = 10


# --- the page --------------------------------------------------------------------------------------------------


@router.get("/import")
def import_page(request: Request, hub: HubDep, asker: Writer) -> HTMLResponse:
    """Where documents and feeds are brought in."""
    return _page(request, hub, asker, FormState())


@router.post("/import/docx")
def import_documents(request: Request, hub: HubDep, asker: Writer, files: Files, docx_column: Text = "") -> Response:
    """Makes a draft of each document; a program or script that asks for JSON gets the rows."""
    try:
        with hub.works.read() as work:
            column = _chosen(work.session, asker, docx_column, "docx_column")
    except Invalid as error:
        if _wants_json(request):
            raise
        form = FormState({"docx_column": docx_column}, error.field, error.message(asker.language))
        return _page(request, hub, asker, form, status=error.status)
    report = imports.take_documents(hub, asker.viewer, asker.actor, column.id, _named(files))
    if _wants_json(request):
        return JSONResponse({"rows": [_json(row) for row in report.rows]})
    return _page(request, hub, asker, FormState({"docx_column": docx_column}), rows=report.rows)


@router.post("/import/feed")
def import_feed(
    request: Request,
    hub: HubDep,
    asker: Writer,
    background: BackgroundTasks,
    file: Annotated[UploadFile | None, File()] = None,
    feed_column: Text = "",
    address: Text = "",
) -> Response:
    """Begins to take over a feed, from an address or an uploaded file, and shows how it goes."""
    try:
        run_id = _begin(hub, asker, background, feed_column, address.strip(), file)
    except Invalid as error:
        values = {"feed_column": feed_column, "address": address}
        form = FormState(values, error.field, error.message(asker.language))
        return _page(request, hub, asker, form, status=error.status)
    return see_other(f"/console/import/{run_id}")


@router.get("/import/{run_id}")
def one_run(request: Request, hub: HubDep, asker: Writer, run_id: int) -> HTMLResponse:
    """How a run goes or went; the page may be left, the run goes on."""
    return page(request, asker, "pages/imports/run.html", **_run_context(hub, asker, run_id))


@router.get("/import/{run_id}/progress")
def run_progress(request: Request, hub: HubDep, asker: Writer, run_id: int) -> HTMLResponse:
    """The same, asked for again every two seconds while it runs."""
    return fragment(request, asker, "pages/imports/run.html", "run", **_run_context(hub, asker, run_id))


# --- the editor ------------------------------------------------------------------------------------------------


@router.post("/pieces/{piece_id}/docx")
def document_for_piece(hub: HubDep, asker: Writer, piece_id: int, file: Annotated[UploadFile, File()]) -> JSONResponse:
    """A document as text for the editor: its pictures are kept with the piece, its words are the person's to save."""
    with hub.works.read() as work:
        piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
    document = read_docx(file.file.read())
    pictures = fit((number, picture.data) for number, picture in enumerate(document.pictures))
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        html = keep_pictures(work, asker.viewer, piece, document, pictures, hub.blobs)
        version = piece.version
    remarks = [*document.remarks, *lost(len(document.pictures) - len(pictures))]
    return JSONResponse({"title": document.title, "html": inside(html), "remarks": remarks, "version": version})


# --- for programs ----------------------------------------------------------------------------------------------


class ImportRow(TypedDict):
    """What became of one document or entry; `piece` is the draft that it became or was already."""

    state: str
    title: str
    piece: int | None
    href: str
    remarks: list[str]


class ImportRows(TypedDict):
    """What became of each document."""

    rows: list[ImportRow]


class ImportBegun(TypedDict):
    """Where to ask how it goes."""

    id: int
    href: str


class ImportTold(ImportRows):
    """How a run goes or went."""

    id: int
    source: str
    total: int
    remarks: list[str]
    fault: str
    finished: bool
    interrupted: bool


@api.post("/docx")
def api_documents(hub: HubDep, asker: ApiWriter, files: Files, column: Text = "") -> ImportRows:
    """Makes a draft of each document; `column` is a slug. Answers with what became of each."""
    with hub.works.read() as work:
        column_id = _by_slug(work.session, asker, column).id
    report = imports.take_documents(hub, asker.viewer, asker.actor, column_id, _named(files))
    return {"rows": [_json(row) for row in report.rows]}


@api.post("/feed", status_code=202)
def api_feed(
    hub: HubDep,
    asker: ApiWriter,
    background: BackgroundTasks,
    file: Annotated[UploadFile | None, File()] = None,
    column: Text = "",
    address: Text = "",
) -> ImportBegun:
    """Begins to take over a feed; `column` is a slug. Answers with where to ask how it goes."""
    with hub.works.read() as work:
        column_id = str(_by_slug(work.session, asker, column).id)
    run_id = _begin(hub, asker, background, column_id, address.strip(), file)
    return {"id": run_id, "href": f"/api/v1/imports/{run_id}"}


@api.get("/{run_id}")
def api_run(hub: HubDep, asker: ApiWriter, run_id: int) -> ImportTold:
    """How a run goes or went."""
    with hub.works.read() as work:
        run = _own_run(work.session, asker, run_id)
        dead = imports.silent(run, work.now)
    return {
        "id": run.id,
        "source": run.source,
        "total": run.total,
        "rows": [_json(Row(**row)) for row in run.rows],
        "remarks": run.remarks,
        "fault": run.fault,
        "finished": run.finished_at is not None,
        "interrupted": dead,
    }


# --- shared ----------------------------------------------------------------------------------------------------


def _begin(
    hub: Hub, asker: Asker, background: BackgroundTasks, column: str, address: str, file: UploadFile | None
) -> int:
    data = file.file.read() if file is not None and file.filename else b""
    if not data and not address.startswith(("http://", "https://")):
        raise Invalid(field="address", why="请填写 http:// 或 https:// 开头的地址，或选择文件。")
    name = (file.filename or "") if file is not None and data else ""
    with hub.works.write(asker.actor) as work:
        chosen = _chosen(work.session, asker, column, "feed_column")
        run = imports.begin_run(work, asker.viewer, chosen, name or address)
    given = Fetched(data, "", "") if data else None
    background.add_task(imports.run_feed, hub, asker.viewer, asker.actor, run.id, given)
    return run.id


def _chosen(session: Session, asker: Asker, column: str, field: str) -> Column:
    offered = editorial.columns_for(session, asker.viewer, P.PIECE_WRITE)
    chosen = next((one for one in offered if str(one.id) == column), None)
    if chosen is None:
        raise Invalid(field=field, why="请选择栏目。")
    return chosen


def _by_slug(session: Session, asker: Asker, slug: str) -> Column:
    offered = editorial.columns_for(session, asker.viewer, P.PIECE_WRITE)
    chosen = next((one for one in offered if one.slug == slug), None)
    if chosen is None:
        raise Invalid(field="column", why=f"没有可用的栏目“{slug}”。")
    return chosen


def _own_run(session: Session, asker: Asker, run_id: int) -> ImportRun:
    run = session.get(ImportRun, run_id)
    if run is None or run.person_id != asker.viewer.person_id:
        raise NotFound
    return run


def _named(files: Iterable[UploadFile]) -> Iterable[tuple[str, bytes]]:
    return ((PurePath(file.filename or "").name, file.file.read()) for file in files)


def _json(row: Row) -> ImportRow:
    return {
        "state": row.state,
        "title": row.title,
        "piece": row.piece_id,
        "href": f"/console/pieces/{row.piece_id}" if row.piece_id else "",
        "remarks": [*row.remarks],
    }


def _wants_json(request: Request) -> bool:
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    form: FormState,
    rows: Sequence[Row] = (),
    status: int = 200,
) -> HTMLResponse:
    with hub.works.read() as work:
        found = editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE)
        mine = select(ImportRun).where(ImportRun.person_id == asker.viewer.person_id)
        runs = work.session.scalars(mine.order_by(ImportRun.id.desc()).limit(RECENT)).all()
        recent = [(run, _outcome(hub, asker, run, imports.silent(run, work.now))) for run in runs]
    return page(
        request,
        asker,
        "pages/imports/page.html",
        status=status,
        options=[(column.id, column.name) for column in found],
        form=form,
        fields=FIELDS,
        rows=rows,
        heads=columns(hub, asker, *HEADS),
        recent=recent,
        run_heads=columns(hub, asker, *RUN_HEADS),
    )


def _run_context(hub: Hub, asker: Asker, run_id: int) -> dict[str, Any]:
    with hub.works.read() as work:
        run = _own_run(work.session, asker, run_id)
        column = work.session.get_one(Column, run.column_id)
        dead = imports.silent(run, work.now)
        ids = [row["piece_id"] for row in run.rows if row["piece_id"]]
        reach = asker.viewer.units(P.PIECE_READ)
        readable = set(work.session.scalars(select(Piece.id).where(Piece.id.in_(ids), Piece.unit_id.in_(reach))))
    return {
        "run": run,
        "column": column,
        "readable": readable,
        "running": run.finished_at is None and not dead,
        "interrupted": dead,
        "outcome": _tally(hub, asker, run),
        "heads": columns(hub, asker, *HEADS),
    }


def _outcome(hub: Hub, asker: Asker, run: ImportRun, dead: bool) -> str:
    if run.finished_at is None:
        return say(hub, asker, _("已中断") if dead else _("正在导入"))
    return run.fault or _tally(hub, asker, run)


def _tally(hub: Hub, asker: Asker, run: ImportRun) -> str:
    states = [row["state"] for row in run.rows]
    parts = [say(hub, asker, words, n=states.count(state)) for state, words in TALLY.items() if state in states]
    return "，".join(parts) if parts else say(hub, asker, _("没有内容"))
