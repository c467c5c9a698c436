"""Who a push reaches, and its delivery to phones that are online now or within its time to live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from channels.rehearsal.jpush import payload
from channels.rehearsal.jpush.codes import Refusal
from channels.rehearsal.jpush.state import AppState, Device, Message

if TYPE_CHECKING:
    from channels.rehearsal.world import World

DAY = 24 * 3600


def push(world: World, state: AppState, body: dict[str, Any]) -> dict[str, Any]:
    """Send; the same cid within a day answers as the first time and sends nothing."""
    now, cid, options = world.clock.now(), body.get("cid", ""), body.get("options") or {}
    known = state.cids.get(cid)
    if cid and known and now - known[0] < DAY:
        world.ledger.add("jpush", state.app.app_key, "repeated", cid=cid, msg_id=known[1]["msg_id"])
        return known[1]
    _check_override(state, options.get("override_msg_id"), now)
    message = _message(state, body, options, now)
    if not message.targets:
        raise Refusal(1011, msg_id=message.msg_id)
    state.messages[message.msg_id] = message
    answer = {"sendno": str(options.get("sendno", 0)), "msg_id": message.msg_id}
    if cid:
        state.cids[cid] = (now, answer)
    _deliver(world, state, message, cid, body)
    return answer


def revoke(world: World, state: AppState, msg_id: str) -> dict[str, Any]:
    """Take a push back: it leaves the queue, and phones that have not opened it drop it."""
    message = state.messages.get(msg_id)
    if message is None:
        raise Refusal(1003, "msgid doesn't exist")
    _drop(state, msg_id)
    message.ends, message.revoked = world.clock.now(), True
    dropped = [key for key in message.received if key in state.devices]
    world.ledger.add("jpush", state.app.app_key, "push_revoked", msg_id=msg_id, shown=message.shown, dropped=dropped)
    return {}


def come_online(world: World, state: AppState, device: Device) -> None:
    """A phone is back: it gets what waited for it and has not ended."""
    device.online = True
    waiting, device.waiting = device.waiting, []
    for msg_id in waiting:
        message = state.messages[msg_id]
        if message.ends > world.clock.now():
            _receive(message, device)
            shown = {device.device.registration_id: message.shown[device.device.platform]}
            world.ledger.add("jpush", state.app.app_key, "push", msg_id=msg_id, late=True, shown=shown)


def report(state: AppState, msg_id: str) -> dict[str, Any]:
    """One line of the received report; null means that the message did not go to that platform."""
    message = state.messages.get(msg_id)
    counts = {name: _counted(state, message, name) for name in payload.PLATFORMS}
    maker, own = _counted(state, message, "android", vendor=True), _counted(state, message, "android", vendor=False)
    silent = message is not None and any(one["silent"] for one in message.shown.values())
    return {
        "msg_id": msg_id,
        "jpush_received": own[1],
        "android_pns_sent": maker[0],
        "android_pns_received": maker[1],
        "ios_apns_sent": counts["ios"][0],
        "ios_apns_received": counts["ios"][1],
        "ios_msg_received": counts["ios"][1] if silent else None,
        "quickapp_jpush_received": counts["quickapp"][1],
        "quickapp_pns_sent": counts["quickapp"][0],
        "hmos_hmpns_sent": counts["hmos"][0],
        "hmos_hmpns_received": counts["hmos"][1],
        "hmos_msg_sent": counts["hmos"][0] if silent else None,
        "hmos_msg_received": counts["hmos"][1] if silent else None,
        "wp_mpns_sent": None,
    }


def _counted(
    state: AppState, message: Message | None, platform: str, vendor: bool | None = None
) -> tuple[int, int] | tuple[None, None]:
    """How many phones of a platform it went to and how many got it; of those with or without the maker's service."""
    if message is None or not any(_platform(state, one) == platform for one in message.targets):
        return None, None

    def number(keys: list[str]) -> int:
        phones = [state.devices[one].device for one in keys if _platform(state, one) == platform]
        return sum(vendor is None or phone.vendor == vendor for phone in phones)

    return number(message.targets), number(message.received)


def targets(state: AppState, body: dict[str, Any], production: bool) -> list[str]:
    """The phones a push is meant for: all kinds of its audience together, on its platforms."""
    meant = payload.platforms(body["platform"])
    return [
        key
        for key, device in state.devices.items()
        if device.device.platform in meant
        and (device.device.platform != "ios" or device.device.production == production)
        and (body["audience"] == "all" or _fits(device, body["audience"]))
    ]


def _fits(device: Device, audience: dict[str, list[str]]) -> bool:
    tags = set(device.device.tags)
    tests = {
        "tag": lambda words: bool(tags & set(words)),
        "tag_and": lambda words: set(words) <= tags,
        "tag_not": lambda words: not tags & set(words),
        "alias": lambda words: device.device.alias in words,
        "registration_id": lambda words: device.device.registration_id in words,
    }
    return all(tests[kind](words) for kind, words in audience.items())


def _message(state: AppState, body: dict[str, Any], options: dict[str, Any], now: float) -> Message:
    production = options.get("apns_production", True)
    shown = payload.shown(body, state.app.name)
    meant = [key for key in targets(state, body, production) if state.devices[key].device.platform in shown]
    ends = now + options.get("time_to_live", DAY)
    return Message(msg_id=state.number(), at=now, ends=ends, shown=shown, targets=meant)


def _drop(state: AppState, msg_id: str) -> None:
    """What still waits for a phone waits no more."""
    for device in state.devices.values():
        device.waiting = [one for one in device.waiting if one != msg_id]


def _deliver(world: World, state: AppState, message: Message, cid: str, body: dict[str, Any]) -> None:
    shows = {}
    replaced = (body.get("options") or {}).get("override_msg_id")
    if replaced is not None:
        _drop(state, str(replaced))
    for key in message.targets:
        device = state.devices[key]
        if device.online or device.device.vendor:  # The maker's service is always there.
            _receive(message, device)
            shows[key] = message.shown[device.device.platform]
        elif message.ends > message.at:
            device.waiting.append(message.msg_id)
    world.ledger.add(
        "jpush",
        state.app.app_key,
        "push",
        msg_id=message.msg_id,
        cid=cid,
        late=False,
        shown=shows,
        targets=message.targets,
        replaces=None if replaced is None else str(replaced),
        body=body,
    )


def _receive(message: Message, device: Device) -> None:
    message.received.append(device.device.registration_id)


def _check_override(state: AppState, wanted: Any, now: float) -> None:
    if wanted is None:
        return
    message = state.messages.get(str(wanted))
    if message is None or now - message.at >= DAY:
        raise Refusal(1003, "Invalid options.override_msg_id.")


def _platform(state: AppState, registration_id: str) -> str:
    device = state.devices.get(registration_id)
    return device.device.platform if device else ""
