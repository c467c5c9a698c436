"""The API of 转载任务: what accounts must carry by when, the draft of an item, and a person's word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from hub import editorial, reposting
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import At, Page, PageNumber, moment, one_page, told
from hub.web.reposts import task_for
from hub.web.sent import Body
from kernel.errors import Invalid
from kernel.people import Permission, scoped
from kernel.work import Work
from scheduler.reposting import tasks
from scheduler.reposting.models import FeedItem, RepostTask, TaskState, WatchedFeed

router = APIRouter(prefix="/api/v1/reposts")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.DELIVERY_READ))]
Writer = Annotated[Asker, Depends(api_may(P.PIECE_WRITE))]
Keeper = Annotated[Asker, Depends(api_may(P.DELIVERY_ACT))]


class WhichColumn(Body):
    """The column of the draft; null takes the feed's own."""

    column: int | None = None


class WhichPerson(Body):
    """To whom it is given; null gives it back to everybody of its role."""

    person: int | None = None


class Carried(Body):
    """Where it stands."""

    url: str = Field(max_length=1000)


class Reason(Body):
    """Why the account need not carry it."""

    reason: str = Field(max_length=500)


class RepostTold(TypedDict):
    """One item that one account must carry by `due_at`; `late` says that it was or is not carried by then."""

    id: int
    unit: int
    account: int
    feed: int
    title: str
    link: str
    state: str
    late: bool
    opened_at: At
    due_at: At
    done_at: At | None
    role: str
    assignee: int | None
    piece: int | None
    url: str
    decided_by: int | None
    reason: str


class Reposts(Page):
    """One page of tasks, the one due last first."""

    reposts: list[RepostTold]


class DraftTold(TypedDict):
    """The piece that carries it; `new`: it was made now, else the unit had it already."""

    piece: int
    new: bool


@router.get("")
def list_reposts(
    hub: HubDep,
    asker: Reader,
    state: Literal["", "open", "done", "excused", "overdue"] = "",
    account: int | None = None,
    page: PageNumber = 1,
) -> Reposts:
    """Tasks in reach."""
    query = scoped(select(RepostTask), RepostTask.unit_id, asker.viewer, P.DELIVERY_READ)
    if account is not None:
        query = query.where(RepostTask.account_id == account)
    with hub.works.read() as work:
        if state:
            query = query.where(tasks.overdue(work.now) if state == "overdue" else RepostTask.state == state)
        head, rows = one_page(work.session, query, page, RepostTask.due_at.desc(), RepostTask.id.desc())
        return {**head, "reposts": [_told(work, row) for row in rows]}


@router.get("/{task_id}")
def get_repost(hub: HubDep, asker: Reader, task_id: int) -> RepostTold:
    """One task."""
    with hub.works.read() as work:
        return _told(work, task_for(work.session, asker, task_id, P.DELIVERY_READ))


@router.post("/{task_id}/draft", status_code=201)
def make_draft(hub: HubDep, asker: Writer, task_id: int, wanted: WhichColumn) -> DraftTold:
    """The item as a draft with its source and pictures, or the unit's own draft of it."""
    with hub.works.read() as work:
        task = task_for(work.session, asker, task_id, P.PIECE_WRITE)
        if task.state != TaskState.OPEN:
            raise Invalid(field="task", why="任务已办结，无须再生成稿件。")
        offered = {one.id for one in editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE)}
        feed = work.session.get_one(WatchedFeed, work.session.get_one(FeedItem, task.item_id).feed_id)
        column = wanted.column if wanted.column is not None else feed.column_id
        if column not in offered:
            raise Invalid(field="column", why="请选择栏目。")
    row = reposting.draft(hub, asker.viewer, asker.actor, task_id, column)
    if row.piece_id is None:
        raise Invalid(field="column", why=row.remarks[0] if row.remarks else "没有生成稿件。")
    return {"piece": row.piece_id, "new": row.state == "new"}


@router.post("/{task_id}/assign")
def assign(hub: HubDep, asker: Keeper, task_id: int, to: WhichPerson) -> RepostTold:
    """指派; who is given it is told."""

    def act(work: Work, task: RepostTask) -> None:
        tasks.assign(work, task, to.person)
        if task.assignee_id not in (None, asker.viewer.person_id):
            item = work.session.get_one(FeedItem, task.item_id)
            reposting.tell_assigned(hub, work, task, item, asker.viewer.name)

    return _act(hub, asker, task_id, act)


@router.post("/{task_id}/done")
def done(hub: HubDep, asker: Keeper, task_id: int, carried: Carried) -> RepostTold:
    """It was carried by another way."""
    url = carried.url.strip()
    return _act(hub, asker, task_id, lambda work, task: tasks.done_by_hand(work, asker.viewer, task, url))


@router.post("/{task_id}/excuse")
def excuse(hub: HubDep, asker: Keeper, task_id: int, why: Reason) -> RepostTold:
    """不适用."""
    return _act(hub, asker, task_id, lambda work, task: tasks.excuse(work, asker.viewer, task, why.reason))


@router.post("/{task_id}/reopen")
def reopen(hub: HubDep, asker: Keeper, task_id: int) -> RepostTold:
    """A person's word is taken back."""
    return _act(hub, asker, task_id, lambda work, task: tasks.reopen(work, asker.viewer, task))


def _act(hub: HubDep, asker: Asker, task_id: int, step: Callable[[Work, RepostTask], object]) -> RepostTold:
    with hub.works.write(asker.actor) as work:
        task = task_for(work.session, asker, task_id, P.DELIVERY_ACT)
        step(work, task)
        work.session.flush()
        return _told(work, task)


def _told(work: Work, task: RepostTask) -> RepostTold:
    item = work.session.get_one(FeedItem, task.item_id)
    late = (task.done_at or work.now) > task.due_at and task.state != TaskState.EXCUSED
    return {
        "id": task.id,
        "unit": task.unit_id,
        "account": task.account_id,
        "feed": item.feed_id,
        "title": item.title,
        "link": item.link,
        "state": task.state,
        "late": late,
        "opened_at": told(task.opened_at),
        "due_at": told(task.due_at),
        "done_at": moment(task.done_at),
        "role": task.role,
        "assignee": task.assignee_id,
        "piece": task.piece_id,
        "url": task.url,
        "decided_by": task.decided_by,
        "reason": task.reason,
    }
