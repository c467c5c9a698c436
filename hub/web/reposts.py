"""转载任务: what accounts must carry by when; a draft by one click, and a person's word where nothing closed a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from content.models import Column, Piece
from hub import editorial, reposting
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.deliveries import channel_label
from hub.web.forms import FormState, refused
from hub.web.lists import Listing, listing
from hub.web.pages import columns, page, say, see_other
from hub.web.sections import Section
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import ROLE_LABELS, Permission, Person, Role, scoped
from kernel.typed import row_in
from kernel.work import Work
from scheduler.reposting import feeds, tasks
from scheduler.reposting.models import FeedItem, RepostTask, TaskState, WatchedFeed
from scheduler.reposting.tasks import STATE_LABELS
from templates.catalogue import _

router = APIRouter(prefix="/console/reposts")

P = Permission
Reader = Annotated[Asker, Depends(may(P.DELIVERY_READ))]
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]
Keeper = Annotated[Asker, Depends(may(P.DELIVERY_ACT))]
Text = Annotated[str, Form()]

COLUMNS = (
    (_("内容"), ""),
    (_("账号"), "account"),
    (_("时限"), "due"),
    (_("状态"), "state"),
    (_("承办"), ""),
)
SORTS = {"due": RepostTask.due_at, "account": Account.name, "state": RepostTask.state}
SHOW_LABELS = {
    "open": _("待转载"),
    "soon": _("即将到期"),
    "overdue": _("已超期"),
    "done": _("按时转载"),
    "late": _("超时转载"),
    "excused": _("不适用"),
}
ORDER = 12
SHOWN = 6


@router.get("")
def reposts(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every task of one's units, the most pressing first."""
    asked = listing(request, "state", "account", "feed", "mine", sort="due")
    with hub.works.read() as work:
        found, state = asked.take(work.session, _asked(work, asker, asked), SORTS, RepostTask.id.desc())
        rows = [(*row, _person(work.session, row[0])) for row in found]
        context: dict[str, Any] = {
            "now": work.now,
            "soon": work.now + tasks.soon_of(work.session, asker.viewer.unit_id, work.now),
            "counts": {name: _count(work, asker, name) for name in ("open", "soon", "overdue")},
            "broken": _broken(work.session, asker),
            "accounts": [(one.id, named(one.name, one.channel)) for one in _accounts(work.session, asker)],
            "feeds": [(one.id, one.name) for one in _feeds(work.session, asker)],
        }
    return page(
        request,
        asker,
        "pages/reposts/list.html",
        rows=rows,
        state=state,
        columns=columns(hub, asker, *COLUMNS),
        labels=STATE_LABELS,
        channels={row[2].channel: channel_label(row[2].channel) for row in found},
        roles=ROLE_LABELS,
        shows=[(name, say(hub, asker, label)) for name, label in SHOW_LABELS.items()],
        may_keep=asker.may(P.DELIVERY_ACT),
        may_report=asker.may(P.REPORT_READ),
        **context,
    )


@router.get("/{task_id}")
def one_repost(request: Request, hub: HubDep, asker: Reader, task_id: int) -> HTMLResponse:
    """One task: what must be carried, how far it is, and what can be done."""
    return _page(request, hub, asker, task_id)


@router.post("/{task_id}/draft")
def make_draft(request: Request, hub: HubDep, asker: Writer, task_id: int, column: Text = "") -> Response:
    """One click: the item becomes a draft with its source and pictures, or the unit's own draft of it is opened."""
    try:
        with hub.works.read() as work:
            task = task_for(work.session, asker, task_id, P.PIECE_WRITE)
            if task.state != TaskState.OPEN:
                raise Invalid(field="column", why="任务已办结，无须再生成稿件。")
            chosen = _column(work.session, asker, task, column)
    except NotFound:
        raise
    except XuandaError as error:
        form = refused(asker, error, column=column)
        return _page(request, hub, asker, task_id, form, "draft", status=error.status)
    row = reposting.draft(hub, asker.viewer, asker.actor, task_id, chosen)
    if row.piece_id is None:
        form = FormState(
            {"column": column}, "column", row.remarks[0] if row.remarks else say(hub, asker, _("没有生成"))
        )
        return _page(request, hub, asker, task_id, form, "draft", status=422)
    told = _("已生成稿件，请核对后送审。") if row.state == "new" else _("本单位已有这篇稿件，已关联到任务。")
    return see_other(f"/console/pieces/{row.piece_id}", say(hub, asker, told))


