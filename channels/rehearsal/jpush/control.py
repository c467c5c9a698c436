"""Control doors of JPush: apps and their phones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException

from channels.rehearsal.config import JPushApp, JPushDevice
from channels.rehearsal.jpush import pushing
from channels.rehearsal.jpush.state import AppState, Device

if TYPE_CHECKING:
    from channels.rehearsal.world import World


def accounts(world: World) -> list[dict[str, Any]]:
    """All apps with their phones."""
    return [_shown(state) for state in world.state.jpush.apps.values()]


def add_doors(routes: APIRouter, world: World) -> None:
    """Add the doors below /control/jpush."""

    def app(key: str) -> AppState:
        state = world.state.jpush.apps.get(key)
        if state is None:
            raise HTTPException(404, "no such app")
        return state

    @routes.post("/control/accounts/jpush")
    async def open_app(given: JPushApp) -> dict[str, Any]:
        return _shown(world.state.jpush.open(given))

    @routes.post("/control/jpush/{key}/devices")
    async def add_device(key: str, device: JPushDevice) -> dict[str, Any]:
        state = app(key)
        known = state.devices.get(device.registration_id)
        if known:
            known.device = device
        else:
            state.devices[device.registration_id] = Device(device=device)
        return _shown(state)

    @routes.delete("/control/jpush/{key}/devices/{registration_id}")
    async def remove_device(key: str, registration_id: str) -> dict[str, Any]:
        if app(key).devices.pop(registration_id, None) is None:
            raise HTTPException(404, "no such phone")
        return {}

    @routes.post("/control/jpush/{key}/devices/{registration_id}/{state}")
    async def switch(key: str, registration_id: str, state: str) -> dict[str, Any]:
        owner = app(key)
        device = owner.devices.get(registration_id)
        if device is None or state not in ("online", "offline"):
            raise HTTPException(404, "no such phone or state")
        if state == "online":
            pushing.come_online(world, owner, device)
        else:
            device.online = False
        return {"online": device.online}


def _shown(state: AppState) -> dict[str, Any]:
    devices = [known.device.model_dump() | {"online": known.online} for known in state.devices.values()]
    return state.app.model_dump() | {"devices": devices}
