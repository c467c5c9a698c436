"""The doors that belong to no platform: ledger, accounts, faults, clock, and what people do on their phones."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from channels.rehearsal.config import Callback, WeChatAccount
from channels.rehearsal.faults import Fault
from channels.rehearsal.wechat import articles, callbacks, inbound, mass
from channels.rehearsal.wechat.state import AccountState, Person

if TYPE_CHECKING:
    from channels.rehearsal.world import World


class Step(BaseModel):
    """Move the clock on by `step` seconds, or to the moment `to` (ISO 8601 with offset), or back to now."""

    model_config = ConfigDict(extra="forbid")

    step: float = 0.0
    to: datetime | None = None
    right: bool = False


class Decision(BaseModel):
    """What the account's administrator does with a mass message that waits for him."""

    decision: Literal["confirm", "refuse", "lapse"]


class ReaderAct(BaseModel):
    """What a reader does with an article."""

    act: Literal["read", "share", "like", "zaikan", "favourite"] = "read"
    reader: str


class PersonChange(BaseModel):
    """A new follower, or a change of an old one."""

    openid: str
    name: str = ""
    following: bool = True
    blocked: bool = False


def router(world: World) -> APIRouter:
    """All control doors."""
    routes = APIRouter()
    _add_ledger(routes, world)
    _add_faults(routes, world)
    _add_clock(routes, world)
    _add_wechat(routes, world)
    return routes


def _add_ledger(routes: APIRouter, world: World) -> None:
    @routes.get("/ledger")
    async def ledger(
        platform: str = "", account: str = "", kind: str = "", since: int = 0, limit: int = 0
    ) -> dict[str, Any]:
        found = world.ledger.find(platform, account, kind, since, limit)
        last, cleared = world.ledger.last, world.ledger.cleared
        return {"last": last, "cleared": cleared, "now": world.clock.moment().isoformat(), "entries": found}

    @routes.post("/control/reset")
    async def reset() -> dict[str, Any]:
        world.reset()
        return {"last": world.ledger.last}

    @routes.get("/control/accounts")
    async def accounts() -> dict[str, Any]:
        return {"wechat": [_wechat_account(state) for state in world.state.wechat.accounts.values()]}

    @routes.post("/control/accounts/wechat")
    async def open_wechat(account: WeChatAccount) -> dict[str, Any]:
        return _wechat_account(world.open_wechat(account))


def _add_faults(routes: APIRouter, world: World) -> None:
    @routes.get("/control/faults")
    async def faults() -> list[Fault]:
        return world.faults.all()

    @routes.post("/control/faults")
    async def inject(fault: Fault) -> Fault:
        if fault.kind == "errcode" and not fault.code:
            raise HTTPException(422, "errcode needs a code")
        return world.faults.add(fault)

    @routes.delete("/control/faults")
    async def clear() -> dict[str, Any]:
        world.faults.clear()
        return {}

    @routes.delete("/control/faults/{number}")
    async def remove(number: int) -> dict[str, Any]:
        if not world.faults.remove(number):
            raise HTTPException(404)
        return {}


def _add_clock(routes: APIRouter, world: World) -> None:
    @routes.get("/control/clock")
    async def clock() -> dict[str, Any]:
        return {"now": world.clock.moment().isoformat(), "offset": world.clock.offset}

    @routes.post("/control/clock")
    async def step(step: Step) -> dict[str, Any]:
        if step.right:
            world.clock.offset = 0.0
        if step.to:
            world.clock.step(step.to.timestamp() - world.clock.now())
        world.clock.step(step.step)
        await world.run_due()
        return {"now": world.clock.moment().isoformat(), "offset": world.clock.offset}


def _add_wechat(routes: APIRouter, world: World) -> None:
    def account(appid: str) -> AccountState:
        state = world.state.wechat.accounts.get(appid)
        if state is None:
            raise HTTPException(404, "no such account")
        return state

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
        people = account(appid).people
        person = people.setdefault(change.openid, Person(openid=change.openid, since=world.clock.now()))
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


def _wechat_account(state: AccountState) -> dict[str, Any]:
    waiting = [job.msg_id for job in state.masses.values() if job.stage == "waiting"]
    people = [person.model_dump(include={"openid", "name", "following", "blocked"}) for person in state.people.values()]
    return state.account.model_dump() | {"people": people, "waiting": waiting, "menu": state.menu}