@router.post("/{task_id}/assign")
def assign(request: Request, hub: HubDep, asker: Keeper, task_id: int, person: Text = "") -> Response:
    """Gives it to a person, or back to everybody of its role."""

    def act(work: Work, task: RepostTask) -> str:
        tasks.assign(work, task, row_in(person))
        if task.assignee_id not in (None, asker.viewer.person_id):
            item = work.session.get_one(FeedItem, task.item_id)
            reposting.tell_assigned(hub, work, task, item, asker.viewer.name)
        return say(hub, asker, _("已指派。"))

    return _try(request, hub, asker, task_id, "assign", {"person": person}, act)


@router.post("/{task_id}/done")
def done(request: Request, hub: HubDep, asker: Keeper, task_id: int, url: Text = "") -> Response:
    """A person carried it by another way, and says where it stands."""

    def act(work: Work, task: RepostTask) -> str:
        tasks.done_by_hand(work, asker.viewer, task, url.strip())
        return say(hub, asker, _("已登记转载。"))

    return _try(request, hub, asker, task_id, "done", {"url": url}, act)


@router.post("/{task_id}/excuse")
def excuse(request: Request, hub: HubDep, asker: Keeper, task_id: int, reason: Text = "") -> Response:
    """不适用, with a reason."""

    def act(work: Work, task: RepostTask) -> str:
        tasks.excuse(work, asker.viewer, task, reason)
        return say(hub, asker, _("已标为不适用。"))

    return _try(request, hub, asker, task_id, "excuse", {"reason": reason}, act)


@router.post("/{task_id}/reopen")
def reopen(request: Request, hub: HubDep, asker: Keeper, task_id: int) -> Response:
    """A person's word is taken back."""

    def act(work: Work, task: RepostTask) -> str:
        tasks.reopen(work, asker.viewer, task)
        return say(hub, asker, _("任务已恢复。"))

    return _try(request, hub, asker, task_id, "reopen", {}, act)


def workbench_section(hub: Hub, asker: Asker) -> Section | None:
    """What this person must carry: overdue first; nothing where there is nothing."""
    if not asker.may(P.PIECE_WRITE):
        return None
    with hub.works.read() as work:
        query = scoped(_rows(), RepostTask.unit_id, asker.viewer, P.PIECE_WRITE)
        query = query.where(RepostTask.state == TaskState.OPEN, tasks.mine(asker.viewer))
        found = work.session.execute(query.order_by(RepostTask.due_at, RepostTask.id).limit(SHOWN)).all()
        if not found:
            return None
        context = {
            "rows": [(row[0], row[1], row[2]) for row in found],
            "count": work.session.scalar(select(func.count()).select_from(query.subquery())) or 0,
            "channels": {row[2].channel: channel_label(row[2].channel) for row in found},
            "now": work.now,
            "soon": work.now + tasks.soon_of(work.session, asker.viewer.unit_id, work.now),
        }
    return Section("pages/reposts/workbench.html", ORDER, context)


def task_for(session: Session, asker: Asker, task_id: int, permission: Permission) -> RepostTask:
    """The task where the person may do this in its unit; raises NotFound."""
    task = session.get(RepostTask, task_id)
    if task is None:
        raise NotFound
    asker.must(permission, task.unit_id)
    return task


def named(name: str, channel: str) -> str:
    """An account told apart from others of its name by its channel."""
    return f"{name}（{channel_label(channel)}）"


def _rows() -> Any:
    return (
        select(RepostTask, FeedItem, Account)
        .join(FeedItem, FeedItem.id == RepostTask.item_id)
        .join(Account, Account.id == RepostTask.account_id)
    )


def _asked(work: Work, asker: Asker, asked: Listing) -> Any:
    query = scoped(_rows(), RepostTask.unit_id, asker.viewer, P.DELIVERY_READ)
    shown = _shown(work, asker, asked.value("state"))
    if shown is not None:
        query = query.where(shown)
    if asked.number("account"):
        query = query.where(RepostTask.account_id == asked.number("account"))
    if asked.number("feed"):
        query = query.where(FeedItem.feed_id == asked.number("feed"))
    return query.where(tasks.mine(asker.viewer)) if asked.value("mine") else query


def _shown(work: Work, asker: Asker, name: str) -> ColumnElement[bool] | None:
    is_open, late = RepostTask.state == TaskState.OPEN, tasks.overdue(work.now)
    soon = work.now + tasks.soon_of(work.session, asker.viewer.unit_id, work.now)
    return {
        "open": is_open,
        "soon": is_open & ~late & (RepostTask.due_at <= soon),
        "overdue": late,
        "done": (RepostTask.state == TaskState.DONE) & ~tasks.was_late(),
        "late": tasks.was_late(),
        "excused": RepostTask.state == TaskState.EXCUSED,
    }.get(name)


