"""审计日志: the auditor reads it, searches it, checks its chain and takes it away as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.act_words import act_words
from hub.web.lists import Listing, day_end, day_start, like, listing
from hub.web.pages import columns, page, say, see_other
from hub.web.rule_words import show
from kernel.audit import AuditLine, Verdict, verify
from kernel.errors import XuandaError
from kernel.people import Permission, Unit
from templates.catalogue import _

router = APIRouter(prefix="/console/audit")

Auditor = Annotated[Asker, Depends(may(Permission.AUDIT_READ))]
FILTERS = ("act", "person", "object", "number", "from", "to")
PAGE_SIZE = 50
EXPORTED_AT_ONCE = 1000
COLUMNS = (
    (_("序号"), "seq"),
    (_("时间"), ""),
    (_("人员"), ""),
    (_("操作"), ""),
    (_("对象"), ""),
    (_("详情"), ""),
)
HEAD = ("seq", "time", "person", "address", "unit", "act", "object", "object_id", "details", "hash")


@router.get("")
def audit_log(request: Request, hub: HubDep, asker: Auditor) -> HTMLResponse:
    """The lines of the units in reach, the newest first."""
    asked = listing(request, *FILTERS, sort="-seq")
    fault = ""
    with hub.works.read() as work:
        try:
            query = _query(work.session, hub, asker, asked)
        except XuandaError as error:
            fault, query = error.message(asker.language), lines_in_reach(work.session, asker)
        rows, state = asked.take(work.session, query, {"seq": AuditLine.seq}, AuditLine.seq.desc(), PAGE_SIZE)
        acts = work.session.scalars(select(AuditLine.act).distinct().order_by(AuditLine.act)).all()
    return page(
        request,
        asker,
        "pages/audit/list.html",
        lines=[(row[0], row[1], _details(row[0].details)) for row in rows],
        state=state,
        columns=columns(hub, asker, *COLUMNS),
        acts=[(act, act_words(act, asker.language)) for act in acts],
        act_words=act_words,
        fault=fault,
        export=request.url.query,
    )


@router.post("/verify")
def check(hub: HubDep, asker: Auditor) -> Response:
    """Walks the whole chain and notes in the log that this was done."""
    verdict = walk(hub, asker)
    if verdict.fault is None:
        good = _("校验通过：共 %(lines)s 条，链尾 %(head)s。请把链尾抄存，以备日后比对。")
        return see_other("/console/audit", say(hub, asker, good, lines=verdict.lines, head=verdict.head))
    bad = _("校验未通过：前 %(lines)s 条完好，之后%(fault)s。请立即保全数据库并报告。")
    fault = verdict.fault if asker.language == "en" else f"（{verdict.fault}）"
    return see_other("/console/audit", say(hub, asker, bad, lines=verdict.lines, fault=fault), "bad")


@router.get("/export.csv")
def export(request: Request, hub: HubDep, asker: Auditor) -> StreamingResponse:
    """The filtered lines as CSV (UTF-8 with a mark, as Excel expects); taking them away is itself noted."""
    asked = listing(request, *FILTERS)
    with hub.works.read() as work:
        query = _query(work.session, hub, asker, asked)
    with hub.works.write(asker.actor) as work:
        work.audit("audit.exported", None, filters={key: value for key, value in asked.values.items() if value})
    name = f"audit-{hub.clock.now().astimezone(hub.settings.office_zone):%Y%m%d-%H%M}.csv"
    return StreamingResponse(
        _csv(hub, query),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def walk(hub: Hub, asker: Asker) -> Verdict:
    """Walks the whole chain and notes that this was done."""
    with hub.works.read() as work:
        verdict = verify(work.session)
    with hub.works.write(asker.actor) as work:
        work.audit("audit.verified", None, lines=verdict.lines, head=verdict.head, fault=verdict.fault)
    return verdict


def lines_in_reach(session: Session, asker: Asker) -> Select[AuditLine, str]:
    """The lines of the units in reach, each with its unit's name."""
    units = asker.viewer.units(Permission.AUDIT_READ)
    allowed: list[ColumnElement[bool]] = [AuditLine.unit_id.in_(units)]
    roots = session.scalars(select(Unit.id).where(Unit.parent_id.is_(None))).all()
    if units.intersection(roots):  # What belongs to no unit (the system itself, unknown log-ins) is the root's.
        allowed.append(AuditLine.unit_id.is_(None))
    query: Select[AuditLine, str] = select(AuditLine, Unit.name).outerjoin(Unit, Unit.id == AuditLine.unit_id)
    return query.where(or_(*allowed))


def _query(session: Session, hub: Hub, asker: Asker, asked: Listing) -> Select[AuditLine, str]:
    query = lines_in_reach(session, asker)
    if asked.value("act"):
        query = query.where(AuditLine.act == asked.value("act"))
    if asked.value("person"):
        query = query.where(AuditLine.actor_name.like(like(asked.value("person")), escape="\\"))
    if asked.value("object"):
        query = query.where(AuditLine.object_kind == asked.value("object"))
    if asked.number("number") is not None:
        query = query.where(AuditLine.object_id == asked.number("number"))
    zone = hub.settings.office_zone
    start, end = day_start(asked.value("from"), zone, "from"), day_end(asked.value("to"), zone, "to")
    if start is not None:
        query = query.where(AuditLine.at >= start)
    if end is not None:
        query = query.where(AuditLine.at < end)
    return query


def _csv(hub: Hub, query: Select[AuditLine, str]) -> Iterator[str]:
    yield "\ufeff" + _row(HEAD)
    after = 0
    while True:
        # Short works one after the other: a download as slow as its line must not hold a transaction open.
        with hub.works.read() as work:
            chunk = query.where(AuditLine.seq > after).order_by(AuditLine.seq).limit(EXPORTED_AT_ONCE)
            rows = work.session.execute(chunk).all()
        for line, unit in rows:
            yield _row(_cells(hub, line, unit))
        if len(rows) < EXPORTED_AT_ONCE:
            return
        after = rows[-1][0].seq


def _cells(hub: Hub, line: AuditLine, unit: str | None) -> tuple[object, ...]:
    at = line.at.astimezone(hub.settings.office_zone).isoformat(timespec="seconds")
    person, address, place = line.actor_name, line.address, unit or ""
    return line.seq, at, person, address, place, line.act, line.object_kind, line.object_id, line.details, line.hash


def _row(cells: tuple[object, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_harmless(cell) for cell in cells])
    return buffer.getvalue()


def _harmless(cell: object) -> object:
    # A spreadsheet would run a cell that begins like a formula.
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def _details(text: str) -> list[tuple[str, str]]:
    found: dict[str, object] = json.loads(text)
    return [(key, show(value)) for key, value in found.items()]
