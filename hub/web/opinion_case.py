"""One case of 舆情: its clocks, 研判, responses and 辟谣, and everything that was done, on one page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import compose, rebuttals
from content.compose import Draft
from content.models import Column, Piece
from content.rebuttals import Rebuttal, Rumour
from content.states import PIECE_LABELS, PieceState
from hub import editorial, opinion
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.deliveries import Sent
from hub.web.forms import FormState, refused
from hub.web.pages import page, say, see_other
from hub.web.people import units_in_reach
from hub.web.piece_form import moment, number, text
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Person, Unit, scoped
from kernel.work import Work
from scheduler.opinion import cases
from scheduler.opinion.cases import GRADES, STATE_LABELS, Judgement
from scheduler.opinion.models import CaseState, OpinionCase, OpinionNote
from templates.catalogue import _
from templates.views import Act, Tone

router = APIRouter(prefix="/console/opinion/{case_id}")

P = Permission
Reader = Annotated[Asker, Depends(may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]
Signer = Annotated[Asker, Depends(may(P.PIECE_SIGN))]

ACTS: dict[str, tuple[str, Tone]] = {
    "reported": (_("登记线索"), "info"),
    "judged": (_("研判"), "warn"),
    "response": (_("添加回应"), "plain"),
    "public": (_("回应已发出"), "good"),
    "remark": (_("记录进展"), "plain"),
    "closed": (_("办结"), "good"),
}
MOST_PIECES = 40
FORM_FIELDS = (
    "grade", "responds", "reason", "handler", "column", "title", "piece", "words", "url", "at", "text", "result",
    "claim", "asks", "answers_url", "answers_piece", "until", "rebuts",
)  # fmt: skip


@router.get("")
def one_case(request: Request, hub: HubDep, asker: Reader, case_id: int) -> HTMLResponse:
    """The case with its clocks and its timeline."""
    return _page(request, hub, asker, case_id)


@router.post("/judge")
def judge(request: Request, hub: HubDep, asker: Signer, case_id: int, sent: Sent) -> Response:
    """研判."""

    def act(work: Work, case: OpinionCase) -> str:
        said = Judgement(
            text(sent, "grade"), text(sent, "responds") == "yes", text(sent, "reason"), number(sent, "handler")
        )
        cases.judge(work, asker.viewer, case, said)
        return say(hub, asker, _("研判已记录。"))

    return _try(request, hub, asker, case_id, "judge", sent, act, P.PIECE_SIGN)


@router.post("/draft")
def draft(request: Request, hub: HubDep, asker: Writer, case_id: int, sent: Sent) -> Response:
    """A new piece for the response; it is written, checked and signed as any other."""
    made: list[int] = []

    def act(work: Work, case: OpinionCase) -> str:
        offered = {one.id: one for one in editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE)}
        column = offered.get(number(sent, "column") or 0)
        if column is None:
            raise Invalid(field="column", why="请选择栏目。")
        title = text(sent, "title").strip() or draft_title(case)
        piece = compose.create(work, asker.viewer, column, draft=Draft(title=title[:300]))
        cases.respond_by(work, asker.viewer, case, piece)
        made.append(piece.id)
        return say(hub, asker, _("已建回应稿件，公开后自动停表。"))

    return _try(request, hub, asker, case_id, "draft", sent, act, P.PIECE_WRITE, lambda: f"/console/pieces/{made[0]}")


@router.post("/link")
def link(request: Request, hub: HubDep, asker: Writer, case_id: int, sent: Sent) -> Response:
    """A piece that exists already is the response."""

    def act(work: Work, case: OpinionCase) -> str:
        piece = readable(work.session, asker, number(sent, "piece"), "piece")
        cases.respond_by(work, asker.viewer, case, piece, press=bool(text(sent, "press")))
        return say(hub, asker, _("已关联回应稿件。"))

    return _try(request, hub, asker, case_id, "link", sent, act, P.PIECE_WRITE)


@router.post("/said")
def said(request: Request, hub: HubDep, asker: Writer, case_id: int, sent: Sent) -> Response:
    """Something was said by another way."""

    def act(work: Work, case: OpinionCase) -> str:
        at = moment(sent, "at", hub.settings.office_zone) or work.now
        press, words, url = bool(text(sent, "press")), text(sent, "words"), text(sent, "url").strip()
        cases.respond_elsewhere(work, asker.viewer, case, words=words, url=url, at=at, press=press)
        return say(hub, asker, _("已登记回应。"))

    return _try(request, hub, asker, case_id, "said", sent, act, P.PIECE_WRITE)


@router.post("/rebut")
def rebut(request: Request, hub: HubDep, asker: Signer, case_id: int, sent: Sent) -> Response:
    """辟谣: what one of the responses rebuts; a signer's decision, because it is pinned and the bot answers with it."""

    def act(work: Work, case: OpinionCase) -> str:
        answers = {one.piece_id for one in cases.responses_of(work.session, case.id)}
        piece = readable(work.session, asker, number(sent, "rebuts"), "rebuts")
        if piece.id not in answers or not asker.may(P.PIECE_SIGN, piece.unit_id):
            raise Invalid(field="rebuts", why="请选择本舆情的一篇回应稿件。")
        answered = number(sent, "answers_piece")
        rumour = Rumour(
            claim=text(sent, "claim"),
            asks=text(sent, "asks").splitlines(),
            answers_url=text(sent, "answers_url").strip(),
            answers_piece_id=readable(work.session, asker, answered, "answers_piece").id if answered else None,
            until_at=moment(sent, "until", hub.settings.office_zone),
        )
        row = rebuttals.rebut(work, asker.viewer, piece, rumour)
        cases.remark(work, asker.viewer, case, f"辟谣：{row.claim}")
        opinion.pin(hub, work)
        return say(hub, asker, _("已设为辟谣：稿件公开期间在门户置顶，机器人据此答复。"))

    return _try(request, hub, asker, case_id, "rebut", sent, act, P.PIECE_SIGN)


