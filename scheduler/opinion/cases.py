"""The way of a case: reported, judged, responded to, closed; each step audited and on the case's timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from content.models import Piece, PublicPiece
from content.public import visible
from kernel.errors import Invalid, WrongState
from kernel.office_rules import Rule, Values, declare, number_between, value_of
from kernel.once import insert_once
from kernel.people import Permission, Unit, Viewer
from kernel.work import Work
from scheduler.events import WentLive
from scheduler.opinion.events import CaseJudged, CaseReported
from scheduler.opinion.models import CaseState, OpinionCase, OpinionNote, OpinionResponse

# 国办发〔2016〕61号, as commonly quoted: a first word within 5 hours, the press within 24, anything else within 48.
FIRST = declare(Rule("opinion.first_hours", 5, "重大舆情首次发声时限（小时）", number_between(0.5, 240)))
PRESS = declare(Rule("opinion.press_hours", 24, "重大舆情新闻发布会时限（小时）", number_between(1, 240)))
REPLY = declare(Rule("opinion.reply_hours", 48, "一般舆情回应时限（小时）", number_between(1, 720)))
WARN = declare(Rule("opinion.warn_hours", 1, "舆情回应时限前多久提醒（小时）", number_between(0, 48)))

GRADES = {"I": "特别重大", "II": "重大", "III": "较大", "IV": "一般"}
GRAVE = ("I", "II")
STATE_LABELS = {
    CaseState.CLUE: "待研判",
    CaseState.OPEN: "待回应",
    CaseState.ANSWERED: "已回应",
    CaseState.DECLINED: "不予回应",
    CaseState.CLOSED: "已办结",
}
ALARMED_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Clue:
    """What was found, as it is written down."""

    title: str
    source: str
    words: str
    found_at: datetime
    url: str = ""
    reporter: str = ""
    origin: str = ""


@dataclass(frozen=True)
class Judgement:
    """研判: how grave it is, whether to respond, by which unit, and why."""

    grade: str
    responds: bool
    reason: str
    handler_id: int | None = None


@dataclass(frozen=True)
class Clock:
    """One deadline of a case: when it is due, and when it was met."""

    name: str
    label: str
    due: datetime
    met: datetime | None

    def late(self, now: datetime) -> bool:
        """Met too late, or not met and past."""
        return (self.met or now) > self.due


# --- steps -----------------------------------------------------------------------------------------------------


def report(work: Work, who: Viewer, unit_id: int, clue: Clue) -> OpinionCase:
    """A clue; until it is judged the strictest clock runs. Raises Invalid."""
    _check_clue(work, clue)
    rules = Values(work.session, (FIRST, REPLY), unit_id, work.now)
    case = OpinionCase(
        unit_id=unit_id,
        title=clue.title[:200],
        source=clue.source[:100],
        url=clue.url,
        words=clue.words[:10_000],
        reporter=(clue.reporter or who.name)[:100],
        origin=clue.origin[:60],
        found_at=clue.found_at,
        state=CaseState.CLUE,
        first_due=clue.found_at + timedelta(hours=float(rules[FIRST])),
        reply_due=clue.found_at + timedelta(hours=float(rules[REPLY])),
        created_by=who.person_id,
        created_at=work.now,
    )
    work.session.add(case)
    work.session.flush()
    _note(work, case, who, "reported", clue.source)
    work.audit("opinion.reported", case, title=case.title, source=case.source, url=case.url)
    work.emit(CaseReported(case.id, case.unit_id, case.title))
    return case


def judge(work: Work, who: Viewer, case: OpinionCase, said: Judgement) -> None:
    """研判, which sets the clocks; it may be said anew until the case is closed. Raises Invalid or WrongState."""
    _hold(work, case, "研判", CaseState.CLUE, CaseState.OPEN, CaseState.ANSWERED, CaseState.DECLINED)
    if said.grade not in GRADES:
        raise Invalid(field="grade", why="请选择等级。")
    if not said.responds and not said.reason.strip():
        raise Invalid(field="reason", why="不予回应须写明理由。")
    if said.handler_id is not None and work.session.get(Unit, said.handler_id) is None:
        raise Invalid(field="handler", why="请选择承办单位。")
    rules = Values(work.session, (FIRST, PRESS, REPLY), case.unit_id, work.now)
    grave = said.grade in GRAVE
    case.grade, case.reason, case.handler_id = said.grade, said.reason.strip()[:1000], said.handler_id
    case.judged_by, case.judged_at = who.person_id, work.now
    case.first_due = case.found_at + timedelta(hours=float(rules[FIRST])) if grave else None
    case.press_due = case.found_at + timedelta(hours=float(rules[PRESS])) if grave else None
    case.reply_due = None if grave else case.found_at + timedelta(hours=float(rules[REPLY]))
    case.state = CaseState.OPEN if said.responds else CaseState.DECLINED
    if said.responds:
        _settle(case)
    decided = "回应" if said.responds else "不予回应"
    _note(work, case, who, "judged", f"{GRADES[said.grade]}，{decided}。{case.reason}")
    work.audit("opinion.judged", case, grade=said.grade, responds=said.responds, reason=case.reason)
    if case.state == CaseState.OPEN:
        work.emit(CaseJudged(case.id, case.unit_id, said.handler_id or case.unit_id, case.title))


def respond_by(work: Work, who: Viewer, case: OpinionCase, piece: Piece, *, press: bool = False) -> OpinionResponse:
    """A piece of ours is the response; it counts from the hour it is public."""
    _hold(work, case, "回应", CaseState.OPEN, CaseState.ANSWERED)
    fresh = {"press": press, "made_by": who.person_id, "made_at": work.now, "url": "", "words": ""}
    if not insert_once(work.session, OpinionResponse, case_id=case.id, piece_id=piece.id, **fresh):
        raise Invalid(field="piece", why="这篇稿件已经列为回应。")
    query = select(OpinionResponse).where(OpinionResponse.case_id == case.id, OpinionResponse.piece_id == piece.id)
    row = work.session.scalars(query).one()
    shown = select(PublicPiece.first_at).where(PublicPiece.piece_id == piece.id, visible(work.now))
    _note(work, case, who, "response", piece.title)
    work.audit("opinion.response_added", case, piece=piece.id, press=press)
    first_at = work.session.scalar(shown)
    if first_at is not None:
        # What was said before the matter was found becomes its response when a person says so.
        _public(work, case, row, first_at if first_at >= case.found_at else work.now)
    return row


def respond_elsewhere(
    work: Work, who: Viewer, case: OpinionCase, *, words: str, url: str, at: datetime, press: bool
) -> OpinionResponse:
    """Something was said by another way, such as a press conference: what, when, and where it can be read."""
    _hold(work, case, "登记回应", CaseState.OPEN, CaseState.ANSWERED)
    if not words.strip():
        raise Invalid(field="words", why="请写明以何种方式回应了什么。")
    if url and (not url.startswith(("http://", "https://")) or len(url) > 1000):
        raise Invalid(field="url", why="请填写 http:// 或 https:// 开头的链接。")
    if not case.found_at <= at <= work.now:
        raise Invalid(field="at", why="回应时间须在发现舆情之后、现在之前。")
    row = OpinionResponse(
        case_id=case.id, press=press, url=url, words=words.strip()[:300], made_by=who.person_id, made_at=work.now
    )
    work.session.add(row)
    work.session.flush()
    work.audit("opinion.response_added", case, words=row.words, url=url, press=press, at=at.isoformat())
    _note(work, case, who, "response", row.words)
    _public(work, case, row, at)
    return row


def went_live(work: Work, facts: Sequence[WentLive]) -> None:
    """Pieces that are responses became public: the clocks of their cases stop."""
    first = {fact.piece_id: fact for fact in sorted(facts, key=lambda fact: fact.at, reverse=True)}
    query = select(OpinionResponse).where(OpinionResponse.piece_id.in_(first), OpinionResponse.at.is_(None))
    for row in work.session.scalars(query).all():
        fact = first[row.piece_id or 0]
        case = work.session.get_one(OpinionCase, row.case_id, with_for_update=True)
        row.url = fact.url[:1000]
        _public(work, case, row, max(fact.at, case.found_at))


def remark(work: Work, who: Viewer, case: OpinionCase, text: str) -> None:
    """A word for the timeline."""
    if not text.strip():
        raise Invalid(field="text", why="请填写进展。")
    _note(work, case, who, "remark", text.strip())
    work.audit("opinion.noted", case, text=text.strip()[:200])


def close(work: Work, who: Viewer, case: OpinionCase, result: str) -> None:
    """办结, with what came of it; raises WrongState while a response is owed."""
    _hold(work, case, "办结", CaseState.ANSWERED, CaseState.DECLINED)
    if not result.strip():
        raise Invalid(field="result", why="请写明处置结果。")
    case.state, case.result, case.closed_at = CaseState.CLOSED, result.strip()[:1000], work.now
    _note(work, case, who, "closed", case.result)
    work.audit("opinion.closed", case, result=case.result, by=who.name)


# --- what stands ------------------------------------------------------------------------------------------------


def clocks_of(case: OpinionCase) -> list[Clock]:
    """The deadlines that hold for a case, in their order; none where nothing is to be said."""
    if case.state == CaseState.DECLINED or (case.state == CaseState.CLOSED and case.first_at is None):
        return []
    found = [
        Clock("first", "首次发声", case.first_due, case.first_at) if case.first_due else None,
        Clock("press", "新闻发布会", case.press_due, case.press_at) if case.press_due else None,
        Clock("reply", "回应", case.reply_due, case.first_at) if case.reply_due else None,
    ]
    return sorted((clock for clock in found if clock is not None), key=lambda clock: clock.due)


def owed(now: datetime) -> ColumnElement[bool]:
    """Cases in which a deadline has passed that is not met."""
    waits = OpinionCase.state.in_((CaseState.CLUE, CaseState.OPEN))
    nothing = OpinionCase.first_at.is_(None) & or_(OpinionCase.first_due < now, OpinionCase.reply_due < now)
    return waits & or_(nothing, OpinionCase.press_at.is_(None) & (OpinionCase.press_due < now))


def reachable(who: Viewer, permission: Permission) -> ColumnElement[bool]:
    """Cases of the units in which a person holds the permission, and those that such a unit responds to."""
    units = who.units(permission)
    return or_(OpinionCase.unit_id.in_(units), OpinionCase.handler_id.in_(units))


def may(who: Viewer, permission: Permission, case: OpinionCase) -> bool:
    """Whether a person may do this with a case, by its own unit or by the one that responds."""
    return who.may(permission, case.unit_id) or (case.handler_id is not None and who.may(permission, case.handler_id))


def to_remind(session: Session, now: datetime) -> list[tuple[OpinionCase, Clock]]:
    """Deadlines that are near, or have passed within the last days, and are not met."""
    query = select(OpinionCase).where(OpinionCase.state.in_((CaseState.CLUE, CaseState.OPEN)))
    found = []
    for case in session.scalars(query.order_by(OpinionCase.id)):
        ahead = timedelta(hours=float(value_of(session, WARN, case.unit_id, now)))
        due = [clock for clock in clocks_of(case) if clock.met is None]
        found += [(case, clock) for clock in due if now - ALARMED_FOR < clock.due <= now + ahead]
    return found


def responses_of(session: Session, case_id: int) -> Sequence[OpinionResponse]:
    """What was or is to be said, in its order."""
    query = select(OpinionResponse).where(OpinionResponse.case_id == case_id)
    return session.scalars(query.order_by(OpinionResponse.id)).all()


def notes_of(session: Session, case_id: int) -> Sequence[OpinionNote]:
    """The steps of a case, the newest first."""
    query = select(OpinionNote).where(OpinionNote.case_id == case_id)
    return session.scalars(query.order_by(OpinionNote.at.desc(), OpinionNote.id.desc())).all()


# --- inside ----------------------------------------------------------------------------------------------------


def _check_clue(work: Work, clue: Clue) -> None:
    for field, value, why in (
        ("title", clue.title, "请填写舆情标题。"),
        ("source", clue.source, "请填写来源平台。"),
        ("words", clue.words, "请写明内容。"),
    ):
        if not value:
            raise Invalid(field=field, why=why)
    if clue.url and (not clue.url.startswith(("http://", "https://")) or len(clue.url) > 1000):
        raise Invalid(field="url", why="请填写 http:// 或 https:// 开头的链接。")
    if clue.found_at > work.now:
        raise Invalid(field="found", why="发现时间不能晚于现在。")


def _public(work: Work, case: OpinionCase, row: OpinionResponse, at: datetime) -> None:
    row.at = at
    case.first_at = min(case.first_at, at) if case.first_at else at
    if row.press:
        case.press_at = min(case.press_at, at) if case.press_at else at
    _settle(case)
    _note(work, case, None, "public", row.words or row.url, at)
    late = [clock.name for clock in clocks_of(case) if clock.met is not None and clock.late(work.now)]
    work.audit("opinion.responded", case, at=at.isoformat(), piece=row.piece_id, late=late)


def _settle(case: OpinionCase) -> None:
    if case.state == CaseState.OPEN and case.first_at and (case.press_due is None or case.press_at):
        case.state = CaseState.ANSWERED


def _hold(work: Work, case: OpinionCase, act: str, *allowed: CaseState) -> None:
    """Holds the case until the work ends; two people deciding at once must not both be the last."""
    work.session.refresh(case, with_for_update=True)
    if case.state not in allowed:
        raise WrongState(state=STATE_LABELS[CaseState(case.state)], act=act)


def _note(
    work: Work, case: OpinionCase, who: Viewer | None, act: str, text: str = "", at: datetime | None = None
) -> None:
    person = who.person_id if who is not None else None
    work.session.add(OpinionNote(case_id=case.id, at=at or work.now, person_id=person, act=act, text=text[:1000]))
