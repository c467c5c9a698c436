"""Control doors of WeChat: accounts, callback addresses, people and readers, the administrator's confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel
from starlette.requests import Request

from channels.rehearsal.changes import changed
from channels.rehearsal.config import Callback, WeChatAccount
from channels.rehearsal.wechat import articles, callbacks, comments, inbound, mass, menu, template
from channels.rehearsal.wechat.state import AccountState, Comment, Person

if TYPE_CHECKING:
    from channels.rehearsal.world import World


class Decision(BaseModel):
    """What the account's administrator does with a mass message that waits for him."""

    decision: Literal["confirm", "refuse", "lapse"]


class Ending(BaseModel):
    """How a publication ends without the interface: 5 deleted by a person in the console, 6 banned by the platform."""

    status: Literal[5, 6]


class ReaderAct(BaseModel):
    """What a reader does with an article."""

    act: Literal["read", "share", "like", "zaikan", "favourite"] = "read"
    reader: str


class ReaderComment(BaseModel):
    """What a reader writes beneath an article."""

    openid: str
    content: str


class PersonChange(BaseModel):
    """A new follower, or a change of an old one; `allows` counts the notices he agreed to by template."""

    openid: str
    name: str = ""
    following: bool = True
    blocked: bool = False
    allows: dict[str, int] | None = None


class Agreement(BaseModel):
    """What a follower decides about notices: in the window, where he may leave some out (`refused`) and be asked no
    more (`keep`), or later on in his list of them (`change`: he refuses)."""

    openid: str
    templates: list[str]
    refused: list[str] = []
    how: Literal["accept", "reject", "change"] = "accept"
    keep: bool = False


def accounts(world: World) -> list[dict[str, Any]]:
    """All accounts with their people and the mass messages that wait for the administrator."""
    return [_shown(state) for state in world.state.wechat.accounts.values()]


def add_doors(routes: APIRouter, world: World) -> None:
    """Add the doors below /control/wechat."""
    _add_account_doors(routes, world)
    _add_people_doors(routes, world)
    _add_content_doors(routes, world)


def _add_account_doors(routes: APIRouter, world: World) -> None:
    @routes.post("/control/accounts/wechat")
    async def open_account(given: WeChatAccount) -> dict[str, Any]:
        return _shown(world.state.wechat.open(given, world.clock.now()))

    @routes.post("/control/wechat/{appid}/settings")
    async def change(appid: str, changes: dict[str, Any]) -> dict[str, Any]:
        state = _account(world, appid)
        fresh = changed(state.account, changes)
        if fresh.appid != appid:
            raise HTTPException(422, "an appid does not change")
        return _shown(world.state.wechat.open(fresh, world.clock.now()))

    @routes.post("/control/wechat/{appid}/callback")
    async def set_callback(appid: str, callback: Callback) -> dict[str, Any]:
        state = _account(world, appid)
        if not await callbacks.verify(world, callback):
            raise HTTPException(400, "token验证失败")
        state.account.callback = callback
        return {"verified": True}

    @routes.delete("/control/wechat/{appid}/callback")
    async def remove_callback(appid: str) -> dict[str, Any]:
        _account(world, appid).account.callback = None
        return {}


def _add_people_doors(routes: APIRouter, world: World) -> None:
    @routes.post("/control/wechat/{appid}/push")
    async def push(appid: str, arriving: inbound.Inbound, request: Request) -> dict[str, Any]:
        try:
            return await inbound.arrive(world, _account(world, appid), arriving, world.base(request))
        except inbound.NotFollowing:
            raise HTTPException(409, "该用户已取消关注，不能发送消息。") from None

    @routes.post("/control/wechat/{appid}/people")
    async def person(appid: str, change: PersonChange) -> Person:
        state = _account(world, appid)
        person = state.people.get(change.openid) or state.join(change.openid, change.name, world.clock.now())
        person.name = change.name or person.name
        person.following, person.blocked = change.following, change.blocked
        person.allows = person.allows if change.allows is None else dict(change.allows)
        return person

    @routes.post("/control/wechat/{appid}/agreements")
    async def agree(appid: str, given: Agreement) -> Person:
        status, later = "accept" if given.how == "accept" else "reject", given.how == "change"
        decided = dict.fromkeys(given.templates, status) | dict.fromkeys(given.refused, "reject")
        keep = given.keep and not later
        try:
            return await template.decide(world, _account(world, appid), given.openid, decided, later=later, keep=keep)
        except KeyError as missing:
            raise HTTPException(422, f"the account has no subscribe message {missing}") from None


def _add_content_doors(routes: APIRouter, world: World) -> None:
    @routes.post("/control/wechat/{appid}/mass/{msg_id}")
    async def decide(appid: str, msg_id: int, chosen: Decision) -> dict[str, Any]:
        state = _account(world, appid)
        job = state.masses.get(msg_id)
        if job is None:
            raise HTTPException(404, "no such message")
        if job.stage != "waiting":
            raise HTTPException(409, "the message is not waiting")
        mass.decide(world, state, job, chosen.decision)
        return {"stage": job.stage}

    @routes.post("/control/wechat/{appid}/publications/{publish_id}")
    async def take_down(appid: str, publish_id: str, ending: Ending) -> dict[str, Any]:
        state = _account(world, appid)
        publication = state.publications.get(publish_id)
        if publication is None or not publication.pages:
            raise HTTPException(404, "nothing published under this number")
        publication.status = ending.status
        for key in publication.pages:
            state.pages[key].deleted = True
        paths = [f"/wechat/s/{key}" for key in publication.pages]
        titles = [state.pages[key].article.title for key in publication.pages]
        world.ledger.add("wechat", appid, "publish_deleted", by="platform", paths=paths, titles=titles)
        return {"status": publication.status}

    @routes.post("/control/wechat/{appid}/pages/{page_id}")
    async def read(appid: str, page_id: str, done: ReaderAct) -> dict[str, Any]:
        page = _account(world, appid).pages.get(page_id)
        if page is None or page.deleted:
            raise HTTPException(404, "no such page")
        articles.note(world, page, done.act, done.reader)
        world.ledger.add("wechat", appid, done.act, path=f"/wechat/s/{page_id}", reader=done.reader)
        return {"readings": len(page.readings)}

    @routes.post("/control/wechat/{appid}/pages/{page_id}/comments")
    async def comment(appid: str, page_id: str, written: ReaderComment) -> Comment:
        state = _account(world, appid)
        page = state.pages.get(page_id)
        if page is None or page.deleted:
            raise HTTPException(404, "no such page")
        if not page.comments_open:
            raise HTTPException(409, "comments are closed")
        return comments.write(world, state, page, written.openid, written.content)


def _account(world: World, appid: str) -> AccountState:
    state = world.state.wechat.accounts.get(appid)
    if state is None:
        raise HTTPException(404, "no such account")
    return state


def _shown(state: AccountState) -> dict[str, Any]:
    waiting = [job.msg_id for job in state.masses.values() if job.stage == "waiting"]
    shown = {"openid", "name", "following", "blocked", "allows", "keeps"}
    people = [person.model_dump(include=shown) for person in state.people.values()]
    return state.account.model_dump() | {"people": people, "waiting": waiting, "menu": menu.shown(state)}
