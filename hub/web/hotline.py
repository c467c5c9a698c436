"""12345: a ticket sent or copied to the hotline, its number written down, cases taken in, the list taken away."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, File, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from bot.models import Ticket
from bot.publishing import mask, mask_contact, mask_name
from bot.states import TICKET_LABELS, TicketState
from hub.hotline import intake, sending, signature
from hub.hotline.intake import Case
from hub.product import Hub
from hub.web.access import Asker, HubDep, address_of, may
from hub.web.charts import Cell, Sheet, workbook
from hub.web.feedback import desk
from hub.web.forms import FormState, refused
from hub.web.lists import listing
from hub.web.pages import page, say, see_other
from hub.web.ticket_acts import Text
from hub.web.ticket_filter import FILTERS, asked_for
from hub.web.ticket_page import find, ticket_page
from kernel.errors import Forbidden, Invalid, XuandaError
from kernel.people import Permission, Unit
from kernel.work import Actor, Work
from templates.catalogue import _

router = APIRouter(prefix="/console/tickets")
public = APIRouter(prefix="/hotline")

P = Permission
Reader = Annotated[Asker, Depends(may(P.TICKET_READ))]
Relayer = Annotated[Asker, Depends(may(P.TICKET_RELAY))]
HOTLINE = Actor("12345")
LONGEST_BODY = 64 * 1024
# So many calls in so many seconds.
CALLS = (120, 60)
MOST_ROWS = 20_000
HEADS = (
    "编号",
    "12345编号",
    "类别",
    "事由",
    "称呼",
    "联系方式",
    "单位",
    "状态",
    "登记时间",
    "答复期限",
    "答复时间",
    "答复",
)
FIELDS = ("number", "kind", "text", "name", "contact")


class NoHotline(XuandaError):
    """No 12345 system is set up. Copy the ticket and write its number down, or ask the system administrator."""

    zh = "还没有设置 12345 系统的地址。可复制工单内容手工录入后登记编号，或请系统管理员设置。"
    status = 409


@router.get("/export")
def export(request: Request, hub: HubDep, asker: Reader, form: str = "xlsx") -> Response:
    """The tickets that the list's filters let through, as a workbook or as lines of text, masked."""
    asked = listing(request, *FILTERS)
    zone = hub.settings.office_zone
    with hub.works.write(asker.actor) as work:
        query = asked_for(asked, asker, work.now).order_by(Ticket.created_at.desc(), Ticket.id.desc())
        rows = [_exported(row[0], row[1]) for row in work.session.execute(query.limit(MOST_ROWS))]
        work.audit("ticket.exported", None, rows=len(rows), form=form, filters=dict(asked.values))
    if form != "csv":
        return workbook("tickets", zone, Sheet("工单", HEADS, rows))
    text = io.StringIO()
    csv.writer(text).writerows([HEADS, *([_plain(cell, zone) for cell in row] for row in rows)])
    headers = {"Content-Disposition": "attachment; filename=tickets.csv"}
    return Response(text.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/import")
def import_page(request: Request, hub: HubDep, asker: Relayer) -> HTMLResponse:
    """A file of the hotline, to be taken in."""
    return _import_page(request, hub, asker, FormState())


@router.post("/import")
def import_file(
    request: Request, hub: HubDep, asker: Relayer, file: Annotated[UploadFile | None, File()] = None, unit: Text = ""
) -> Response:
    """Takes every good row; what was here before and what is wrong are shown as they came."""
    try:
        unit_id = next((one for one in asker.viewer.units(P.TICKET_RELAY) if str(one) == unit), 0)
        if not unit_id:
            raise Invalid(field="unit", why="请选择接收工单的单位。")
        with hub.works.write(asker.actor) as work:
            rows = intake.take_file(work, file.file.read() if file else b"", unit_id, hub.settings.office_zone)
            work.audit("ticket.imported", None, rows=len(rows), unit=unit_id)
    except Invalid as error:
        return _import_page(request, hub, asker, refused(asker, error, unit=unit), status=error.status)
    return _import_page(request, hub, asker, FormState({"unit": unit}), rows=rows)


@router.post("/{ticket_id}/hotline")
def send(hub: HubDep, asker: Relayer, ticket_id: int) -> Response:
    """Books the sending to the 12345 system; a second press is the same one."""
    with hub.works.write(asker.actor) as work:
        send_to_hotline(hub, work, asker, ticket_id)
    return see_other(f"/console/tickets/{ticket_id}", say(hub, asker, _("已提交发送到 12345，稍后显示对方编号。")))


@router.post("/{ticket_id}/hotline/number")
def note_number(request: Request, hub: HubDep, asker: Relayer, ticket_id: int, hotline_number: Text = "") -> Response:
    """Writes down the number that the hotline gave."""
    try:
        with hub.works.write(asker.actor) as work:
            sending.note_number(work, find(work, asker, ticket_id, P.TICKET_RELAY), hotline_number)
    except Invalid as error:
        form = refused(asker, error, hotline_number=hotline_number)
        return ticket_page(request, hub, asker, ticket_id, form, opened="hotline", status=error.status)
    return see_other(f"/console/tickets/{ticket_id}", say(hub, asker, _("已登记 12345 编号。")))


def send_to_hotline(hub: Hub, work: Work, asker: Asker, ticket_id: int) -> Ticket:
    """Books the sending of a ticket in reach; raises NoHotline where no system is set up."""
    ticket = find(work, asker, ticket_id, P.TICKET_RELAY)
    if not hub.settings.hotline_url:
        raise NoHotline
    sending.book(work, ticket)
    return ticket


@public.post("/tickets")
async def take(request: Request, hub: HubDep) -> JSONResponse:
    """A case of the hotline, signed; the same number is answered with the ticket that it became."""
    hub.incoming.limit("hotline.take", *CALLS).take(address_of(request, hub.settings))
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            raise Invalid(field="text", why="内容过长，最多 64 KB。")
    status, told = await run_in_threadpool(_take, hub, bytes(body), dict(request.headers))
    return JSONResponse(told, status)


def _take(hub: Hub, body: bytes, sent: dict[str, str]) -> tuple[int, dict[str, str]]:
    secret = hub.settings.hotline_secret.get_secret_value()
    proof = {name: sent.get(name.lower(), "") for name in (signature.MOMENT, signature.SIGNATURE)}
    if not signature.holds(secret, body, proof, hub.clock.now()):
        raise Forbidden(what="签名不符或已过期")
    case = _case(body)
    with hub.works.write(HOTLINE) as work:
        ticket, new = intake.take(work, case, desk(work), hub.settings.office_zone)
    return 201 if new else 200, {"number": ticket.number, "due_at": ticket.due_at.isoformat(), "state": ticket.state}


def _case(body: bytes) -> Case:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        raise Invalid(field="body", why="内容须为 JSON。") from None
    if not isinstance(read, dict) or not all(isinstance(read.get(name, ""), str) for name in FIELDS):
        raise Invalid(field="body", why=f"须为 JSON 对象，{'、'.join(FIELDS)} 须为文字。")
    return Case(**{name: str(read.get(name, "")) for name in FIELDS})


def _exported(ticket: Ticket, unit: str) -> tuple[Cell, ...]:
    return (
        ticket.number,
        ticket.hotline_number or "",
        ticket.kind,
        mask(ticket.text),
        mask_name(ticket.name),
        mask_contact(ticket.contact),
        unit,
        TICKET_LABELS[TicketState(ticket.state)],
        ticket.created_at,
        ticket.due_at,
        ticket.answered_at,
        mask(ticket.answer),
    )


def _plain(cell: Cell, zone: ZoneInfo) -> str:
    if isinstance(cell, datetime):
        return f"{cell.astimezone(zone):%Y-%m-%d %H:%M}"
    text = "" if cell is None else str(cell)
    # A spreadsheet would take these for formulas.
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _import_page(
    request: Request,
    hub: Hub,
    asker: Asker,
    form: FormState,
    *,
    rows: list[intake.Row] | None = None,
    status: int = 200,
) -> HTMLResponse:
    with hub.works.read() as work:
        units = _units(work, asker)
    return page(
        request,
        asker,
        "pages/tickets/import.html",
        status=status,
        form=form,
        units=units,
        heads="、".join(intake.HEADS),
        rows=rows,
        fresh=sum(1 for row in rows or () if row.number and not row.known),
    )


def _units(work: Work, asker: Asker) -> list[tuple[int, str]]:
    query = select(Unit.id, Unit.name).where(Unit.id.in_(asker.viewer.units(P.TICKET_RELAY))).order_by(Unit.path)
    return [(row[0], row[1]) for row in work.session.execute(query)]
