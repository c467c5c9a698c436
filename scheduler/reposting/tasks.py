"""The tasks of re-posting: closed by what goes live, or by a person's word; given to people; listed and reminded of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from content.models import Piece, Release, Revision
from content.states import PieceState
from kernel.errors import Invalid, WrongState
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.people import Permission, Person, Role, Viewer, bearers, viewer
from kernel.work import Work
from scheduler.events import WentLive
from scheduler.models import Delivery, DeliveryItem
from scheduler.reposting.models import FeedItem, RepostTask, TaskState
from scheduler.states import DeliveryState

WARN_HOURS = declare(Rule("reposts.warn_hours", 2, "转载任务到期前多久提醒（小时）", number_between(0, 72)))
STATE_LABELS = {TaskState.OPEN: "待转载", TaskState.DONE: "已转载", TaskState.EXCUSED: "不适用"}
# How long an overdue task is said again every day; it stays in the list and in the figures for good.
ALARMED_FOR = timedelta(days=7)


STEPS = ("起草", "审签", "安排发布", "发出", "已转载")
_REACHED = {PieceState.REVIEW: 1, PieceState.SIGNED: 2, PieceState.LIVE: 2}


@dataclass(frozen=True)
class Step:
    """One step on a task's way, for the row of steps: `done`, `current` or `ahead`."""

    label: str
    state: str


# --- how it closes ---------------------------------------------------------------------------------------------


def went_live(work: Work, facts: Sequence[WentLive]) -> None:
    """Closes the open tasks of accounts for what went live on them, all at once: there are mostly none."""
    accounts = {fact.account_id for fact in facts}
    query = select(RepostTask, FeedItem).join(FeedItem, FeedItem.id == RepostTask.item_id)
    query = query.where(RepostTask.account_id.in_(accounts), RepostTask.state == TaskState.OPEN)
    waiting = work.session.execute(query.with_for_update(of=RepostTask)).all()
    for fact in facts if waiting else ():
        known = _known_by(work.session, fact)
        for task, item in waiting:
            if task.account_id == fact.account_id and known & {task.source_key, item.link, task.piece_id}:
                _closed(work, task, item, fact)


def _known_by(session: Session, fact: WentLive) -> set[str | int]:
    """By what a piece is recognised: as the draft made for a task, by its key, or by its source's address."""
    piece = session.get_one(Piece, fact.piece_id)
    release = session.get_one(Release, fact.release_id)
    link = session.get_one(Revision, release.revision_id).source_url
    return {one for one in (piece.id, piece.source_key, link) if one}


def _closed(work: Work, task: RepostTask, item: FeedItem, fact: WentLive) -> None:
    if task.state != TaskState.OPEN:
        return
    task.state, task.done_at, task.url, task.piece_id = TaskState.DONE, fact.at, fact.url[:1000], fact.piece_id
    work.audit("repost.done", task, title=item.title, url=fact.url, in_time=fact.at <= task.due_at)


def done_by_hand(work: Work, who: Viewer, task: RepostTask, url: str) -> None:
    """A person says where it stands; raises Invalid without a link, WrongState where it is closed already."""
    _open(work, task, "登记已转载")
    if not url.startswith(("http://", "https://")) or len(url) > 1000:
        raise Invalid(field="url", why="请填写 http:// 或 https:// 开头的转载链接。")
    task.state, task.done_at, task.url, task.decided_by = TaskState.DONE, work.now, url, who.person_id
    work.audit("repost.done_by_hand", task, url=url, in_time=work.now <= task.due_at, by=who.name)


def excuse(work: Work, who: Viewer, task: RepostTask, reason: str) -> None:
    """不适用, with a reason and in a name."""
    _open(work, task, "标为不适用")
    if not reason.strip():
        raise Invalid(field="reason", why="标为不适用须写明原因。")
    task.state, task.done_at, task.decided_by = TaskState.EXCUSED, work.now, who.person_id
    task.reason = reason.strip()[:500]
    work.audit("repost.excused", task, reason=task.reason, by=who.name)


def reopen(work: Work, who: Viewer, task: RepostTask) -> None:
    """A person's word is taken back; the deadline stays. What a placement closed stays closed."""
    work.session.refresh(task, with_for_update=True)
    if task.state == TaskState.OPEN or task.decided_by is None:
        raise WrongState(state=STATE_LABELS[TaskState(task.state)], act="恢复任务")
    task.state, task.done_at, task.decided_by = TaskState.OPEN, None, None
    task.url = task.reason = ""
    work.audit("repost.reopened", task, by=who.name)


# --- who does it -----------------------------------------------------------------------------------------------


