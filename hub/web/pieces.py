"""稿件库: the list of pieces, a new one, the acts on one, its history and its approval form."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from content import compose
from content import release as releases
from content.compose import Draft
from content.kinds import all_kinds, kind_of
from content.models import Column, Piece, Release, Revision
from content.sanitise import plain
from content.states import PIECE_LABELS, PieceState
from hub import editorial
from hub.editorial import piece_for
from hub.product import Hub
from hub.web import approval, piece_assets, piece_checks, piece_editor
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState
from hub.web.lists import like, listing
from hub.web.pages import columns, page, say, see_other
from hub.web.piece_form import draft_of
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, Person, scoped
from templates.catalogue import _

router = APIRouter(prefix="/console/pieces")

P = Permission
Reader = Annotated[Asker, Depends(may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]
Text = Annotated[str, Form()]
LIST_COLUMNS = (
    (_("标题"), "title"),
    (_("状态"), "state"),
    (_("栏目"), "column"),
    (_("撰稿人"), ""),
    (_("更新时间"), "updated"),
)
SORTS = {"title": Piece.title, "state": Piece.state, "column": Column.name, "updated": Piece.updated_at}


@router.get("")
def pieces(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every piece the person may read; the trash only when asked for."""
    asked = listing(request, "q", "column", "kind", "state", "mine", sort="-updated")
    query = (
        select(Piece, Column.name, Person.name)
        .join(Column, Column.id == Piece.column_id)
        .join(Person, Person.id == Piece.author_id)
    )
    query = scoped(query, Piece.unit_id, asker.viewer, P.PIECE_READ)
    state = asked.value("state")
    query = query.where(Piece.state == state) if state else query.where(Piece.state != PieceState.TRASH)
    if asked.number("column"):
        query = query.where(Piece.column_id == asked.number("column"))
    if asked.value("kind"):
        query = query.where(Piece.kind == asked.value("kind"))
    if asked.value("mine"):
        query = query.where(Piece.author_id == asker.viewer.person_id)
    if asked.value("q"):
        words = like(asked.value("q"))
        query = query.join(Revision, Revision.id == Piece.revision_id).where(
            or_(Piece.title.like(words, escape="\\"), Revision.body.like(words, escape="\\"))
        )
    with hub.works.read() as work:
        rows, list_state = asked.take(work.session, query, SORTS, Piece.id.desc())
        own = editorial.columns_for(work.session, asker.viewer, P.PIECE_READ)
        column_options = [(column.id, column.name) for column in own]
    return page(
        request,
        asker,
        "pages/pieces/list.html",
        rows=rows,
        state=list_state,
        columns=columns(hub, asker, *LIST_COLUMNS),
        column_options=column_options,
        kind_options=[(kind.name, kind.label) for kind in all_kinds().values()],
        state_options=[(name.value, label) for name, label in PIECE_LABELS.items()],
        may_write=asker.may(P.PIECE_WRITE),
    )


@router.get("/new")
def new_piece(request: Request, hub: HubDep, asker: Writer) -> HTMLResponse:
    """Which column the new piece is for."""
    return _new_page(request, hub, asker, FormState())


@router.post("")
def create_piece(request: Request, hub: HubDep, asker: Writer, column: Text = "", title: Text = "") -> Response:
    """Begins a piece in a column and opens the editor."""
    try:
        with hub.works.write(asker.actor) as work:
            offered = editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE)
            chosen = next((one for one in offered if str(one.id) == column), None)
            if chosen is None:
                raise Invalid(field="column", why="请选择栏目。")
            editor = asker.viewer.name
            piece = compose.create(work, asker.viewer, chosen, draft=Draft(title=title, editor=editor))
    except Invalid as error:
        form = FormState({"column": column, "title": title}, error.field, error.message(asker.language))
        return _new_page(request, hub, asker, form, error.status)
    return see_other(f"/console/pieces/{piece.id}")


def _new_page(request: Request, hub: Hub, asker: Asker, form: FormState, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        found = editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE)
    options = [(column.id, column.name, kind_of(column.kind).label) for column in found]
    return page(request, asker, "pages/pieces/new.html", status=status, options=options, form=form)


