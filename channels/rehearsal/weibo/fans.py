"""The fan service: private messages pushed to the account's address, and its answers.

Rules: open.weibo.com/wiki Receive_General_Message, Send_Passive_Response_Message and C/2/messages/reply/biz.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote_plus, urlencode

from pydantic import BaseModel, ConfigDict

from channels.rehearsal import outgoing
from channels.rehearsal.weibo.call import Api, Call, written
from channels.rehearsal.weibo.codes import Refusal
from channels.rehearsal.weibo.state import UserState

if TYPE_CHECKING:
    from channels.rehearsal.world import World

REPLY_CHARACTERS = 300
REPLY_ARTICLES = 8
HOURS_48 = 48 * 3600
_OPENS = ("follow", "subscribe", "click", "scan", "scan_follow")


class FanMessage(BaseModel):
    """What a fan sends; `subtype` and `key` belong to an event, `data` to a picture, place or voice."""

    model_config = ConfigDict(extra="forbid")

    sender_id: str = "9000000001"
    type: Literal["text", "position", "voice", "image", "event", "mention"] = "text"
    text: str = ""
    subtype: str = ""
    key: str = ""
    data: dict[str, Any] = {}


class BadReply(ValueError):
    """The account's answer is none Weibo accepts; the text says why."""


def signature(secret: str, timestamp: str, nonce: str) -> str:
    """sha1 over the sorted app secret, timestamp and nonce."""
    joined = "".join(sorted([secret, timestamp, nonce]))
    return hashlib.sha1(joined.encode()).hexdigest()  # noqa: S324 - the protocol's own choice


async def verify(world: World, user: UserState, url: str) -> bool:
    """The check made when an address is entered: GET with echostr, answered exactly."""
    echo = secrets.token_hex(8)
    answer = await outgoing.call(
        "GET", _signed(world, user, url, echostr=echo), seconds=world.config.weibo_rules.reply_seconds
    )
    return answer.status == 200 and answer.body == echo.encode()


async def arrive(world: World, user: UserState, message: FanMessage) -> dict[str, Any]:
    """Push a fan's message until it is answered, and record the answer."""
    fields = _fields(world, user, message)
    uid, rules = user.account.uid, world.config.weibo_rules
    if message.type not in ("event", "mention") or message.subtype in _OPENS:
        user.windows[message.sender_id] = world.clock.now() + HOURS_48
    elif message.type == "mention":
        user.mentions.append(message.sender_id)
    world.ledger.add("weibo", uid, "fan_message", **fields)
    body = json.dumps(fields, ensure_ascii=False).encode()
    tries: list[str] = []
    reply: dict[str, Any] = {}
    fault = "no answer in time" if user.account.fan_service_url else "no address"
    for _ in range(rules.pushes if user.account.fan_service_url else 0):
        url = _signed(world, user, user.account.fan_service_url)
        answer = await outgoing.call("POST", url, body, "application/json", rules.reply_seconds)
        tries.append(answer.problem or str(answer.status))
        if answer.status != 200:
            continue
        try:
            reply, fault = read_reply(user, message.sender_id, answer.body), ""
        except BadReply as bad:
            fault = str(bad)
        break
    result = {"sender_id": message.sender_id, "tries": tries, "reply": reply, "fault": fault}
    world.ledger.add("weibo", uid, "fan_answered", **result)
    if reply:
        world.ledger.add("weibo", uid, "fan_reply", to=message.sender_id, text=_told(reply), reply=reply)
    return result


def read_reply(user: UserState, sender: str, body: bytes) -> dict[str, Any]:
    """A passive reply with its data decoded, {} for an empty body; BadReply says what is wrong with it."""
    if not body.strip():
        return {}
    try:
        reply = json.loads(body)
        data = json.loads(unquote_plus(reply["data"]))
    except (ValueError, KeyError, TypeError):
        raise BadReply("not the JSON of a reply") from None
    if reply.get("result") is not True:
        raise BadReply("result is not true")
    if str(reply.get("receiver_id")) != sender or str(reply.get("sender_id")) != user.account.uid:
        raise BadReply("receiver_id or sender_id is not the other's")
    _check_data(str(reply.get("type")), data)
    return {"type": reply["type"], "data": data}


async def reply(call: Call) -> dict[str, Any]:
    """2/messages/reply: an active answer within 48 hours of a message, or once after a mention."""
    receiver, kind = call.needed("receiver_id"), call.needed("type")
    try:
        data = json.loads(unquote_plus(call.needed("data")))
        _check_data(kind, data)
    except (ValueError, BadReply):
        raise Refusal(10008) from None
    if call.user.windows.get(receiver, 0.0) <= call.now:
        if receiver not in call.user.mentions:
            raise Refusal(10014)
        call.user.mentions.remove(receiver)
    call.record("fan_reply", to=receiver, text=_told({"data": data}), reply={"type": kind, "data": data})
    return {"result": True, "sender_id": call.user.account.uid, "receiver_id": receiver, "type": kind}


def _fields(world: World, user: UserState, message: FanMessage) -> dict[str, Any]:
    data = dict(message.data)
    if message.type == "event":
        data = {"subtype": message.subtype} | ({"key": message.key} if message.key else {})
    return {
        "type": message.type,
        "receiver_id": int(user.account.uid),
        "sender_id": int(message.sender_id),
        "created_at": written(world.clock.moment()),
        "text": message.text,
        "data": data,
    }


def _signed(world: World, user: UserState, url: str, **more: str) -> str:
    timestamp, nonce = str(int(world.clock.now() * 1000)), str(secrets.randbelow(10**8))
    query = {"signature": signature(user.account.app_secret, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query | more)}"


def _check_data(kind: str, data: Any) -> None:
    if not isinstance(data, dict):
        raise BadReply("data is no object")
    if kind == "text":
        text = data.get("text")
        if not isinstance(text, str) or not text:
            raise BadReply("text missing")
        if len(text) >= REPLY_CHARACTERS:
            raise BadReply("text not under 300 characters")
    elif kind == "articles":
        listed = data.get("articles")
        if not isinstance(listed, list) or not 1 <= len(listed) <= REPLY_ARTICLES:
            raise BadReply("articles takes 1 to 8")
        needed = ("display_name", "summary", "image", "url")
        if not all(isinstance(one, dict) and all(name in one for name in needed) for one in listed):
            raise BadReply("an article lacks a field")
    elif kind != "position":
        raise BadReply("unknown type")


def _told(reply: dict[str, Any]) -> str:
    data = reply["data"]
    if "articles" in data:
        return "\n".join(str(one["display_name"]) for one in data["articles"])
    return str(data.get("text", "位置"))


APIS = {"2/messages/reply.json": Api(reply, "POST")}
