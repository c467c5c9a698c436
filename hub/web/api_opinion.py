"""The API of 舆情: the register, one case with its clocks, responses and steps, and every act on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from content import compose, rebuttals
from content.compose import Draft
from content.rebuttals import Rebuttal, Rumour
from hub import editorial, opinion
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import At, Page, PageNumber, moment, one_page, told
from hub.web.opinion_case import case_for, draft_title, readable
from hub.web.people import unit_in_reach
from hub.web.sent import Body, Moment
from kernel.errors import Invalid, NotFound
from kernel.people import Permission
from kernel.work import Work
from scheduler.opinion import cases
from scheduler.opinion.cases import Clue, Judgement
from scheduler.opinion.models import OpinionCase

router = APIRouter(prefix="/api/v1/opinion")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(api_may(P.PIECE_WRITE))]
Signer = Annotated[Asker, Depends(api_may(P.PIECE_SIGN))]


class Reported(Body):
    """A clue: what was found, where and when (null: now)."""

    unit: int
    title: str = Field(max_length=200)
    source: str = Field(max_length=100)
    words: str = Field(max_length=10_000)
    url: str = Field("", max_length=1000)
    reporter: str = Field("", max_length=100)
    found_at: Moment | None = None


class Judged(Body):
    """研判: how grave it is, whether to respond, by which unit (null: its own), and why."""

    grade: Literal["I", "II", "III", "IV"]
    responds: bool
    reason: str = Field("", max_length=1000)
    handler: int | None = None


class NewDraft(Body):
    """The column of the response's piece, and its title ("": one is made of the case's)."""

    column: int
    title: str = Field("", max_length=300)


class WhichPiece(Body):
    """A piece that is the response; `press`: it tells the press."""

    piece: int
    press: bool = False


class SaidElsewhere(Body):
    """What was said by another way, where and when (null: now)."""

    words: str = Field(max_length=300)
    url: str = Field("", max_length=1000)
    at: Moment | None = None
    press: bool = False


class Rebutted(Body):
    """辟谣: the response that rebuts, what it rebuts, and how people ask about it."""

    piece: int
    claim: str = Field(max_length=200)
    asks: list[str] = Field(default_factory=list, max_length=50)
    answers_url: str = Field("", max_length=1000)
    answers_piece: int | None = None
    until: Moment | None = None


class CaseWords(Body):
    """A word for the timeline."""

    text: str = Field(max_length=1000)


class Ending(Body):
    """What became of it."""

    result: str = Field(max_length=1000)


class ClockTold(TypedDict):
    """One deadline that holds for the case."""

    name: str
    due: At
    met: At | None
    late: bool


class CaseTold(TypedDict):
    """A case with its clocks."""

    id: int
    unit: int
    handler: int | None
    title: str
    source: str
    url: str
    words: str
    reporter: str
    state: str
    grade: str
    reason: str
    found_at: At
    first_at: At | None
    press_at: At | None
    closed_at: At | None
    result: str
    clocks: list[ClockTold]


class Cases(Page):
    """One page of cases, the newest first."""

    cases: list[CaseTold]


class ResponseTold(TypedDict):
    """What was, or is to be, said: a piece of ours, or something said elsewhere; public from `at` on."""

    id: int
    piece: int | None
    press: bool
    words: str
    url: str
    at: At | None


class StepTold(TypedDict):
    """One step of the case."""

    at: At
    person: int | None
    act: str
    text: str


class CaseWhole(CaseTold):
    """A case with what was said and done."""

    responses: list[ResponseTold]
    steps: list[StepTold]


@router.get("")
def list_cases(
    hub: HubDep,
    asker: Reader,
    state: Literal["", "clue", "open", "answered", "declined", "closed", "overdue"] = "",
    grade: Literal["", "I", "II", "III", "IV"] = "",
    page: PageNumber = 1,
) -> Cases:
    """Cases of the units in reach, and those that they respond to."""
    query = select(OpinionCase).where(cases.reachable(asker.viewer, P.PIECE_READ))
    if grade:
        query = query.where(OpinionCase.grade == grade)
    with hub.works.read() as work:
        if state:
            query = query.where(cases.owed(work.now) if state == "overdue" else OpinionCase.state == state)
        head, rows = one_page(work.session, query, page, OpinionCase.found_at.desc(), OpinionCase.id.desc())
        return {**head, "cases": [_told(work, row) for row in rows]}


@router.post("", status_code=201)
def report(hub: HubDep, asker: Reader, sent: Reported) -> CaseWhole:
    """登记线索; those who judge are told."""
    with hub.works.write(asker.actor) as work:
        unit = unit_in_reach(work.session, asker, P.PIECE_READ, str(sent.unit))
        clue = Clue(
            title=sent.title.strip(),
            source=sent.source.strip(),
            words=sent.words.strip(),
            found_at=sent.found_at or work.now,
            url=sent.url.strip(),
            reporter=sent.reporter.strip(),
        )
        return _whole(work, cases.report(work, asker.viewer, unit.id, clue))


@router.get("/{case_id}")
def get_case(hub: HubDep, asker: Reader, case_id: int) -> CaseWhole:
    """One case with what was said and done."""
    with hub.works.read() as work:
        return _whole(work, case_for(work.session, asker, case_id, P.PIECE_READ))


@router.post("/{case_id}/judge")
def judge(hub: HubDep, asker: Signer, case_id: int, sent: Judged) -> CaseWhole:
    """研判, which sets the clocks."""
    said = Judgement(sent.grade, sent.responds, sent.reason, sent.handler)
    return _act(hub, asker, case_id, P.PIECE_SIGN, lambda work, case: cases.judge(work, asker.viewer, case, said))


@router.post("/{case_id}/draft", status_code=201)
def draft(hub: HubDep, asker: Writer, case_id: int, sent: NewDraft) -> CaseWhole:
    """A new piece for the response; it is written, checked and signed as any other."""

    def act(work: Work, case: OpinionCase) -> None:
        offered = {one.id: one for one in editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE)}
        if sent.column not in offered:
            raise Invalid(field="column", why="请选择栏目。")
        title = sent.title.strip() or draft_title(case)
        piece = compose.create(work, asker.viewer, offered[sent.column], draft=Draft(title=title[:300]))
        cases.respond_by(work, asker.viewer, case, piece)

    return _act(hub, asker, case_id, P.PIECE_WRITE, act)


@router.post("/{case_id}/link")
def link(hub: HubDep, asker: Writer, case_id: int, sent: WhichPiece) -> CaseWhole:
    """A piece that exists already is the response."""

    def act(work: Work, case: OpinionCase) -> None:
        piece = readable(work.session, asker, sent.piece, "piece")
        cases.respond_by(work, asker.viewer, case, piece, press=sent.press)

    return _act(hub, asker, case_id, P.PIECE_WRITE, act)


@router.post("/{case_id}/said")
def said(hub: HubDep, asker: Writer, case_id: int, sent: SaidElsewhere) -> CaseWhole:
    """Something was said by another way."""

    def act(work: Work, case: OpinionCase) -> None:
        at, url = sent.at or work.now, sent.url.strip()
        cases.respond_elsewhere(work, asker.viewer, case, words=sent.words, url=url, at=at, press=sent.press)

    return _act(hub, asker, case_id, P.PIECE_WRITE, act)


@router.post("/{case_id}/rebut")
def rebut(hub: HubDep, asker: Signer, case_id: int, sent: Rebutted) -> CaseWhole:
    """辟谣: what one of the responses rebuts."""

    def act(work: Work, case: OpinionCase) -> None:
        answers = {one.piece_id for one in cases.responses_of(work.session, case.id)}
        piece = readable(work.session, asker, sent.piece, "piece")
        if piece.id not in answers or not asker.may(P.PIECE_SIGN, piece.unit_id):
            raise Invalid(field="piece", why="请选择本舆情的一篇回应稿件。")
        answered = sent.answers_piece
        rumour = Rumour(
            claim=sent.claim,
            asks=sent.asks,
            answers_url=sent.answers_url.strip(),
            answers_piece_id=readable(work.session, asker, answered, "answers_piece").id if answered else None,
            until_at=sent.until,
        )
        row = rebuttals.rebut(work, asker.viewer, piece, rumour)
        cases.remark(work, asker.viewer, case, f"辟谣：{row.claim}")
        opinion.pin(hub, work)

    return _act(hub, asker, case_id, P.PIECE_SIGN, act)


@router.post("/{case_id}/rebuttals/{rebuttal_id}/end")
def end_rebuttal(hub: HubDep, asker: Signer, case_id: int, rebuttal_id: int) -> CaseWhole:
    """It is no longer pinned nor given by the bot."""

    def act(work: Work, case: OpinionCase) -> None:
        row = work.session.get(Rebuttal, rebuttal_id)
        if row is None or row.piece_id not in {one.piece_id for one in cases.responses_of(work.session, case.id)}:
            raise NotFound
        rebuttals.end(work, asker.viewer, row)
        cases.remark(work, asker.viewer, case, f"结束辟谣：{row.claim}")
        opinion.pin(hub, work)

    return _act(hub, asker, case_id, P.PIECE_SIGN, act)


@router.post("/{case_id}/remark")
def remark(hub: HubDep, asker: Reader, case_id: int, sent: CaseWords) -> CaseWhole:
    """A word for the timeline."""
    return _act(hub, asker, case_id, P.PIECE_READ, lambda work, case: cases.remark(work, asker.viewer, case, sent.text))


@router.post("/{case_id}/close")
def close(hub: HubDep, asker: Signer, case_id: int, sent: Ending) -> CaseWhole:
    """办结."""
    return _act(
        hub, asker, case_id, P.PIECE_SIGN, lambda work, case: cases.close(work, asker.viewer, case, sent.result)
    )


def _act(
    hub: HubDep,
    asker: Asker,
    case_id: int,
    permission: Permission,
    step: Callable[[Work, OpinionCase], object],
) -> CaseWhole:
    with hub.works.write(asker.actor) as work:
        case = case_for(work.session, asker, case_id, permission)
        step(work, case)
        work.session.flush()
        return _whole(work, case)


def _told(work: Work, case: OpinionCase) -> CaseTold:
    return {
        "id": case.id,
        "unit": case.unit_id,
        "handler": case.handler_id,
        "title": case.title,
        "source": case.source,
        "url": case.url,
        "words": case.words,
        "reporter": case.reporter,
        "state": case.state,
        "grade": case.grade,
        "reason": case.reason,
        "found_at": told(case.found_at),
        "first_at": moment(case.first_at),
        "press_at": moment(case.press_at),
        "closed_at": moment(case.closed_at),
        "result": case.result,
        "clocks": [
            {"name": one.name, "due": told(one.due), "met": moment(one.met), "late": one.late(work.now)}
            for one in cases.clocks_of(case)
        ],
    }


def _whole(work: Work, case: OpinionCase) -> CaseWhole:
    return {
        **_told(work, case),
        "responses": [
            {
                "id": one.id,
                "piece": one.piece_id,
                "press": one.press,
                "words": one.words,
                "url": one.url,
                "at": moment(one.at),
            }
            for one in cases.responses_of(work.session, case.id)
        ],
        "steps": [
            {"at": told(one.at), "person": one.person_id, "act": one.act, "text": one.text}
            for one in cases.notes_of(work.session, case.id)
        ],
    }
