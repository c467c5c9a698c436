"""The device interface: a phone's tags and alias, who has an alias, which tags there are (docs.jiguang.cn)."""

from __future__ import annotations

from typing import Any

from channels.rehearsal.jpush.codes import Refusal
from channels.rehearsal.jpush.state import AppState, Device


def answer(state: AppState, path: str, method: str, query: dict[str, str], body: dict[str, Any]) -> Any:
    """Answer a call below v3/devices, v3/aliases or v3/tags; 7000 for anything else."""
    parts = path.split("/")
    match method, parts:
        case "GET", ["v3", "devices", key]:
            return _told(_device(state, key))
        case "POST", ["v3", "devices", key]:
            return _change(_device(state, key), body)
        case "GET", ["v3", "aliases", alias]:
            return {"registration_ids": _with_alias(state, alias, query)}
        case "DELETE", ["v3", "aliases", alias]:
            for key in _with_alias(state, alias, query):
                state.devices[key].device.alias = ""
            return {}
        case "GET", ["v3", "tags"] | ["v3", "tags", ""]:
            return {"tags": sorted({tag for device in state.devices.values() for tag in device.device.tags})}
        case "GET", ["v3", "tags", tag, "registration_ids", key]:
            return {"result": tag in _device(state, key).device.tags}
        case "POST", ["v3", "tags", tag]:
            return _change_tag(state, tag, body.get("registration_ids") or {})
        case _:
            raise Refusal(7000)


def _device(state: AppState, key: str) -> Device:
    device = state.devices.get(key)
    if device is None:
        raise Refusal(7002)
    return device


def _told(device: Device) -> dict[str, Any]:
    return {"tags": device.device.tags, "alias": device.device.alias, "mobile": ""}


def _change(device: Device, body: dict[str, Any]) -> dict[str, Any]:
    tags, alias = body.get("tags"), body.get("alias")
    if tags == "":
        device.device.tags = []
    elif isinstance(tags, dict):
        kept = [tag for tag in device.device.tags if tag not in tags.get("remove", [])]
        device.device.tags = list(dict.fromkeys([*kept, *tags.get("add", [])]))
    elif tags is not None:
        raise Refusal(1003)
    if alias is not None:
        if not isinstance(alias, str):
            raise Refusal(1003)
        device.device.alias = alias
    return {}


def _change_tag(state: AppState, tag: str, changes: dict[str, Any]) -> dict[str, Any]:
    for key in changes.get("add", []):
        device = _device(state, key).device
        device.tags = list(dict.fromkeys([*device.tags, tag]))
    for key in changes.get("remove", []):
        device = _device(state, key).device
        device.tags = [one for one in device.tags if one != tag]
    return {}


def _with_alias(state: AppState, alias: str, query: dict[str, str]) -> list[str]:
    meant = [one for one in query.get("platform", "").split(",") if one]
    return [
        key
        for key, device in state.devices.items()
        if device.device.alias == alias and (not meant or device.device.platform in meant)
    ]
