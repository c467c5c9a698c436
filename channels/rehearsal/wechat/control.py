"""Control doors of WeChat: accounts, callback addresses, people and readers, the administrator's confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel
from starlette.requests import Request

from channels.rehearsal.config import Callback, WeChatAccount
from channels.rehearsal.wechat import articles, callbacks, comments, inbound, mass
from channels.rehearsal.wechat.state import AccountState, Comment, Person

if TYPE_CHECKING:
    from channels.rehearsal.world import World


class Decision(BaseModel):
    """What the account's administrator does with a mass message that waits for him."""

    decision: Literal["confirm", "refuse", "lapse"]


class ReaderAct(BaseModel):
    """What a reader does with an article."""

    act: Literal["read", "share", "like", "zaikan", "favourite"] = "read"
    reader: str


class ReaderComment(BaseModel):
    """What a reader writes beneath an article."""

    openid: str
    content: str


class PersonChange(BaseModel):
    """A new follower, or a change of an old one."""

    openid: str
    name: str = ""
    following: bool = True
    blocked: bool = False


def accounts(world: World) -> list[dict[str, Any]]:
    """All accounts with their people and the mass messages that wait for the administrator."""
    return [_shown(state) for state in world.state.wechat.accounts.values()]


def add_doors(routes: APIRouter, world: World) -> None:
    """Add the doors below /control/wechat."""

    def account(appid: str) -> AccountState:
        state = world.state.wechat.accounts.get(appid)
        if state is None:
            raise HTTPException(404, "no such account")
        return state

    @routes.post("/control/accounts/wechat")
    async def open_account(given: WeChatAccount) -> dict[str, Any]:
        return _shown(world.state.wechat.open(given, world.clock.now()))

    @routes.post("/control/wechat/{appid}/callback")
    async def set_callback(appid: str, callback: Callback) -> dict[str, Any]:
        state = account(appid)
        if not await callbacks.verify(world, callback):
            raise HTTPException(400, "token验证失败")
        state.account.callback = callback
        return {"verified": True}

    @routes.delete("/control/wechat/{appid}/callback")
    async def remove_callback(appid: str) -> dict[str, Any]:
        account(appid).account.callback = None
        return {}

    @routes.post("/control/wechat/{appid}/push")
    async def push(appid: str, arriving: inbound.Inbound, request: Request) -> dict[str, Any]:
        try:
            return await inbound.arrive(world, account(appid), arriving, world.base(request))
        except inbound.NotFollowing:
            raise HTTPException(409, "该用户已取消关注，不能发送消息。") from None

    @routes.post("/control/wechat/{appid}/people")
    async def person(appid: str, change: PersonChange) -> Person:
        state = account(appid)
        person = state.people.get(change.openid) or state.join(change.openid, change.name, world.clock.now())
        person.name = change.name or person.name
        person.following, person.blocked = change.following, change.blocked
        return person

    @routes.post("/control/wechat/{appid}/mass/{msg_id}")
    async def decide(appid: str, msg_id: int, chosen: Decision) -> dict[str, Any]:
        state = account(appid)
        job = state.masses.get(msg_id)
        if job is None:
            raise HTTPException(404, "no such message")
        if job.stage != "waiting":
            raise HTTPException(409, "the message is not waiting")
        mass.decide(world, state, job, chosen.decision)
        return {"stage": job.stage}

    @routes.post("/control/wechat/{appid}/pages/{page_id}")
    async def read(appid: str, page_id: str, done: ReaderAct) -> dict[str, Any]:
        page = account(appid).pages.get(page_id)
        if page is None or page.deleted:
            raise HTTPException(404, "no such page")
        articles.note(world, page, done.act, done.reader)
        world.ledger.add("wechat", appid, done.act, path=f"/wechat/s/{page_id}", reader=done.reader)
        return {"readings": len(page.readings)}

    @routes.post("/control/wechat/{appid}/pages/{page_id}/comments")
    async def comment(appid: str, page_id: str, written: ReaderComment) -> Comment:
        state = account(appid)
        page = state.pages.get(page_id)
        if page is None or page.deleted:
            raise HTTPException(404, "no such page")
        if not page.comments_open:
            raise HTTPException(409, "comments are closed")
        return comments.write(world, state, page, written.openid, written.content)


def _shown(state: AccountState) -> dict[str, Any]:
    waiting = [job.msg_id for job in state.masses.values() if job.stage == "waiting"]
    people = [person.model_dump(include={"openid", "name", "following", "blocked"}) for person in state.people.values()]
    return state.account.model_dump() | {"people": people, "waiting": waiting, "menu": state.menu}
