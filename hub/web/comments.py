"""评论: what citizens wrote beneath published items, the unanswered first; chosen, answered, taken away by people."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Select, or_, select

from analytics.comments import answered_in_time
from bot.comments import acts, store
from bot.comments.collect import placed_of
from bot.comments.errors import WordsToCheck
from bot.comments.models import Comment, CommentThread
from bot.comments.states import COMMENT_LABELS, CommentState
from bot.states import REPLY_LABELS, ReplyState
from channels.accounts.models import Account
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.comment_reach import answer_of, asked_of_platform, hearing_on, must_not_rehearse, reach_of
from hub.web.deliveries import with_channel
from hub.web.forms import FormState, refused
from hub.web.lists import like, listing
from hub.web.pages import columns, page, say, see_other
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, scoped
from kernel.typed import row_in
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/comments")

P = Permission
Reader = Annotated[Asker, Depends(may(P.CONVERSATION_READ))]
Agent = Annotated[Asker, Depends(may(P.CONVERSATION_ANSWER))]
Supervisor = Annotated[Asker, Depends(may(P.QUEUE_SUPERVISE))]
Text = Annotated[str, Form()]
Numbers = Annotated[list[int], Form()]

COLUMNS = (
    (_("评论"), ""),
    (_("稿件"), ""),
    (_("账号"), "account"),
    (_("时间"), "at"),
    (_("答复期限"), "due"),
    (_("状态"), "state"),
)
SORTS = {"account": Account.name, "at": Comment.at, "due": Comment.due_at, "state": Comment.state}
LATE, DANGER, ALL = "late", "danger", "all"
STATES = (
    *((one.value, COMMENT_LABELS[one]) for one in CommentState),
    (LATE, _("已超期")),
    (DANGER, _("紧急")),
    (ALL, _("全部")),
)
MOST_AT_ONCE = 100


@router.get("")
def the_comments(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The comments in reach; without a filter those that wait, the most pressing first."""
    return _list_page(request, hub, asker, FormState())


def _list_page(request: Request, hub: Hub, asker: Asker, form: FormState, *, status: int = 200) -> HTMLResponse:
    asked = listing(request, "q", "state", "account", "thread", sort="due")
    with hub.works.read() as work:
        query = _filtered(asker, asked.values, work)
        rows, state = asked.take(work.session, query, SORTS, Comment.id)
        waiting = store.waiting(work.session, asker.viewer, work.now)
        in_time = answered_in_time(work.session, asker.viewer.units(P.CONVERSATION_READ), work.now)
        context: dict[str, Any] = {
            "offered": [
                (one.id, with_channel(hub, asker, one))
                for one in store.accounts_with_threads(work.session, asker.viewer)
            ],
            "thread": _thread_head(hub, work, asker, asked.number("thread")),
            "at": work.now,
        }
    return page(
        request,
        asker,
        "pages/comments/list.html",
        status=status,
        comments=[(row[0], row[1], row[2]) for row in rows],
        state=state,
        states=[(value, say(hub, asker, label)) for value, label in STATES],
        labels=COMMENT_LABELS,
        columns=columns(hub, asker, *COLUMNS),
        waiting=waiting,
        in_time=in_time,
        form=form,
        may_answer=asker.may(P.CONVERSATION_ANSWER),
        **context,
    )


def _filtered(asker: Asker, values: Any, work: Work) -> Select[Comment, CommentThread, str]:
    query = select(Comment, CommentThread, Account.name).join(CommentThread, CommentThread.id == Comment.thread_id)
    query = query.join(Account, Account.id == Comment.account_id)
    query = scoped(query, Comment.unit_id, asker.viewer, P.CONVERSATION_READ)
    if values.get("q"):
        words = like(values["q"])
        query = query.where(
            or_(*(column.ilike(words, escape="\\") for column in (Comment.text, Comment.name, CommentThread.title)))
        )
    for name, column in (("account", Comment.account_id), ("thread", Comment.thread_id)):
        if number := row_in(values.get(name, "")):
            query = query.where(column == number)
    state = values.get("state", "")
    if state == LATE:
        return query.where(Comment.state == CommentState.OPEN, Comment.due_at < work.now, store.real())
    if state == DANGER:
        return query.where(Comment.urgent_at.is_not(None))
    if state in set(CommentState):
        return query.where(Comment.state == state)
    if state == ALL or values.get("thread") or values.get("q"):
        return query
    return query.where(Comment.state == CommentState.OPEN)