@router.post("/{piece_id}/reopen")
def reopen(hub: HubDep, asker: Writer, piece_id: int) -> Response:
    """修改: a new revision of what was submitted, signed or published."""
    with hub.works.write(asker.actor) as work:
        compose.reopen(work, asker.viewer, piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE))
    return see_other(f"/console/pieces/{piece_id}", say(hub, asker, _("已打开新一版。改好后须重新送审。")), "info")


@router.post("/{piece_id}/recall")
def recall(hub: HubDep, asker: Writer, piece_id: int) -> Response:
    """撤回送审."""
    with hub.works.write(asker.actor) as work:
        releases.recall(work, asker.viewer, piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE))
    return see_other(f"/console/pieces/{piece_id}", say(hub, asker, _("已撤回送审。")))


@router.post("/{piece_id}/trash")
def trash(hub: HubDep, asker: Writer, piece_id: int) -> Response:
    """Into 回收站."""
    with hub.works.write(asker.actor) as work:
        compose.trash(work, asker.viewer, piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE))
    return see_other("/console/pieces", say(hub, asker, _("已移入回收站，可随时恢复。")))


@router.post("/{piece_id}/restore")
def restore(hub: HubDep, asker: Writer, piece_id: int) -> Response:
    """Out of 回收站."""
    with hub.works.write(asker.actor) as work:
        compose.restore(work, asker.viewer, piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE))
    return see_other(f"/console/pieces/{piece_id}", say(hub, asker, _("已恢复为草稿。")))


@router.get("/{piece_id}/history")
def history(
    request: Request, hub: HubDep, asker: Reader, piece_id: int, older: int = 0, newer: int = 0
) -> HTMLResponse:
    """Revisions compared, releases with their signatures, and every act."""
    with hub.works.read() as work:
        session = work.session
        piece = piece_for(session, asker.viewer, piece_id)
        revisions = session.scalars(select(Revision).filter_by(piece_id=piece.id).order_by(Revision.number)).all()
        numbers = [revision.number for revision in revisions]
        newer = newer if newer in numbers else numbers[-1]
        older = older if older in numbers else max([n for n in numbers if n < newer], default=newer)
        by_number = {revision.number: revision for revision in revisions}
        words = [_revision_text(session, piece, by_number[n]) for n in (older, newer)]
        rows = session.scalars(select(Release).filter_by(piece_id=piece.id).order_by(Release.number.desc())).all()
        chains = [(release, approval.chain(session, release)) for release in rows]
        done = approval.acts(session, piece, lambda words: say(hub, asker, words))
    return page(
        request,
        asker,
        "pages/pieces/history.html",
        piece=piece,
        options=[(n, say(hub, asker, _("第 %(n)s 版"), n=n)) for n in numbers],
        older=older,
        newer=newer,
        changes=approval.changes(*words),
        chains=chains,
        acts=done,
    )


@router.get("/{piece_id}/form")
def approval_form(request: Request, hub: HubDep, asker: Reader, piece_id: int) -> HTMLResponse:
    """信息发布审核表 of the newest release, to print."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        if piece.release_id is None:
            raise NotFound
        release = work.session.get_one(Release, piece.release_id)
        form = approval.form_of(work.session, release, hub.settings.office_zone, work.now)
    return page(request, asker, "pages/approval_form.html", form=form, back_href=f"/console/pieces/{piece_id}")


def _revision_text(session: Session, piece: Piece, revision: Revision) -> str:
    words = draft_of(session, revision)
    lines = [words.title, words.summary, plain(words.body), kind_of(piece.kind).plain(words.fields)]
    for channel, own in sorted(words.variants.items()):
        lines += [f"【{channel}】{own.title}", own.digest, plain(own.body)]
    lines.append(f"{words.source_name} {words.editor} {words.keywords}".strip())
    return "\n".join(line for line in lines if line)


# The addresses above are words; those below begin with a piece's number.
for _part in (piece_editor, piece_assets, piece_checks):
    router.include_router(_part.router)
