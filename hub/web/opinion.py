"""舆情台账: every matter of public opinion with its clocks, and the form for a clue, also from what a citizen wrote."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bot.comments.models import Comment
from bot.models import Ticket
from channels.accounts.models import Account
from content import rebuttals
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.deliveries import Sent, channel_label
from hub.web.forms import FormState, refused
from hub.web.lists import like, listing
from hub.web.pages import columns, page, say, see_other
from hub.web.people import unit_in_reach, units_in_reach
from hub.web.piece_form import moment, text
from hub.web.sections import Section
from kernel.errors import NotFound, XuandaError
from kernel.people import Permission
from kernel.work import Work
from scheduler.opinion import cases
from scheduler.opinion.cases import GRADES, STATE_LABELS, Clock, Clue
from scheduler.opinion.models import CaseState, OpinionCase
from templates.catalogue import _

router = APIRouter(prefix="/console/opinion")

P = Permission
Reader = Annotated[Asker, Depends(may(P.PIECE_READ))]

COLUMNS = (
    (_("舆情"), ""),
    (_("来源"), "source"),
    (_("发现时间"), "found"),
    (_("等级"), "grade"),
    (_("状态"), "state"),
    (_("时限"), ""),
)
SORTS = {
    "found": OpinionCase.found_at,
    "source": OpinionCase.source,
    "grade": OpinionCase.grade,
    "state": OpinionCase.state,
}
OVERDUE = "overdue"
FIELDS = ("title", "source", "words", "url", "found", "reporter", "unit")
ORDER, SHOWN = 8, 6
FROM_TICKET, FROM_COMMENT = "ticket", "comment"


@dataclass(frozen=True)
class Row:
    """A case with the clocks that hold for it."""

    case: OpinionCase
    clocks: list[Clock]


@router.get("")
def register(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every case of one's units, the newest first; rebuttals that hold above them."""
    asked = listing(request, "state", "grade", "q", sort="-found")
    query = select(OpinionCase).where(cases.reachable(asker.viewer, P.PIECE_READ))
    with hub.works.read() as work:
        wanted = asked.value("state")
        if wanted == OVERDUE:
            query = query.where(cases.owed(work.now))
        elif wanted:
            query = query.where(OpinionCase.state == wanted)
        if asked.value("grade"):
            query = query.where(OpinionCase.grade == asked.value("grade"))
        if asked.value("q"):
            query = query.where(OpinionCase.title.like(like(asked.value("q")), escape="\\"))
        found, state = asked.take(work.session, query, SORTS, OpinionCase.id.desc())
        context: dict[str, Any] = {
            "now": work.now,
            "rows": [Row(row[0], cases.clocks_of(row[0])) for row in found],
            "counts": _counts(work, asker),
            "standing": [
                (row, shown)
                for row, shown in rebuttals.standing(work.session, work.now)
                if asker.may(P.PIECE_READ, row.unit_id)
            ],
        }
    return page(
        request,
        asker,
        "pages/opinion/list.html",
        state=state,
        columns=columns(hub, asker, *COLUMNS),
        labels=STATE_LABELS,
        grades=GRADES,
        states=[
            *((str(name), say(hub, asker, label)) for name, label in STATE_LABELS.items()),
            (OVERDUE, say(hub, asker, _("已超时限"))),
        ],
        grade_options=[(name, say(hub, asker, label)) for name, label in GRADES.items()],
        may_report=asker.may(P.REPORT_READ),
        **context,
    )