@router.post("/rebuttals/{rebuttal_id}/end")
def end_rebuttal(request: Request, hub: HubDep, asker: Signer, case_id: int, rebuttal_id: int, sent: Sent) -> Response:
    """It is no longer pinned nor given by the bot."""

    def act(work: Work, case: OpinionCase) -> str:
        row = work.session.get(Rebuttal, rebuttal_id)
        if row is None or row.piece_id not in {one.piece_id for one in cases.responses_of(work.session, case.id)}:
            raise NotFound
        rebuttals.end(work, asker.viewer, row)
        cases.remark(work, asker.viewer, case, f"结束辟谣：{row.claim}")
        opinion.pin(hub, work)
        return say(hub, asker, _("辟谣已结束，稿件仍在原处。"))

    return _try(request, hub, asker, case_id, "rebut", sent, act, P.PIECE_SIGN)


@router.post("/remark")
def remark(request: Request, hub: HubDep, asker: Reader, case_id: int, sent: Sent) -> Response:
    """A word for the timeline."""

    def act(work: Work, case: OpinionCase) -> str:
        cases.remark(work, asker.viewer, case, text(sent, "text"))
        return say(hub, asker, _("已记录。"))

    return _try(request, hub, asker, case_id, "remark", sent, act, P.PIECE_READ)


@router.post("/close")
def close(request: Request, hub: HubDep, asker: Signer, case_id: int, sent: Sent) -> Response:
    """办结."""

    def act(work: Work, case: OpinionCase) -> str:
        cases.close(work, asker.viewer, case, text(sent, "result"))
        return say(hub, asker, _("已办结。"))

    return _try(request, hub, asker, case_id, "close", sent, act, P.PIECE_SIGN)


def case_for(session: Session, asker: Asker, case_id: int, permission: Permission) -> OpinionCase:
    """The case where the person may do this in its unit or in the one that responds; raises NotFound."""
    case = session.get(OpinionCase, case_id)
    if case is None or not cases.may(asker.viewer, permission, case):
        raise NotFound
    return case


def readable(session: Session, asker: Asker, piece_id: int | None, field: str) -> Piece:
    piece = session.get(Piece, piece_id) if piece_id else None
    if piece is None or not asker.may(P.PIECE_READ, piece.unit_id) or piece.state == PieceState.TRASH:
        raise Invalid(field=field, why="请选择一篇稿件。")
    return piece


