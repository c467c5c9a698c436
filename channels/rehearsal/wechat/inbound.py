"""What a person does on the phone: messages and events pushed to the account, and the answer that comes back.

Fields: developers.weixin.qq.com, Receiving_standard_messages and Receiving_event_pushes.
"""

from __future__ import annotations

import base64
import secrets
import time
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from channels.rehearsal.media import sniff
from channels.rehearsal.wechat import callbacks, custom, datacube
from channels.rehearsal.wechat.events import event_fields
from channels.rehearsal.wechat.material import TEMPORARY_SECONDS, picture_path
from channels.rehearsal.wechat.state import AccountState, Material, Person, media_id

if TYPE_CHECKING:
    from channels.rehearsal.world import World

_EVENTS = ("subscribe", "unsubscribe", "SCAN", "CLICK", "VIEW", "LOCATION")
# A visible dot, for a picture whose bytes do not matter.
_DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_SILENT = b"#!AMR\n" + bytes(32)
_FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(32)
# Nobody looks at a screen when these happen, so a fault is shown to no one.
_UNSEEN = ("unsubscribe", "VIEW", "LOCATION")


class NotFollowing(ValueError):
    """该用户已取消关注，不能发送消息。"""


class Inbound(BaseModel):
    """One act of one person; only the fields of its kind are used.

    `key` is EventKey (for a scan before following `qrscene_...`, for VIEW the address); `file` is Base64.
    """

    model_config = ConfigDict(extra="forbid")

    openid: str
    name: str = ""
    kind: Literal[
        "text",
        "image",
        "voice",
        "video",
        "shortvideo",
        "location",
        "link",
        "subscribe",
        "unsubscribe",
        "SCAN",
        "CLICK",
        "VIEW",
        "LOCATION",
    ] = "text"
    content: str = ""
    recognition: str = ""
    file: str = ""
    title: str = ""
    description: str = ""
    url: str = ""
    latitude: float = 0.0
    longitude: float = 0.0
    precision: float = 30.0
    scale: int = 15
    label: str = ""
    key: str = ""
    ticket: str = ""
    menu_id: int = 0
    msg_id: int = 0
    article: str = ""


async def arrive(world: World, state: AccountState, inbound: Inbound, base: str) -> dict[str, Any]:
    """Push it, record what came back and return that."""
    person = _person(world, state, inbound)
    _change(world, state, person, inbound.kind)
    fields = _fields(world, state, inbound, base)
    appid, openid = state.account.appid, person.openid
    world.ledger.add("wechat", appid, "inbound", openid=openid, name=person.name, what=inbound.kind, fields=fields)
    started = time.monotonic()
    outcome = await callbacks.push(world, state, fields)
    seconds = round(time.monotonic() - started, 3)
    result = {
        "openid": openid,
        "msg_id": fields.get("MsgId"),
        "tries": outcome.tries,
        "answered": outcome.answered,
        "seconds": seconds,
        "reply": outcome.reply,
        "fault": outcome.fault,
    }
    world.ledger.add("wechat", appid, "answered", **result)
    if outcome.reply:
        world.ledger.add("wechat", appid, "passive_reply", openid=openid, reply=outcome.reply)
    elif outcome.fault and state.account.callback and inbound.kind not in _UNSEEN:
        world.ledger.add(
            "wechat", appid, "service_fault", openid=openid, reason=outcome.fault, text=callbacks.SERVICE_FAULT
        )
    return result


def _person(world: World, state: AccountState, inbound: Inbound) -> Person:
    person = state.people.get(inbound.openid)
    if person is None:
        person = state.join(inbound.openid, inbound.name or inbound.openid, world.clock.now())
    if not person.following and inbound.kind not in ("subscribe", "SCAN"):
        raise NotFollowing
    return person


def _change(world: World, state: AccountState, person: Person, kind: str) -> None:
    now = world.clock.now()
    if kind == "subscribe":
        if not person.following:
            state.follows.append((now, 1))
        person.following, person.since = True, now
    elif kind == "unsubscribe":
        state.follows.append((now, -1))
        person.following, person.gone = False, now
        person.grants = {}
    elif number := datacube.upstream_type(kind):
        state.upstream.append((now, person.openid, number))
    custom.grant(person, kind, now)


def _fields(world: World, state: AccountState, inbound: Inbound, base: str) -> dict[str, Any]:
    now = world.clock.now()
    if inbound.kind in _EVENTS:
        return event_fields(state, inbound.openid, now, inbound.kind, _event_details(inbound))
    fields: dict[str, Any] = {
        "ToUserName": state.account.original_id,
        "FromUserName": inbound.openid,
        "CreateTime": int(now),
        "MsgType": inbound.kind,
        **_message_details(world, state, inbound, base),
        "MsgId": inbound.msg_id or _message_number(),
    }
    if inbound.article:
        message, _, index = inbound.article.rpartition("_")
        fields |= {"MsgDataId": int(message), "Idx": int(index)}
    return fields


def _event_details(inbound: Inbound) -> dict[str, Any]:
    match inbound.kind:
        case "LOCATION":
            place = {"Latitude": inbound.latitude, "Longitude": inbound.longitude}
            return place | {"Precision": inbound.precision}
        case "VIEW":
            return {"EventKey": inbound.key or inbound.url, "MenuId": inbound.menu_id}
        case "SCAN":
            return {"EventKey": inbound.key, "Ticket": inbound.ticket}
        case "subscribe" if inbound.key:
            return {"EventKey": inbound.key, "Ticket": inbound.ticket}
        case _:
            return {"EventKey": inbound.key}


def _message_details(world: World, state: AccountState, inbound: Inbound, base: str) -> dict[str, Any]:
    match inbound.kind:
        case "text":
            return {"Content": inbound.content}
        case "location":
            place = {"Location_X": inbound.latitude, "Location_Y": inbound.longitude}
            return place | {"Scale": inbound.scale, "Label": inbound.label}
        case "link":
            return {"Title": inbound.title, "Description": inbound.description, "Url": inbound.url}
        case "image":
            kept = _keep(world, state, inbound.file, _DOT, "image")
            return {"PicUrl": base + picture_path(kept.key, kept.form), "MediaId": kept.media_id}
        case "voice":
            kept = _keep(world, state, inbound.file, _SILENT, "voice")
            details = {"MediaId": kept.media_id, "Format": kept.form or "amr", "MediaId16K": kept.media_id}
            return details | {"Recognition": inbound.recognition}
        case _:
            kept = _keep(world, state, inbound.file, _FILM, "video")
            return {"MediaId": kept.media_id, "ThumbMediaId": kept.media_id}


def _keep(world: World, state: AccountState, given: str, default: bytes, kind: str) -> Material:
    content = base64.b64decode(given) if given else default
    kept = Material(
        media_id=media_id(),
        kind=kind,
        key=world.blobs.put(content),
        form=sniff(content) or "png",
        name="",
        created=world.clock.now(),
        ends=world.clock.now() + TEMPORARY_SECONDS,
    )
    state.temporary[kept.media_id] = kept
    return kept


def _message_number() -> int:
    # Sixty-four bits, as WeChat's are: too long for a double, which clients have lost digits over.
    return 23_000_000_000_000_000 + secrets.randbelow(10**15)