def took_draft(work: Work, who: Viewer, task: RepostTask, piece_id: int) -> None:
    """A draft was made for a task: it serves every open task for the same item that this person may write for."""
    query = select(RepostTask).where(RepostTask.source_key == task.source_key, RepostTask.state == TaskState.OPEN)
    for one in work.session.scalars(query.where(RepostTask.unit_id.in_(who.units(Permission.PIECE_WRITE)))):
        one.piece_id = piece_id
        work.audit("repost.drafted", one, piece=piece_id)


def assign(work: Work, task: RepostTask, person_id: int | None) -> None:
    """Gives an open task to a person who may write in its unit, or back to all of its role."""
    _open(work, task, "指派")
    if person_id is not None and person_id not in {one.id for one in able(work.session, task, work.now)}:
        raise Invalid(field="person", why="请选择本单位可以撰稿的人员。")
    task.assignee_id = person_id
    work.audit("repost.assigned", task, person=person_id)


def able(session: Session, task: RepostTask, now: datetime) -> list[Person]:
    """The people to whom a task can be given."""
    found = [session.get_one(Person, one) for one in bearers(session, Role(task.role), task.unit_id, now)]
    return [one for one in found if viewer(session, one, now).may(Permission.PIECE_READ, task.unit_id)]


def responsible(session: Session, task: RepostTask, now: datetime) -> list[int]:
    """Whom to tell: the one it was given to, else all who hold its role there."""
    if task.assignee_id is not None:
        return [task.assignee_id]
    return bearers(session, Role(task.role), task.unit_id, now)


def mine(who: Viewer) -> ColumnElement[bool]:
    """Tasks given to this person, or to nobody where he holds the role."""
    roles = [str(role) for role in who.roles]
    of_role = RepostTask.assignee_id.is_(None) & RepostTask.role.in_(roles)
    return or_(RepostTask.assignee_id == who.person_id, of_role)


# --- deadlines and steps ---------------------------------------------------------------------------------------


def overdue(now: datetime) -> ColumnElement[bool]:
    """Open past its deadline."""
    return (RepostTask.state == TaskState.OPEN) & (RepostTask.due_at < now)


def was_late() -> ColumnElement[bool]:
    """Done after its deadline."""
    return (RepostTask.state == TaskState.DONE) & (RepostTask.done_at > RepostTask.due_at)


def soon_of(session: Session, unit_id: int, now: datetime) -> timedelta:
    """How long before a deadline it is said again in this unit."""
    return timedelta(hours=float(value_of(session, WARN_HOURS, unit_id, now)))


def to_remind(session: Session, now: datetime) -> list[RepostTask]:
    """Open tasks whose deadline is near or has passed within the last days, the most pressing first."""
    longest = timedelta(hours=72)
    query = select(RepostTask).where(
        RepostTask.state == TaskState.OPEN,
        RepostTask.due_at <= now + longest,
        RepostTask.due_at > now - ALARMED_FOR,
    )
    ahead: dict[int, timedelta] = {}
    rows = []
    for task in session.scalars(query.order_by(RepostTask.due_at, RepostTask.id)):
        if task.unit_id not in ahead:
            ahead[task.unit_id] = soon_of(session, task.unit_id, now)
        if task.due_at <= now + ahead[task.unit_id]:
            rows.append(task)
    return rows


def steps_of(session: Session, task: RepostTask) -> Sequence[Step]:
    """How far it is: draft, signatures, dispatch, live; from the piece and what is booked of it on the account."""
    here = len(STEPS) if task.state == TaskState.DONE else _reached(session, task)
    return [
        Step(name, "done" if place < here else "current" if place == here else "ahead")
        for place, name in enumerate(STEPS)
    ]


def _reached(session: Session, task: RepostTask) -> int:
    piece = session.get(Piece, task.piece_id) if task.piece_id else None
    if piece is None or piece.state not in _REACHED:
        return 0
    reached = _REACHED[PieceState(piece.state)]
    return reached + 1 if reached > 1 and _booked(session, piece.id, task.account_id) else reached


def _booked(session: Session, piece_id: int, account_id: int) -> bool:
    query = (
        select(Delivery.id)
        .join(DeliveryItem, DeliveryItem.delivery_id == Delivery.id)
        .where(DeliveryItem.piece_id == piece_id, Delivery.account_id == account_id)
        .where(Delivery.state.not_in((DeliveryState.CANCELLED, DeliveryState.FAILED)))
    )
    return session.scalar(query.limit(1)) is not None


def _open(work: Work, task: RepostTask, act: str) -> None:
    """Holds the task until the work ends: what went live meanwhile must not be overwritten."""
    work.session.refresh(task, with_for_update=True)
    if task.state != TaskState.OPEN:
        raise WrongState(state=STATE_LABELS[TaskState(task.state)], act=act)
