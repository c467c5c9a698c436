"""Comments: show, create, reply and destroy (open.weibo.com/wiki/2/comments/show)."""

from __future__ import annotations

from typing import Any

from channels.rehearsal.weibo.call import Api, Call, shown_comment
from channels.rehearsal.weibo.codes import Refusal
from channels.rehearsal.weibo.state import Comment
from channels.rehearsal.weibo.statuses import characters

A_PAGE = 50


async def show(call: Call) -> dict[str, Any]:
    """comments/show: newest first, since_id and max_id as bounds, 50 a page and no more, however many are asked for."""
    user, post = call.post()
    since, until = call.number("since_id", 0), call.number("max_id", 0)
    count, page = min(call.number("count", A_PAGE), A_PAGE), max(call.number("page", 1), 1)
    found = [one for one in post.comments if one.id > since and (not until or one.id <= until)]
    found.sort(key=lambda one: one.id, reverse=True)
    start = (page - 1) * count
    shown = [shown_comment(call, user, post, one) for one in found[start : start + count]]
    return {"comments": shown, "total_number": len(found)}


async def create(call: Call) -> dict[str, Any]:
    """comments/create: the account comments on a post."""
    return _write(call, 0)


async def reply(call: Call) -> dict[str, Any]:
    """comments/reply: the account answers a comment, `cid`."""
    wanted = call.number("cid")
    _, post = call.post()
    if all(one.id != wanted for one in post.comments):
        raise Refusal(20201)
    return _write(call, wanted)


async def destroy(call: Call) -> dict[str, Any]:
    """comments/destroy: the account's own comments only; answers the comment that is gone."""
    wanted = call.number("cid")
    for user in call.world.state.weibo.users.values():
        for post in user.posts.values():
            found = next((one for one in post.comments if one.id == wanted), None)
            if found is None:
                continue
            if not found.ours or found.name != call.user.account.name:
                raise Refusal(20203)
            answer = shown_comment(call, user, post, found)
            post.comments.remove(found)
            call.record("comment_deleted", id=wanted, post=post.id)
            return answer
    raise Refusal(20201)


def _write(call: Call, reply_to: int) -> dict[str, Any]:
    text = call.needed("comment")
    call.address_of_operator()
    user, post = call.post()
    if not text.strip():
        raise Refusal(20008)
    if characters(text) > call.world.config.weibo_rules.characters:
        raise Refusal(20012)
    name = call.user.account.name
    window = call.world.config.weibo_rules.duplicate_seconds
    if any(one.ours and one.text == text and call.now - one.at < window for one in post.comments):
        raise Refusal(20019, "repeat content!")
    comment = Comment(id=call.user.number(), text=text, at=call.now, name=name, ours=True, reply_to=reply_to)
    post.comments.append(comment)
    call.record("comment", id=comment.id, post=post.id, text=text, name=name, ours=True, reply_to=reply_to)
    return shown_comment(call, user, post, comment)


APIS = {
    "2/comments/show.json": Api(show),
    "2/comments/create.json": Api(create, "POST"),
    "2/comments/reply.json": Api(reply, "POST", advanced=True),
    "2/comments/destroy.json": Api(destroy, "POST", advanced=True),
}