@router.get("/new")
def new_clue(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The form for a clue, filled from a ticket or a comment where the address names one."""
    with hub.works.read() as work:
        values = _offered(work.session, hub, asker, request) or {"found": _typed(hub, work.now)}
    return _form(request, hub, asker, FormState({"unit": str(asker.viewer.unit_id), **values}))


@router.post("/new")
def report(request: Request, hub: HubDep, asker: Reader, sent: Sent) -> Response:
    """Writes a clue down; those who judge are told."""
    try:
        with hub.works.write(asker.actor) as work:
            unit = unit_in_reach(work.session, asker, P.PIECE_READ, text(sent, "unit"))
            found = moment(sent, "found", hub.settings.office_zone) or work.now
            words = {
                name: text(sent, name).strip() for name in ("title", "source", "words", "url", "reporter", "origin")
            }
            case = cases.report(work, asker.viewer, unit.id, Clue(found_at=found, **words))
    except NotFound:
        raise
    except XuandaError as error:
        values = {name: text(sent, name) for name in (*FIELDS, "origin")}
        return _form(request, hub, asker, refused(asker, error, **values), status=error.status)
    return see_other(f"/console/opinion/{case.id}", say(hub, asker, _("线索已登记，已通知研判人员。")))


def workbench_section(hub: Hub, asker: Asker) -> Section | None:
    """Cases that wait for this person's judgement or response, the most pressing first; nothing where there is none."""
    if not (asker.may(P.PIECE_WRITE) or asker.may(P.PIECE_SIGN)):
        return None
    with hub.works.read() as work:
        waits = _waiting(asker)
        found = work.session.scalars(select(OpinionCase).where(waits).order_by(OpinionCase.found_at)).all()
        rows = [Row(case, [clock for clock in cases.clocks_of(case) if clock.met is None]) for case in found]
        now = work.now
    if not rows:
        return None
    rows.sort(key=lambda row: min((clock.due for clock in row.clocks), default=row.case.found_at))
    context = {"rows": rows[:SHOWN], "count": len(rows), "now": now, "labels": STATE_LABELS}
    return Section("pages/opinion/workbench.html", ORDER, context)


def _waiting(asker: Asker) -> ColumnElement[bool]:
    judges = (OpinionCase.state == CaseState.CLUE) & cases.reachable(asker.viewer, P.PIECE_SIGN)
    writes = (OpinionCase.state == CaseState.OPEN) & cases.reachable(asker.viewer, P.PIECE_WRITE)
    return judges | writes


def _counts(work: Work, asker: Asker) -> dict[str, int]:
    mine = cases.reachable(asker.viewer, P.PIECE_READ)
    counted = select(OpinionCase.state, func.count()).where(mine).group_by(OpinionCase.state)
    counts = {str(state): number for state, number in work.session.execute(counted)}
    late = select(func.count(OpinionCase.id)).where(mine, cases.owed(work.now))
    return counts | {OVERDUE: work.session.scalar(late) or 0}


def _offered(session: Session, hub: Hub, asker: Asker, request: Request) -> dict[str, str] | None:
    """What a citizen wrote as a clue; raises NotFound for what is out of reach."""
    asked = listing(request, FROM_TICKET, FROM_COMMENT)
    if asked.number(FROM_TICKET):
        ticket = session.get(Ticket, asked.number(FROM_TICKET))
        if ticket is None:
            raise NotFound
        asker.must(P.TICKET_READ, ticket.unit_id)
        source, origin = f"工单 {ticket.number}", f"{FROM_TICKET}:{ticket.id}"
        return _clue(hub, source, ticket.text, ticket.created_at, origin)
    if asked.number(FROM_COMMENT):
        comment = session.get(Comment, asked.number(FROM_COMMENT))
        if comment is None:
            raise NotFound
        asker.must(P.CONVERSATION_READ, comment.unit_id)
        account = session.get_one(Account, comment.account_id)
        source, origin = f"{account.name}（{channel_label(account.channel)}）评论", f"{FROM_COMMENT}:{comment.id}"
        return _clue(hub, source, comment.text, comment.at, origin)
    return None


def _clue(hub: Hub, source: str, words: str, at: datetime, origin: str) -> dict[str, str]:
    title = " ".join(words.split())[:40]
    return {"title": title, "source": source, "words": words, "found": _typed(hub, at), "origin": origin}


def _typed(hub: Hub, at: datetime) -> str:
    return f"{at.astimezone(hub.settings.office_zone):%Y-%m-%dT%H:%M}"


def _form(request: Request, hub: Hub, asker: Asker, form: FormState, *, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        units = units_in_reach(work.session, asker, P.PIECE_READ)
    return page(request, asker, "pages/opinion/new.html", status=status, form=form, fields=FIELDS, units=units)