def _count(work: Work, asker: Asker, name: str) -> int:
    shown = _shown(work, asker, name)
    query = scoped(select(func.count(RepostTask.id)), RepostTask.unit_id, asker.viewer, P.DELIVERY_READ)
    return work.session.scalar(query.where(shown) if shown is not None else query) or 0


def _broken(session: Session, asker: Asker) -> list[WatchedFeed]:
    return [feed for feed in _feeds(session, asker) if feed.active and feed.broken_since]


def _feeds(session: Session, asker: Asker) -> list[WatchedFeed]:
    query = scoped(select(WatchedFeed), WatchedFeed.unit_id, asker.viewer, P.DELIVERY_READ)
    return [row[0] for row in session.execute(query.order_by(WatchedFeed.name, WatchedFeed.id))]


def _accounts(session: Session, asker: Asker) -> list[Account]:
    mine = scoped(select(RepostTask.account_id), RepostTask.unit_id, asker.viewer, P.DELIVERY_READ)
    return list(session.scalars(select(Account).where(Account.id.in_(mine)).order_by(Account.name)))


def _person(session: Session, task: RepostTask) -> str:
    return session.get_one(Person, task.assignee_id).name if task.assignee_id else ""


def _column(session: Session, asker: Asker, task: RepostTask, column: str) -> int:
    offered = {one.id for one in editorial.columns_for(session, asker.viewer, P.PIECE_WRITE)}
    wanted = row_in(column) or _usual_column(session, task)
    if wanted not in offered:
        raise Invalid(field="column", why="请选择栏目。")
    return wanted


def _usual_column(session: Session, task: RepostTask) -> int:
    item = session.get_one(FeedItem, task.item_id)
    return session.get_one(WatchedFeed, item.feed_id).column_id


def _try(
    request: Request,
    hub: Hub,
    asker: Asker,
    task_id: int,
    name: str,
    typed: dict[str, str],
    act: Callable[[Work, RepostTask], str],
) -> Response:
    try:
        with hub.works.write(asker.actor) as work:
            told = act(work, task_for(work.session, asker, task_id, P.DELIVERY_ACT))
    except NotFound:
        raise
    except XuandaError as error:
        return _page(request, hub, asker, task_id, refused(asker, error, **typed), name, status=error.status)
    return see_other(f"/console/reposts/{task_id}", told)


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    task_id: int,
    form: FormState | None = None,
    opened: str = "",
    *,
    status: int = 200,
) -> HTMLResponse:
    with hub.works.read() as work:
        session = work.session
        task = task_for(session, asker, task_id, P.DELIVERY_READ)
        item = session.get_one(FeedItem, task.item_id)
        feed = session.get_one(WatchedFeed, item.feed_id)
        piece = session.get(Piece, task.piece_id) if task.piece_id else None
        decided = session.get(Person, task.decided_by) if task.decided_by else None
        is_open = task.state == TaskState.OPEN
        others = scoped(_rows(), RepostTask.unit_id, asker.viewer, P.DELIVERY_READ)
        others = others.where(RepostTask.source_key == task.source_key, RepostTask.id != task.id)
        offered: list[Column] = editorial.columns_for(session, asker.viewer, P.PIECE_WRITE)
        beside = session.execute(others.order_by(RepostTask.id)).all()
        account = session.get_one(Account, task.account_id)
        context: dict[str, Any] = {
            "task": task,
            "item": item,
            "feed": feed,
            "account": account,
            "channel": channel_label(account.channel),
            "channels": {row[2].channel: channel_label(row[2].channel) for row in beside},
            "words": feeds.words_of(item),
            "piece": piece,
            "sees_piece": piece is not None and asker.may(P.PIECE_READ, piece.unit_id),
            "decided": decided.name if decided else "",
            "assignee": _person(session, task),
            "role": ROLE_LABELS[Role(task.role)],
            "steps": [(say(hub, asker, step.label), step.state) for step in tasks.steps_of(session, task)],
            "others": beside,
            "now": work.now,
            "soon": work.now + tasks.soon_of(session, task.unit_id, work.now),
            "sections": [(one.id, one.name) for one in offered],
            "usual": feed.column_id if feed.column_id in {one.id for one in offered} else "",
            "people": [(one.id, one.name) for one in tasks.able(session, task, work.now)] if is_open else [],
            "may_write": is_open and asker.may(P.PIECE_WRITE, task.unit_id),
            "may_act": asker.may(P.DELIVERY_ACT, task.unit_id),
        }
    return page(
        request,
        asker,
        "pages/reposts/one.html",
        status=status,
        form=form or FormState(),
        opened=opened,
        labels=STATE_LABELS,
        **context,
    )
