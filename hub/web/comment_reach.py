"""Which comment a person may act on, what the platform's call needs for it, and asking the platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx
from sqlalchemy.orm import Session

from bot.comments.collect import placed_of
from bot.comments.models import Comment, CommentAnswer, CommentThread
from channels.abilities.comments import HearsComments
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import Placed
from hub.product import Hub
from hub.web.access import Asker
from kernel.errors import NotFound, WrongState, XuandaError
from kernel.people import Permission
from kernel.work import Work


class NoComments(XuandaError):
    """This channel has no interface for comments. Do it on the platform itself."""

    zh = "该渠道没有评论接口，请到平台上处理。"
    status = 409


class Unreachable(XuandaError):
    """The platform cannot be reached ({why}). Nothing was changed; try again later."""

    zh = "连接不上平台（{why}），没有改动，请稍后再试。"
    status = 502


@dataclass(frozen=True)
class Reach:
    """A comment with what the platform's call needs; `adapter` is None where the channel knows no comments."""

    comment: Comment
    thread: CommentThread
    adapter: HearsComments | None
    placed: Placed


def reach_of(hub: Hub, asker: Asker, comment_id: int, permission: Permission, *, acting: bool = False) -> Reach:
    """A comment in reach of the permission; `acting` refuses real readers\' while the account rehearses."""
    with hub.works.read() as work:
        comment = work.session.get(Comment, comment_id)
        if comment is None:
            raise NotFound
        asker.must(permission, comment.unit_id)
        if acting:
            must_not_rehearse(work.session, comment.account_id)
        thread = work.session.get_one(CommentThread, comment.thread_id)
        return Reach(comment, thread, hearing_on(hub, work.session, comment.account_id), placed_of(thread))


def must_not_rehearse(session: Session, account_id: int) -> None:
    """Readers of the account itself are real: in a rehearsal people act on its double's comments only."""
    account = session.get_one(Account, account_id)
    if account.rehearsal and account.stands_for is None:
        raise WrongState(state=f"“{account.name}”演练中", act="操作真实读者的评论（可在演练账号的评论上练习）")


def hearing_on(hub: Hub, session: Session, account_id: int) -> HearsComments | None:
    """The account's adapter where its channel knows comments."""
    made = hub.incoming.make(accounts.info(session, hub.seal, session.get_one(Account, account_id)))
    return made if isinstance(made, HearsComments) else None


def answer_of(work: Work, comment_id: int, answer_id: int) -> CommentAnswer:
    """An answer of this comment; NotFound."""
    row = work.session.get(CommentAnswer, answer_id)
    if row is None or row.comment_id != comment_id:
        raise NotFound
    return row


def ask_platform(adapter: HearsComments | None, act: Callable[[HearsComments], None]) -> None:
    """Asks the platform, with no transaction open; raises what it refused, or that it cannot be reached."""
    if adapter is None:
        raise NoComments
    try:
        act(adapter)
    except httpx.HTTPError as error:
        raise Unreachable(why=type(error).__name__) from error


def asked_of_platform(asker: Asker, adapter: HearsComments | None, act: Callable[[HearsComments], None]) -> str:
    """The same; '' when it did it, else what to tell the person."""
    try:
        ask_platform(adapter, act)
    except XuandaError as error:
        return error.message(asker.language)
    return ""