def _try(
    request: Request,
    hub: Hub,
    asker: Asker,
    case_id: int,
    name: str,
    sent: Any,
    act: Callable[[Work, OpinionCase], str],
    permission: Permission,
    then: Callable[[], str] | None = None,
) -> Response:
    try:
        with hub.works.write(asker.actor) as work:
            told = act(work, case_for(work.session, asker, case_id, permission))
    except NotFound:
        raise
    except XuandaError as error:
        typed = {field: text(sent, field) for field in FORM_FIELDS}
        return _page(request, hub, asker, case_id, refused(asker, error, **typed), name, status=error.status)
    return see_other(then() if then is not None else f"/console/opinion/{case_id}", told)


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    case_id: int,
    form: FormState | None = None,
    opened: str = "",
    *,
    status: int = 200,
) -> HTMLResponse:
    with hub.works.read() as work:
        session = work.session
        case = case_for(session, asker, case_id, P.PIECE_READ)
        responses = cases.responses_of(session, case.id)
        pieces = {one.piece_id: session.get_one(Piece, one.piece_id) for one in responses if one.piece_id}
        own = [piece for piece in pieces.values() if asker.may(P.PIECE_READ, piece.unit_id)]
        rebutted = rebuttals.of_pieces(session, [piece.id for piece in own])
        holding = {row.piece_id for row, _shown in rebuttals.standing(session, work.now)}
        writes, signs = cases.may(asker.viewer, P.PIECE_WRITE, case), cases.may(asker.viewer, P.PIECE_SIGN, case)
        open_now = case.state in (CaseState.OPEN, CaseState.ANSWERED)
        sections: list[Column] = editorial.columns_for(session, asker.viewer, P.PIECE_WRITE) if writes else []
        context: dict[str, Any] = {
            "case": case,
            "draft_title": draft_title(case),
            "now": work.now,
            "unit": session.get_one(Unit, case.unit_id).name,
            "handler": session.get_one(Unit, case.handler_id).name if case.handler_id else "",
            "judge": session.get_one(Person, case.judged_by).name if case.judged_by else "",
            "clocks": cases.clocks_of(case),
            "responses": [(one, pieces.get(one.piece_id) if one.piece_id else None) for one in responses],
            "seen": {piece.id for piece in own},
            "rebuttals": [(rebutted[piece.id], piece) for piece in own if piece.id in rebutted],
            "holding": holding,
            "acts": [_act(session, hub, asker, note) for note in cases.notes_of(session, case.id)],
            "sections": [(one.id, one.name) for one in sections],
            "candidates": _candidates(session, asker, set(pieces)) if writes or signs else [],
            "own": [(piece.id, piece.title) for piece in own],
            "units": units_in_reach(session, asker, P.PIECE_SIGN) if signs else [],
            "may_judge": signs and case.state != CaseState.CLOSED,
            "may_respond": writes and open_now,
            "may_rebut": signs and bool(own),
            "may_close": signs and case.state in (CaseState.ANSWERED, CaseState.DECLINED),
        }
    return page(
        request,
        asker,
        "pages/opinion/one.html",
        status=status,
        form=form or FormState(),
        opened=opened,
        labels=STATE_LABELS,
        grades=GRADES,
        grade_options=[(name, say(hub, asker, label)) for name, label in GRADES.items()],
        piece_labels=PIECE_LABELS,
        **context,
    )


def draft_title(case: OpinionCase) -> str:
    return f"关于“{case.title}”的情况说明"


def _act(session: Session, hub: Hub, asker: Asker, note: OpinionNote) -> Act:
    words, tone = ACTS[note.act]
    who = session.get_one(Person, note.person_id).name if note.person_id else say(hub, asker, _("系统"))
    return Act(note.at, who, say(hub, asker, words), note.text, tone)


def _candidates(session: Session, asker: Asker, known: set[int]) -> list[tuple[int, str]]:
    query = scoped(select(Piece.id, Piece.title), Piece.unit_id, asker.viewer, P.PIECE_READ)
    query = query.where(Piece.state != PieceState.TRASH, Piece.title != "").order_by(Piece.updated_at.desc())
    rows = session.execute(query.limit(MOST_PIECES + len(known))).all()
    return [(piece_id, title) for piece_id, title in rows if piece_id not in known][:MOST_PIECES]
