"""Comments beneath articles: open, close, list, choose, delete and answer (doc/service/api/leaving).

An article is named by msg_data_id and an index that counts from 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from channels.rehearsal.wechat.call import OK, Api, Call
from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.state import AccountState, Comment, Page

if TYPE_CHECKING:
    from channels.rehearsal.world import World

MOST_LISTED = 50
REPLY_UNITS = 600


async def open_comments(call: Call) -> dict[str, Any]:
    """comment/open."""
    _page(call).comments_open = True
    return OK


async def close_comments(call: Call) -> dict[str, Any]:
    """comment/close."""
    _page(call).comments_open = False
    return OK


async def listed(call: Call) -> dict[str, Any]:
    """comment/list: newest first; type 0 all, 1 ordinary, 2 chosen; count must be under 50."""
    page = _page(call)
    begin, count, kind = call.number("begin", 0), call.number("count", 0), call.number("type", 0)
    if begin < 0 or not 0 < count < MOST_LISTED:
        raise Refusal(88010)
    found = [one for one in reversed(page.comments) if not one.deleted and kind in (0, 2 if one.elected else 1)]
    return OK | {"total": len(found), "comment": [_shown(one) for one in found[begin : begin + count]]}


async def mark(call: Call) -> dict[str, Any]:
    """comment/markelect."""
    _comment(call).elected = True
    return OK


async def unmark(call: Call) -> dict[str, Any]:
    """comment/unmarkelect."""
    _comment(call).elected = False
    return OK


async def delete(call: Call) -> dict[str, Any]:
    """comment/delete."""
    _comment(call).deleted = True
    return OK


async def reply(call: Call) -> dict[str, Any]:
    """comment/reply/add: one answer to a comment."""
    comment, content = _comment(call), call.text("content")
    if not content or len(content) > REPLY_UNITS:
        raise Refusal(88007)
    if comment.reply:
        raise Refusal(88005)
    comment.reply, comment.replied = content, call.now
    call.record("comment_reply", user_comment_id=comment.user_comment_id, content=content)
    return OK


async def delete_reply(call: Call) -> dict[str, Any]:
    """comment/reply/delete."""
    comment = _comment(call)
    if not comment.reply:
        raise Refusal(88009)
    comment.reply = ""
    return OK


def write(world: World, state: AccountState, page: Page, openid: str, content: str) -> Comment:
    """A reader comments on an article."""
    number = 1 + sum(len(one.comments) for one in state.pages.values())
    comment = Comment(user_comment_id=number, openid=openid, content=content, at=world.clock.now())
    page.comments.append(comment)
    world.ledger.add(
        "wechat",
        state.account.appid,
        "comment",
        path=f"/wechat/s/{page.page_id}",
        user_comment_id=number,
        openid=openid,
        content=content,
    )
    return comment


def _page(call: Call) -> Page:
    if not call.state.account.comment_privilege:
        raise Refusal(88000)
    message, index = call.number("msg_data_id", 0), call.number("index", 0)
    for page in call.state.pages.values():
        if page.msg_data_id == message and page.idx == index + 1 and not page.deleted:
            return page
    raise Refusal(88001)


def _comment(call: Call) -> Comment:
    wanted = call.number("user_comment_id", 0)
    for comment in _page(call).comments:
        if comment.user_comment_id == wanted and not comment.deleted:
            return comment
    raise Refusal(88008)


def _shown(comment: Comment) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "user_comment_id": comment.user_comment_id,
        "openid": comment.openid,
        "create_time": int(comment.at),
        "content": comment.content,
        "comment_type": int(comment.elected),
    }
    if comment.reply:
        answer["reply"] = {"content": comment.reply, "create_time": int(comment.replied)}
    return answer


_ACTS = {
    "open": open_comments,
    "close": close_comments,
    "list": listed,
    "markelect": mark,
    "unmarkelect": unmark,
    "delete": delete,
    "reply/add": reply,
    "reply/delete": delete_reply,
}
APIS = {f"cgi-bin/comment/{name}": Api(act, certified=True) for name, act in _ACTS.items()}
