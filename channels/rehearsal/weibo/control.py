"""Control doors of Weibo: accounts, fans' messages, comments and numbers beneath a post."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from channels.rehearsal.config import WeiboAccount
from channels.rehearsal.weibo import fans
from channels.rehearsal.weibo.state import Comment, UserState

if TYPE_CHECKING:
    from channels.rehearsal.world import World


class Address(BaseModel):
    """Where the fan service pushes."""

    url: str


class Reaction(BaseModel):
    """What readers do with a post: a comment, or new numbers of reposts and likes."""

    comment: str = ""
    name: str = "市民"
    uid: str = "9000000001"
    reposts: int = 0
    attitudes: int = 0


def accounts(world: World) -> list[dict[str, Any]]:
    """All users with what remains of today's calls."""
    return [_shown(world, user) for user in world.state.weibo.users.values()]


def add_doors(routes: APIRouter, world: World) -> None:
    """Add the doors below /control/weibo."""

    def user(uid: str) -> UserState:
        found = world.state.weibo.users.get(uid)
        if found is None:
            raise HTTPException(404, "no such account")
        return found

    @routes.post("/control/accounts/weibo")
    async def open_account(account: WeiboAccount) -> dict[str, Any]:
        return _shown(world, world.state.weibo.open(account, world.clock.now()))

    @routes.post("/control/weibo/{uid}/fan-service")
    async def set_address(uid: str, address: Address) -> dict[str, Any]:
        owner = user(uid)
        if not await fans.verify(world, owner, address.url):
            raise HTTPException(400, "验证失败")
        owner.account.fan_service_url = address.url
        return {"verified": True}

    @routes.post("/control/weibo/{uid}/push")
    async def push(uid: str, message: fans.FanMessage) -> dict[str, Any]:
        return await fans.arrive(world, user(uid), message)

    @routes.post("/control/weibo/{uid}/posts/{post_id}")
    async def react(uid: str, post_id: int, reaction: Reaction) -> dict[str, Any]:
        owner = user(uid)
        post = owner.posts.get(post_id)
        if post is None or post.deleted:
            raise HTTPException(404, "no such post")
        post.reposts += reaction.reposts
        post.attitudes += reaction.attitudes
        if reaction.comment:
            comment = Comment(
                id=owner.number(), text=reaction.comment, at=world.clock.now(), name=reaction.name, uid=reaction.uid
            )
            post.comments.append(comment)
            told = comment.model_dump(include={"id", "text", "name", "ours"})
            world.ledger.add("weibo", uid, "comment", post=post_id, **told)
        return {"reposts": post.reposts, "attitudes": post.attitudes, "comments": len(post.comments)}

    @routes.post("/control/weibo/{uid}/revoke")
    async def revoke(uid: str) -> dict[str, Any]:
        user(uid).revoked = True
        return {}


def _shown(world: World, user: UserState) -> dict[str, Any]:
    left = user.account.requests_per_day - user.counters.get(world.clock.day(), 0)
    return user.account.model_dump() | {"token": user.token, "requests_left": max(left, 0)}
