"""栏目管理: the sections of the portal, each with its address, kind and limit of silence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from content.kinds import all_kinds
from content.models import Column, Piece
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.pages import columns as heads
from hub.web.pages import page, say, see_other
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Unit, scoped
from kernel.typed import number_in, row_in
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/columns")

P = Permission
Writer = Annotated[Asker, Depends(may(P.COLUMN_WRITE))]
Text = Annotated[str, Form()]

HEADS = ((_("栏目"), ""), (_("标识"), ""), (_("类别"), ""), (_("单位"), ""), (_("更新时限"), ""), (_("稿件"), ""))
FIELDS = ("name", "slug", "kind", "unit", "freshness", "description", "keywords", "position")
SLUG = re.compile(r"[a-z][a-z0-9-]{1,58}")
# First words of addresses that belong to the product itself.
TAKEN = frozenset({"media", "files", "data", "static", "console", "api", "s", "search", "sitemap", "chat", "hooks"}) | {
    "healthz", "readyz", "metrics", "beacon", "feedback", "push", "callbacks", "h", "mine", "hotline", "bot", "outer",
}  # fmt: skip


@dataclass(frozen=True)
class ColumnForm:
    """A column as it was typed."""

    name: str
    slug: str
    kind: str
    unit: str
    freshness: str
    description: str
    keywords: str
    position: str
    active: str

    @property
    def values(self) -> dict[str, str]:
        """The fields by name."""
        return {name: getattr(self, name) for name in (*FIELDS, "active")}


def column_form(
    name: Text = "",
    slug: Text = "",
    kind: Text = "",
    unit: Text = "",
    freshness: Text = "",
    description: Text = "",
    keywords: Text = "",
    position: Text = "",
    active: Text = "",
) -> ColumnForm:
    """The form as it was sent."""
    return ColumnForm(name, slug, kind, unit, freshness, description, keywords, position, active)


Typed = Annotated[ColumnForm, Depends(column_form)]


@router.get("")
def all_columns(request: Request, hub: HubDep, asker: Writer) -> HTMLResponse:
    """The columns in reach with how many pieces each has, and the form for another."""
    return _list_page(request, hub, asker, FormState({"active": "1"}))


@router.post("")
def create_column(request: Request, hub: HubDep, asker: Writer, typed: Typed) -> Response:
    """Adds a column."""
    try:
        with hub.works.write(asker.actor) as work:
            column = add_column(work, asker, typed)
    except XuandaError as error:
        return _list_page(request, hub, asker, refused(asker, error, **typed.values), error.status)
    return see_other("/console/columns", say(hub, asker, _("已新增栏目“%(name)s”。"), name=column.name))


@router.get("/{column_id}")
def one_column(request: Request, hub: HubDep, asker: Writer, column_id: int) -> HTMLResponse:
    """The form for a column; its address and kind stay, because published pages depend on them."""
    with hub.works.read() as work:
        column = column_for(work.session, asker, column_id)
    values = {name: str(getattr(column, name) or "") for name in ("name", "description", "keywords", "position")}
    values |= {"freshness": str(column.freshness_days or ""), "active": "1" if column.active else ""}
    return page(request, asker, "pages/columns/one.html", column=column, form=FormState(values))


@router.post("/{column_id}")
def change_column(request: Request, hub: HubDep, asker: Writer, column_id: int, typed: Typed) -> Response:
    """Changes a column's names, limit of silence and place in the menu."""
    with hub.works.read() as work:
        column = column_for(work.session, asker, column_id)
    try:
        with hub.works.write(asker.actor) as work:
            column = alter_column(work, asker, column_id, typed)
    except XuandaError as error:
        form = refused(asker, error, **typed.values)
        return page(request, asker, "pages/columns/one.html", status=error.status, column=column, form=form)
    told = _("已保存。每页的页头页脚在一两分钟内开始更新。")
    return see_other("/console/columns", say(hub, asker, told))


def add_column(work: Work, asker: Asker, typed: ColumnForm) -> Column:
    """A new column as it was typed."""
    column = Column(unit_id=_unit(work.session, asker, typed.unit).id, slug=_slug(work.session, typed.slug))
    _fill(column, typed)
    column.kind = _kind(typed.kind)
    work.session.add(column)
    work.session.flush()
    work.audit("column.created", column, slug=column.slug, kind=column.kind, name=column.name)
    return column


def alter_column(work: Work, asker: Asker, column_id: int, typed: ColumnForm) -> Column:
    """A column with what was typed; its address and kind stay."""
    column = column_for(work.session, asker, column_id)
    _fill(column, typed)
    work.audit("column.changed", column, name=column.name, freshness=column.freshness_days, active=column.active)
    return column


def _list_page(request: Request, hub: Hub, asker: Asker, form: FormState, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        session = work.session
        query = scoped(select(Column, Unit.name), Column.unit_id, asker.viewer, P.COLUMN_WRITE)
        query = query.join(Unit, Unit.id == Column.unit_id).order_by(Column.position, Column.id)
        counts = dict(session.execute(select(Piece.column_id, func.count()).group_by(Piece.column_id)).all())
        rows = [(column, unit, counts.get(column.id, 0)) for column, unit in session.execute(query)]
        units = session.scalars(scoped(select(Unit), Unit.id, asker.viewer, P.COLUMN_WRITE).order_by(Unit.path)).all()
    return page(
        request,
        asker,
        "pages/columns/list.html",
        status=status,
        rows=rows,
        kinds={kind.name: kind.label for kind in all_kinds().values()},
        units=[(unit.id, unit.name) for unit in units],
        columns=heads(hub, asker, *HEADS),
        form=form,
    )


def _fill(column: Column, typed: ColumnForm) -> None:
    column.name = typed.name.strip()
    if not column.name or len(column.name) > 60:
        raise Invalid(field="name", why="请填写栏目名称（不超过 60 字）。")
    column.freshness_days = _days(typed.freshness)
    column.description, column.keywords = typed.description.strip()[:300], typed.keywords.strip()[:300]
    column.position = number_in(typed.position, 99_999) or 0
    column.active = bool(typed.active)


def _days(text: str) -> int | None:
    if not text.strip():
        return None
    days = number_in(text.strip(), 3650)
    if not days:
        raise Invalid(field="freshness", why="更新时限为 1 至 3650 天；不考核更新的栏目可不填。")
    return days


def _kind(text: str) -> str:
    if text not in all_kinds():
        raise Invalid(field="kind", why="请选择类别。")
    return text


def _slug(session: Session, text: str) -> str:
    slug = text.strip().lower()
    if not SLUG.fullmatch(slug) or slug in TAKEN:
        raise Invalid(field="slug", why="标识为 2 至 59 位小写字母、数字或横线，以字母开头，且不能用系统保留的词。")
    if session.scalars(select(Column.id).where(Column.slug == slug)).first() is not None:
        raise Invalid(field="slug", why=f"标识“{slug}”已被使用。")
    return slug


def _unit(session: Session, asker: Asker, text: str) -> Unit:
    unit = session.get(Unit, row_in(text) or 0)
    if unit is None or not asker.may(P.COLUMN_WRITE, unit.id):
        raise Invalid(field="unit", why="请选择所属单位。")
    return unit


def column_for(session: Session, asker: Asker, column_id: int) -> Column:
    """The column when the person keeps those of its unit; raises NotFound otherwise."""
    column = session.get(Column, column_id)
    if column is None:
        raise NotFound
    asker.must(P.COLUMN_WRITE, column.unit_id)
    return column
