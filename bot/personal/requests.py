"""What becomes of a citizen's request: asked once, with a deadline; granted or declined with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from bot import rules
from bot.models import Ticket
from bot.personal import marks
from bot.personal.events import DataAnswerLate, DataAsked
from bot.personal.models import DataRequest
from bot.personal.states import GOING_ON, KIND_LABELS, STATE_LABELS, RequestKind, RequestState
from bot.personal.subject import Subject
from bot.publishing import mask
from bot.tickets import draw_number
from kernel.errors import Invalid, WrongState
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.seal import Seal
from kernel.typed import tidy
from kernel.work import Work, Works

# 15 working days are what national rules give for answering such requests; an office may promise less.
DAYS = declare(Rule("privacy.request_days", 15, "个人信息查阅、删除申请的办理期限（工作日）", number_between(1, 15)))
COPY_FOR = timedelta(days=15)
LONGEST = 300
SHOWN = 20


def ask(
    work: Work, seal: Seal, kind: RequestKind, subject: Subject, unit_id: int, zone: ZoneInfo, reason: str = ""
) -> DataRequest:
    """Writes a request down; the same telephone asking again for the same gets the one that is going on."""
    mark = marks.of_requests(seal, subject.phone) if subject.phone else ""
    if mark:
        going_on = (RequestState.OPEN, *GOING_ON)
        query = select(DataRequest).where(
            DataRequest.mark == mark, DataRequest.kind == kind, DataRequest.state.in_(going_on)
        )
        known = work.session.scalars(query.order_by(DataRequest.id).limit(1)).one_or_none()
        if known is not None:
            return known
    days = int(value_of(work.session, DAYS, unit_id, work.now))
    hours = rules.hours_of(work.session, unit_id, zone, work.now)
    request = DataRequest(
        unit_id=unit_id,
        number=_number(work, zone),
        kind=kind,
        state=RequestState.OPEN,
        sealed=subject.sealed(seal),
        mark=mark,
        reason=mask(tidy(reason).strip())[:LONGEST],
        made_by=work.actor.person_id,
        made_at=work.now,
        due_at=hours.workdays.deadline(work.now, days),
    )
    work.session.add(request)
    work.session.flush()
    work.audit("data_request.made", request, number=request.number, kind=kind)
    work.emit(DataAsked(request.id, unit_id, request.number, KIND_LABELS[kind]))
    return request


def grant(work: Work, seal: Seal, request: DataRequest, subject: Subject, reason: str) -> None:
    """Agrees, for what was chosen as the citizen's, with how it was made sure that he is the one who asks."""
    _decide(work, request, reason)
    request.sealed = subject.sealed(seal)
    if request.kind == RequestKind.COPY:
        request.state, request.done_at = RequestState.DONE, work.now
    else:
        request.state = RequestState.ERASING
    work.audit("data_request.granted", request, number=request.number, kind=request.kind, reason=request.reason)


def decline(work: Work, request: DataRequest, words: str) -> None:
    """Says no; the citizen is told why, and the office keeps nothing of who asked but the telephone's mark."""
    _decide(work, request, words, field="words")
    request.state, request.words, request.done_at, request.sealed = RequestState.DECLINED, request.reason, work.now, ""
    work.audit("data_request.declined", request, number=request.number, reason=request.reason)


def requests_of(work: Work, seal: Seal, phone: str) -> Sequence[DataRequest]:
    """What was asked from this telephone, the newest first."""
    query = select(DataRequest).where(DataRequest.mark == marks.of_requests(seal, phone))
    return work.session.scalars(query.order_by(DataRequest.id.desc()).limit(SHOWN)).all()


def may_be_fetched(work: Work, request: DataRequest) -> bool:
    """Whether a granted copy can still be fetched."""
    granted = request.kind == RequestKind.COPY and request.state == RequestState.DONE and request.sealed != ""
    return granted and request.done_at is not None and request.done_at > work.now - COPY_FOR


def round_up(works: Works) -> int:
    """Tells once of each request that is late, and closes copies that were not fetched; returns how many are late."""
    with works.write() as work:
        query = select(DataRequest).where(
            DataRequest.state == RequestState.OPEN, DataRequest.due_at < work.now, DataRequest.late_told_at.is_(None)
        )
        late = work.session.scalars(query.limit(200).with_for_update(skip_locked=True)).all()
        for one in late:
            one.late_told_at = work.now
            work.audit("data_request.late", one, number=one.number)
            work.emit(DataAnswerLate(one.id, one.unit_id, one.number, KIND_LABELS[RequestKind(one.kind)]))
        lapsed = select(DataRequest).where(
            DataRequest.kind == RequestKind.COPY, DataRequest.sealed != "", DataRequest.done_at < work.now - COPY_FOR
        )
        for one in work.session.scalars(lapsed.limit(200)):
            one.sealed = ""
        return len(late)


def _decide(work: Work, request: DataRequest, reason: str, field: str = "reason") -> None:
    if request.state != RequestState.OPEN:
        raise WrongState(state=STATE_LABELS[RequestState(request.state)], act="办理")
    words = mask(tidy(reason).strip())
    if len(words) < 2:
        raise Invalid(field=field, why="请写明依据：怎样核实了本人，或不予办理的理由。")
    request.reason, request.decided_by, request.decided_at = words[:LONGEST], work.actor.person_id, work.now


def _number(work: Work, zone: ZoneInfo) -> str:
    """A number that neither a ticket nor a request has, so that 我的 knows which is meant."""
    while True:
        number = draw_number(work.now, zone)
        taken = select(DataRequest.id).where(DataRequest.number == number)
        if work.session.scalar(select(Ticket.id).where(Ticket.number == number)) is None and (
            work.session.scalar(taken) is None
        ):
            return number
