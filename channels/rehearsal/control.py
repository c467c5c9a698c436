"""The doors that belong to no platform: ledger, accounts, faults, clock, and what people do on their phones."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict

from channels.rehearsal import hotline, sms
from channels.rehearsal.changes import changed
from channels.rehearsal.cms import control as cms
from channels.rehearsal.faults import Fault
from channels.rehearsal.jpush import control as jpush
from channels.rehearsal.sftp import control as sftp
from channels.rehearsal.webpush import control as webpush
from channels.rehearsal.wechat import control as wechat
from channels.rehearsal.weibo import control as weibo

if TYPE_CHECKING:
    from channels.rehearsal.world import World


_PLATFORMS = {
    "wechat": wechat,
    "weibo": weibo,
    "jpush": jpush,
    "webpush": webpush,
    "cms": cms,
    "sftp": sftp,
    "sms": sms,
    "hotline": hotline,
}
_RULES = ("wechat", "weibo", "webpush")


class Step(BaseModel):
    """Move the clock on by `step` seconds, or to the moment `to` (ISO 8601 with offset), or back to now."""

    model_config = ConfigDict(extra="forbid")

    step: float = 0.0
    to: datetime | None = None
    right: bool = False


def router(world: World) -> APIRouter:
    """All control doors."""
    routes = APIRouter()
    _add_ledger(routes, world)
    _add_rules(routes, world)
    _add_faults(routes, world)
    _add_clock(routes, world)
    for platform in _PLATFORMS.values():
        platform.add_doors(routes, world)
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
        return {name: platform.accounts(world) for name, platform in _PLATFORMS.items()}


def _add_rules(routes: APIRouter, world: World) -> None:
    @routes.get("/control/rules")
    async def rules() -> dict[str, Any]:
        return {name: getattr(world.config, f"{name}_rules").model_dump() for name in _RULES}

    @routes.post("/control/rules/{platform}")
    async def change(platform: str, changes: dict[str, Any]) -> dict[str, Any]:
        if platform not in _RULES:
            raise HTTPException(404, "no such platform")
        name = f"{platform}_rules"
        setattr(world.config, name, changed(getattr(world.config, name), changes))
        return dict(getattr(world.config, name).model_dump())


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