def _thread_head(hub: Hub, work: Work, asker: Asker, thread_id: int | None) -> dict[str, Any] | None:
    thread = work.session.get(CommentThread, thread_id) if thread_id else None
    if thread is None or not asker.may(P.CONVERSATION_READ, thread.unit_id):
        return None
    adapter = hearing_on(hub, work.session, thread.account_id)
    return {
        "row": thread,
        "account": work.session.get_one(Account, thread.account_id).name,
        "switch": adapter is not None and "switch" in adapter.comment_limits.can,
        "notes": adapter.comment_limits.notes if adapter else (),
        "may_switch": asker.may(P.QUEUE_SUPERVISE, thread.unit_id),
    }


@router.post("/settle")
def settle_many(
    request: Request, hub: HubDep, asker: Agent, chosen: Numbers | None = None, reason: Text = ""
) -> Response:
    """Marks several comments as needing no answer."""
    try:
        if not chosen:
            raise Invalid(field="chosen", why="请先勾选评论。")
        with hub.works.write(asker.actor) as work:
            query = select(Comment).where(Comment.id.in_(chosen[:MOST_AT_ONCE]))
            query = scoped(query, Comment.unit_id, asker.viewer, P.CONVERSATION_ANSWER)
            settled = acts.settle_many(work, work.session.scalars(query).all(), reason)
    except Invalid as error:
        return _list_page(request, hub, asker, refused(asker, error, reason=reason), status=error.status)
    return see_other("/console/comments", say(hub, asker, _("%(n)s 条评论已标为无需答复。"), n=settled))


@router.post("/threads/{thread_id}/{act}")
def switch(hub: HubDep, asker: Supervisor, thread_id: int, act: str) -> Response:
    """Opens an item for comments, or closes it."""
    if act not in ("open", "close"):
        raise NotFound
    with hub.works.read() as work:
        thread = work.session.get(CommentThread, thread_id)
        if thread is None:
            raise NotFound
        asker.must(P.QUEUE_SUPERVISE, thread.unit_id)
        must_not_rehearse(work.session, thread.account_id)
        adapter = hearing_on(hub, work.session, thread.account_id)
    back = f"/console/comments?thread={thread_id}"
    fault = asked_of_platform(asker, adapter, lambda able: able.switch_comments(placed_of(thread), act == "open"))
    if fault:
        return see_other(back, fault, "bad")
    with hub.works.write(asker.actor) as work:
        row = work.session.get_one(CommentThread, thread_id)
        row.opened = act == "open"
        work.audit("comment.opened" if row.opened else "comment.shut", row, title=row.title)
    done = _("评论已打开，读者可以留言。") if act == "open" else _("评论已关闭，读者不能再留言。")
    return see_other(back, say(hub, asker, done))


# --- one comment ------------------------------------------------------------------------------------


@router.get("/{comment_id}")
def one_comment(request: Request, hub: HubDep, asker: Reader, comment_id: int) -> HTMLResponse:
    """One comment with its answers and what can be done."""
    return _page(request, hub, asker, comment_id, FormState())


@router.post("/{comment_id}/answer")
def answer(
    request: Request, hub: HubDep, asker: Agent, comment_id: int, text: Text = "", checked: Text = ""
) -> Response:
    """Books an answer that all readers will see."""
    reach = reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER, acting=True)
    try:
        if reach.adapter is None:
            raise Invalid(field="text", why="该渠道没有评论接口。")
        with hub.works.write(asker.actor) as work:
            comment = work.session.get_one(Comment, comment_id)
            acts.answer(work, comment, reach.adapter, text, checked=bool(checked))
    except XuandaError as error:
        form = refused(asker, error, text=text, to_check="1" if isinstance(error, WordsToCheck) else "")
        return _page(request, hub, asker, comment_id, form, status=error.status)
    return see_other(f"/console/comments/{comment_id}", say(hub, asker, _("答复已提交，正在发送。")))


@router.post("/{comment_id}/again")
def again(hub: HubDep, asker: Agent, comment_id: int, answer_id: Annotated[int, Form()]) -> Response:
    """Sends an answer again, because a person looked and it is not there."""
    reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER, acting=True)
    with hub.works.write(asker.actor) as work:
        acts.send_again(work, work.session.get_one(Comment, comment_id), answer_of(work, comment_id, answer_id))
    return see_other(f"/console/comments/{comment_id}", say(hub, asker, _("答复已重新提交。")))


@router.post("/{comment_id}/withdraw")
def withdraw(hub: HubDep, asker: Agent, comment_id: int, answer_id: Annotated[int, Form()]) -> Response:
    """Takes our own answer away from the platform."""
    reach = reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER, acting=True)
    with hub.works.read() as work:
        row = answer_of(work, comment_id, answer_id)
    remote = reach.comment.remote_id
    back = f"/console/comments/{comment_id}"
    fault = asked_of_platform(
        asker, reach.adapter, lambda able: able.delete_answer(reach.placed, remote, row.remote_id)
    )
    if fault:
        return see_other(back, fault, "bad")
    with hub.works.write(asker.actor) as work:
        comment = work.session.get_one(Comment, comment_id)
        acts.answer_removed(work, comment, answer_of(work, comment_id, answer_id))
    return see_other(back, say(hub, asker, _("答复已从平台删除，评论重新等待答复。")))


