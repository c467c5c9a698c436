"""The API of 评论: the list, one comment with its answers, answering, choosing, settling and taking away."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from bot.comments import acts, store
from bot.comments.models import Comment, CommentAnswer, CommentThread
from bot.comments.states import CommentState
from bot.publishing import mask
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import At, Page, PageNumber, moment, one_page, told
from hub.web.comment_reach import NoComments, answer_of, ask_platform, reach_of
from hub.web.sent import Body
from kernel.errors import Invalid
from kernel.people import Permission, scoped
from kernel.work import Work

router = APIRouter(prefix="/api/v1/comments")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.CONVERSATION_READ))]
Agent = Annotated[Asker, Depends(api_may(P.CONVERSATION_ANSWER))]
Supervisor = Annotated[Asker, Depends(api_may(P.QUEUE_SUPERVISE))]


class CommentWords(Body):
    """An answer that all readers will see; `checked`: a person looked at what the word checks point out."""

    text: str = Field(max_length=2000)
    checked: bool = False


class Reason(Body):
    """Why; it stays in the log."""

    reason: str = Field(max_length=200)


class Choice(Body):
    """精选 (`true`), or no longer."""

    chosen: bool = True


class WhichAnswer(Body):
    """One of the comment's answers."""

    answer: int


class CommentTold(TypedDict):
    """A comment with its item and its deadline; `thread` is the item on its account."""

    id: int
    unit: int
    account: int
    thread: int
    piece: int
    title: str
    url: str
    name: str
    text: str
    at: At
    state: str
    late: bool
    due_at: At
    selected: bool
    urgent: bool
    answered_at: At | None
    reason: str


class AnswerTold(TypedDict):
    """One answer and how far it came; `removed_at`: taken back."""

    id: int
    person: int | None
    text: str
    state: str
    reason: str
    at: At
    done_at: At | None
    removed_at: At | None


class CommentWhole(CommentTold):
    """A comment with its answers, the oldest first."""

    answers: list[AnswerTold]


class Comments(Page):
    """One page of comments."""

    comments: list[CommentTold]


@router.get("")
def list_comments(
    hub: HubDep,
    asker: Reader,
    state: Literal["", "open", "answered", "settled", "gone", "late", "urgent"] = "",
    account: int | None = None,
    thread: int | None = None,
    page: PageNumber = 1,
) -> Comments:
    """Comments in reach, the most pressing first; `late` are the open ones beyond their deadline."""
    query = scoped(select(Comment), Comment.unit_id, asker.viewer, P.CONVERSATION_READ)
    with hub.works.read() as work:
        if state == "late":
            query = query.where(Comment.state == CommentState.OPEN, Comment.due_at < work.now, store.real())
        elif state == "urgent":
            query = query.where(Comment.urgent_at.is_not(None), Comment.acknowledged_at.is_(None))
        elif state:
            query = query.where(Comment.state == state)
        for number, column in ((account, Comment.account_id), (thread, Comment.thread_id)):
            query = query.where(column == number) if number is not None else query
        head, rows = one_page(work.session, query, page, Comment.due_at, Comment.id)
        return {**head, "comments": [_listed(work, row) for row in rows]}


@router.get("/{comment_id}")
def get_comment(hub: HubDep, asker: Reader, comment_id: int) -> CommentWhole:
    """One comment with its answers."""
    reach_of(hub, asker, comment_id, P.CONVERSATION_READ)
    with hub.works.read() as work:
        return _whole(work, comment_id)


@router.post("/{comment_id}/answer")
def answer(hub: HubDep, asker: Agent, comment_id: int, sent: CommentWords) -> CommentWhole:
    """Books an answer; 422 where the word checks point something out and nobody has looked (`checked`)."""
    reach = reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER, acting=True)
    if reach.adapter is None:
        raise NoComments
    with hub.works.write(asker.actor) as work:
        comment = work.session.get_one(Comment, comment_id)
        acts.answer(work, comment, reach.adapter, sent.text, checked=sent.checked)
        return _whole(work, comment_id)


@router.post("/{comment_id}/again")
def again(hub: HubDep, asker: Agent, comment_id: int, sent: WhichAnswer) -> CommentWhole:
    """Sends an answer again, because a person looked and it is not there."""
    reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER, acting=True)
    with hub.works.write(asker.actor) as work:
        row = answer_of(work, comment_id, sent.answer)
        acts.send_again(work, work.session.get_one(Comment, comment_id), row)
        return _whole(work, comment_id)


