"""人工填报: figures of what people published by hand, entered by hand or from a workbook, counted like all others."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from analytics import by_hand
from analytics.by_hand import FIGURES
from analytics.models import ChannelReading
from channels.accounts.models import Account
from channels.base import Channel
from channels.registry import channels as installed
from content.models import Piece
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.charts import Sheet
from hub.web.charts import workbook as as_workbook
from hub.web.deliveries import Sent
from hub.web.forms import FormState, refused
from hub.web.lists import like, listing
from hub.web.pages import columns, page, say, see_other
from hub.web.piece_form import text
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, scoped
from kernel.typed import row_in
from kernel.work import Work
from scheduler.models import Attempt, Placement
from scheduler.states import PlacementState
from templates.catalogue import _

router = APIRouter(prefix="/console/figures")

P = Permission
Keeper = Annotated[Asker, Depends(may(P.DELIVERY_ACT))]

HEADS = ("编号", "标题", "账号", "链接")
COLUMNS = ((_("标题"), "title"), (_("账号"), "account"), (_("发布时间"), "at"), (_("最近填报"), ""))
SORTS = {"title": Piece.title, "account": Account.name, "at": Placement.live_at}
MOST_ROWS = 5000


@dataclass(frozen=True)
class Fault:
    """A row of a workbook that was not taken, with what is wrong."""

    number: int
    title: str
    why: str


@router.get("")
def the_figures(request: Request, hub: HubDep, asker: Keeper) -> HTMLResponse:
    """What shows where nobody counts for us."""
    return _page(request, hub, asker, FormState())


@router.get("/workbook")
def template(hub: HubDep, asker: Keeper) -> Response:
    """Every such item as a workbook, with the last figures; filled in, it is taken back."""
    with hub.works.read() as work:
        rows = work.session.execute(_query(asker).order_by(Placement.live_at.desc()).limit(MOST_ROWS)).all()
        last = _last(work, [row[0].id for row in rows])
        cells = [
            (place.id, title, account, place.url, *(last.get(place.id, {}).get(name) for name, _label in FIGURES))
            for place, title, account in rows
        ]
    heads = (*HEADS, *(label for _name, label in FIGURES))
    return as_workbook("figures", hub.settings.office_zone, Sheet("人工填报", heads, cells))


@router.post("/import")
def take(request: Request, hub: HubDep, asker: Keeper, file: Annotated[UploadFile | None, File()] = None) -> Response:
    """Takes every good row; the others are shown with what is wrong."""
    try:
        rows = list(_read(file.file.read() if file else b""))
    except Invalid as error:
        return _page(request, hub, asker, refused(asker, error), status=error.status)
    faults, taken = [], 0
    with hub.works.write(asker.actor) as work:
        for number, key, title, typed in rows:
            try:
                if not any(typed.values()):
                    continue
                by_hand.enter(work, _placement(work, asker, key), by_hand.read_figures(typed), hub.settings.office_zone)
                taken += 1
            except NotFound:
                faults.append(Fault(number, title, "“编号”不是本单位人工填报的内容，请重新下载填报表。"))
            except Invalid as error:
                faults.append(Fault(number, title, error.message(asker.language)))
    if not faults:
        return see_other("/console/figures", say(hub, asker, _("已填报 %(n)s 条。"), n=taken))
    return _page(request, hub, asker, FormState(), faults=faults, taken=taken, status=422)


@router.get("/{placement_id}")
def one(request: Request, hub: HubDep, asker: Keeper, placement_id: int) -> HTMLResponse:
    """The form for one item, with its last figures."""
    return _one_page(request, hub, asker, placement_id, None)


@router.post("/{placement_id}")
def enter(request: Request, hub: HubDep, asker: Keeper, placement_id: int, sent: Sent) -> Response:
    """Keeps what was read off the platform."""
    typed = {name: text(sent, name) for name, _label in FIGURES}
    try:
        with hub.works.write(asker.actor) as work:
            place = _placement(work, asker, str(placement_id))
            by_hand.enter(work, place, by_hand.read_figures(typed), hub.settings.office_zone)
    except Invalid as error:
        return _one_page(request, hub, asker, placement_id, refused(asker, error, **typed), status=error.status)
    return see_other("/console/figures", say(hub, asker, _("已填报 %(n)s 条。"), n=1))


def _uncounted() -> list[str]:
    """The channels that tell no figures and are not counted by ourselves."""
    return [name for name, adapter in installed().items() if adapter.read is Channel.read and name != "portal"]


def _counted_by_people() -> ColumnElement[bool]:
    """What no interface counts, and what a person published where one does: there he may know more than it tells."""
    sent = exists().where(Attempt.delivery_id == Placement.delivery_id, Attempt.outcome == "live")
    by_a_person = and_(Placement.delivery_id.is_not(None), ~sent, Account.channel != "portal")
    return or_(Account.channel.in_(_uncounted()), by_a_person)


def _query(asker: Asker) -> Select[Placement, str, str]:
    query = (
        select(Placement, Piece.title, Account.name)
        .join(Piece, Piece.id == Placement.piece_id)
        .join(Account, Account.id == Placement.account_id)
        .where(_counted_by_people(), Placement.state == PlacementState.LIVE)
    )
    return scoped(query, Placement.unit_id, asker.viewer, P.DELIVERY_ACT)


def _placement(work: Work, asker: Asker, key: str) -> Placement:
    number = row_in(key)
    if number is None:
        raise NotFound
    row = work.session.execute(_query(asker).where(Placement.id == number)).one_or_none()
    if row is None:
        raise NotFound
    place: Placement = row[0]
    return place


def _last(work: Work, ids: list[int]) -> dict[int, dict[str, Any]]:
    rows = select(ChannelReading).where(ChannelReading.placement_id.in_(ids))
    rows = rows.order_by(ChannelReading.article, ChannelReading.day)
    return {row.placement_id: row.figures for row in work.session.scalars(rows)}


def _read(data: bytes) -> Iterator[tuple[int, str, str, dict[str, str]]]:
    heads = (*HEADS, *(label for _name, label in FIGURES))
    try:
        sheet = load_workbook(io.BytesIO(data), read_only=True, data_only=True).worksheets[0]
        rows = sheet.iter_rows(max_col=len(heads), max_row=MOST_ROWS + 1, values_only=True)
        read = [tuple("" if cell is None else str(cell).strip() for cell in row) for row in rows]
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError, IndexError, SyntaxError):
        raise Invalid(field="file", why="无法读取，请上传 xlsx 填报表。") from None
    if not read or read[0] != heads:
        raise Invalid(field="file", why="首行与填报表不同，请下载填报表后填写。")
    for number, cells in enumerate(read[1:], start=2):
        if any(cells):
            yield number, cells[0], cells[1], {name: cells[4 + at] for at, (name, _label) in enumerate(FIGURES)}


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    form: FormState,
    *,
    status: int = 200,
    faults: list[Fault] | None = None,
    taken: int = 0,
) -> HTMLResponse:
    asked = listing(request, "q", sort="-at")
    query = _query(asker)
    if asked.value("q"):
        query = query.where(Piece.title.like(like(asked.value("q")), escape="\\"))
    with hub.works.read() as work:
        rows, state = asked.take(work.session, query, SORTS, Placement.id)
        last = _last(work, [row[0].id for row in rows])
    return page(
        request,
        asker,
        "pages/figures/list.html",
        status=status,
        rows=[(row[0], row[1], row[2], last.get(row[0].id, {})) for row in rows],
        state=state,
        columns=columns(hub, asker, *COLUMNS),
        figures=FIGURES,
        form=form,
        faults=faults or [],
        taken=taken,
    )


def _one_page(
    request: Request, hub: Hub, asker: Asker, placement_id: int, form: FormState | None, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        place = _placement(work, asker, str(placement_id))
        piece = work.session.get_one(Piece, place.piece_id)
        account = work.session.get_one(Account, place.account_id)
        last = _last(work, [place.id]).get(place.id, {})
    kept = FormState({name: str(value) for name, value in last.items()})
    return page(
        request,
        asker,
        "pages/figures/one.html",
        status=status,
        place=place,
        title=piece.title,
        account=account.name,
        figures=FIGURES,
        form=form or kept,
    )