@router.post("/{comment_id}/select")
def select_comment(hub: HubDep, asker: Agent, comment_id: int, chosen: Text = "1") -> Response:
    """精选: shows the comment to all readers, or no longer."""
    reach, wanted = reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER, acting=True), chosen == "1"
    remote = reach.comment.remote_id
    fault = asked_of_platform(asker, reach.adapter, lambda able: able.select_comment(reach.placed, remote, wanted))
    back = f"/console/comments/{comment_id}"
    if fault:
        return see_other(back, fault, "bad")
    with hub.works.write(asker.actor) as work:
        acts.selected(work, work.session.get_one(Comment, comment_id), wanted)
    done = _("已精选，所有读者可见。") if wanted else _("已取消精选，其他读者不再看到。")
    return see_other(back, say(hub, asker, done))


@router.post("/{comment_id}/delete")
def delete(request: Request, hub: HubDep, asker: Supervisor, comment_id: int, reason: Text = "") -> Response:
    """Takes a citizen's comment away from the platform; the words and the reason stay here."""
    reach = reach_of(hub, asker, comment_id, P.QUEUE_SUPERVISE, acting=True)
    if not reason.strip():
        error = Invalid(field="reason", why="请写明删除的理由，删除会留痕。")
        return _page(request, hub, asker, comment_id, refused(asker, error), status=error.status)
    remote = reach.comment.remote_id
    fault = asked_of_platform(asker, reach.adapter, lambda able: able.delete_comment(reach.placed, remote))
    if fault:
        return see_other(f"/console/comments/{comment_id}", fault, "bad")
    with hub.works.write(asker.actor) as work:
        acts.removed(work, work.session.get_one(Comment, comment_id), reason.strip())
    return see_other(f"/console/comments/{comment_id}", say(hub, asker, _("评论已从平台删除，文字和理由留存备查。")))


@router.post("/{comment_id}/settle")
def settle(request: Request, hub: HubDep, asker: Agent, comment_id: int, why: Text = "") -> Response:
    """无需答复."""
    reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER)
    try:
        with hub.works.write(asker.actor) as work:
            acts.settle(work, work.session.get_one(Comment, comment_id), why)
    except Invalid as error:
        form = FormState({"why": why}, "why", error.message(asker.language))
        return _page(request, hub, asker, comment_id, form, status=error.status)
    return see_other(f"/console/comments/{comment_id}", say(hub, asker, _("已标为无需答复。")))


@router.post("/{comment_id}/reopen")
def reopen(hub: HubDep, asker: Agent, comment_id: int) -> Response:
    """It needs an answer after all."""
    reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER)
    with hub.works.write(asker.actor) as work:
        acts.reopen(work, work.session.get_one(Comment, comment_id))
    return see_other(f"/console/comments/{comment_id}", say(hub, asker, _("评论重新等待答复。")))


@router.post("/{comment_id}/acknowledge")
def acknowledge(hub: HubDep, asker: Agent, comment_id: int) -> Response:
    """A person has taken up the danger."""
    reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER)
    with hub.works.write(asker.actor) as work:
        acts.acknowledge(work, work.session.get_one(Comment, comment_id))
    return see_other(f"/console/comments/{comment_id}", say(hub, asker, _("已登记处置，不再告警。")))


def _page(
    request: Request, hub: Hub, asker: Asker, comment_id: int, form: FormState, *, status: int = 200
) -> HTMLResponse:
    reach = reach_of(hub, asker, comment_id, P.CONVERSATION_READ)
    with hub.works.read() as work:
        account = work.session.get_one(Account, reach.comment.account_id).name
        answers = store.answers_of(work.session, comment_id)
        now = work.now
    comment, limits = reach.comment, reach.adapter.comment_limits if reach.adapter else None
    standing = [row for row, _name in answers if row.removed_at is None and row.state != ReplyState.FAILED]
    return page(
        request,
        asker,
        "pages/comments/one.html",
        status=status,
        comment=comment,
        thread=reach.thread,
        account=account,
        answers=answers,
        label=COMMENT_LABELS[CommentState(comment.state)],
        reply_labels=REPLY_LABELS,
        late=comment.state == CommentState.OPEN and comment.due_at < now,
        can=limits.can if limits else frozenset(),
        notes=limits.notes if limits else (),
        may_answer=asker.may(P.CONVERSATION_ANSWER, comment.unit_id),
        open_for_answer=limits is not None
        and comment.state != CommentState.GONE
        and not (standing and limits.one_answer),
        may_delete=asker.may(P.QUEUE_SUPERVISE, comment.unit_id),
        form=form,
    )