@router.post("/{comment_id}/withdraw")
def withdraw(hub: HubDep, asker: Agent, comment_id: int, sent: WhichAnswer) -> CommentWhole:
    """Takes our own answer away from the platform."""
    reach = reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER, acting=True)
    with hub.works.read() as work:
        remote = answer_of(work, comment_id, sent.answer).remote_id
    ask_platform(reach.adapter, lambda able: able.delete_answer(reach.placed, reach.comment.remote_id, remote))
    with hub.works.write(asker.actor) as work:
        row = answer_of(work, comment_id, sent.answer)
        acts.answer_removed(work, work.session.get_one(Comment, comment_id), row)
        return _whole(work, comment_id)


@router.post("/{comment_id}/select")
def select_comment(hub: HubDep, asker: Agent, comment_id: int, sent: Choice) -> CommentWhole:
    """精选: shows the comment to all readers, or no longer."""
    reach = reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER, acting=True)
    ask_platform(reach.adapter, lambda able: able.select_comment(reach.placed, reach.comment.remote_id, sent.chosen))
    with hub.works.write(asker.actor) as work:
        acts.selected(work, work.session.get_one(Comment, comment_id), sent.chosen)
        return _whole(work, comment_id)


@router.post("/{comment_id}/delete")
def delete(hub: HubDep, asker: Supervisor, comment_id: int, sent: Reason) -> CommentWhole:
    """Takes a citizen's comment away from the platform; the words and the reason stay here."""
    reach = reach_of(hub, asker, comment_id, P.QUEUE_SUPERVISE, acting=True)
    reason = sent.reason.strip()
    if not reason:
        raise Invalid(field="reason", why="请写明删除的理由，删除会留痕。")
    ask_platform(reach.adapter, lambda able: able.delete_comment(reach.placed, reach.comment.remote_id))
    with hub.works.write(asker.actor) as work:
        acts.removed(work, work.session.get_one(Comment, comment_id), reason)
        return _whole(work, comment_id)


@router.post("/{comment_id}/settle")
def settle(hub: HubDep, asker: Agent, comment_id: int, sent: Reason) -> CommentWhole:
    """无需答复, with the reason."""
    reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER)
    with hub.works.write(asker.actor) as work:
        acts.settle(work, work.session.get_one(Comment, comment_id), sent.reason)
        return _whole(work, comment_id)


@router.post("/{comment_id}/reopen")
def reopen(hub: HubDep, asker: Agent, comment_id: int) -> CommentWhole:
    """It needs an answer after all; its deadline stays."""
    reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER)
    with hub.works.write(asker.actor) as work:
        acts.reopen(work, work.session.get_one(Comment, comment_id))
        return _whole(work, comment_id)


@router.post("/{comment_id}/acknowledge")
def acknowledge(hub: HubDep, asker: Agent, comment_id: int) -> CommentWhole:
    """A person has taken up the danger; the alarm ends."""
    reach_of(hub, asker, comment_id, P.CONVERSATION_ANSWER)
    with hub.works.write(asker.actor) as work:
        acts.acknowledge(work, work.session.get_one(Comment, comment_id))
        return _whole(work, comment_id)


def _whole(work: Work, comment_id: int) -> CommentWhole:
    work.session.flush()
    work.session.expire_all()
    row = work.session.get_one(Comment, comment_id)
    answers = [_answer_told(one) for one, _name in store.answers_of(work.session, comment_id)]
    return {**_told(work, row), "answers": answers}


def _listed(work: Work, row: Comment) -> CommentTold:
    """A comment in a list, with personal data masked; the whole is told of one at a time."""
    shown = _told(work, row)
    shown["text"], shown["name"] = mask(row.text), mask(row.name)
    return shown


def _told(work: Work, row: Comment) -> CommentTold:
    thread = work.session.get_one(CommentThread, row.thread_id)
    return {
        "id": row.id,
        "unit": row.unit_id,
        "account": row.account_id,
        "thread": row.thread_id,
        "piece": thread.piece_id,
        "title": thread.title,
        "url": thread.url,
        "name": row.name,
        "text": row.text,
        "at": told(row.at),
        "state": row.state,
        "late": _late(row, work.now),
        "due_at": told(row.due_at),
        "selected": row.selected,
        "urgent": row.urgent_at is not None and row.acknowledged_at is None,
        "answered_at": moment(row.answered_at),
        "reason": row.reason,
    }


def _late(row: Comment, now: datetime) -> bool:
    return row.state == CommentState.OPEN and row.due_at < now


def _answer_told(row: CommentAnswer) -> AnswerTold:
    return {
        "id": row.id,
        "person": row.person_id,
        "text": row.text,
        "state": row.state,
        "reason": row.reason,
        "at": told(row.at),
        "done_at": moment(row.done_at),
        "removed_at": moment(row.removed_at),
    }
