"""The fan service (粉丝服务): checks and reads what is pushed, writes the answer.

Rules: open.weibo.com/wiki, Receive_General_Message and Send_Passive_Response_Message. Messages carry no number: who,
when and the words tell a repeated push.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from channels.base import MENTION, Follower, Inbound, Message, Pushed, Reply
from channels.errors import BadPush, BadSignature
from kernel.typed import in_calendar, tidy

REPLY_CHARACTERS = 299
JOINED = frozenset({"follow", "subscribe", "scan_follow"})
LEFT = frozenset({"unfollow", "unsubscribe"})
TOUCHES = frozenset({"scan", "click", "view"})


def greet(secret: str, request: Pushed) -> bytes:
    """Answers the check of our address."""
    _check(secret, request)
    return request.query.get("echostr", "").encode()


def read(secret: str, request: Pushed) -> list[Inbound]:
    """The one message or event that was pushed."""
    _check(secret, request)
    try:
        fields = json.loads(request.body)
        found = _read(fields)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise BadPush(why=f"不是微博格式的内容：{tidy(str(error))}") from error
    return [found] if found else []


def passive(inbound: Message | Follower, reply: Reply | None) -> bytes:
    """The body that answers a push; empty means nothing to say."""
    if reply is None or not (reply.text or reply.url):
        return b""
    kind, data = content(reply)
    answer = {
        "result": True,
        "receiver_id": int(inbound.sender),
        "sender_id": int(inbound.to),
        "type": kind,
        "data": quote(json.dumps(data, ensure_ascii=False)),
    }
    return json.dumps(answer).encode()


def content(reply: Reply) -> tuple[str, dict[str, Any]]:
    """A reply in the platform's words: kind and data."""
    if reply.url:
        card = {"display_name": reply.title, "summary": reply.text, "image": reply.picture_url, "url": reply.url}
        return "articles", {"articles": [card]}
    cut = len(reply.text) > REPLY_CHARACTERS
    return "text", {"text": reply.text[: REPLY_CHARACTERS - 2] + "……" if cut else reply.text}


def signature(secret: str, timestamp: str, nonce: str) -> str:
    """sha1 over the sorted app secret, timestamp and nonce."""
    joined = "".join(sorted([secret, timestamp, nonce]))
    return hashlib.sha1(joined.encode()).hexdigest()  # noqa: S324 - the protocol's own choice.


def _check(secret: str, request: Pushed) -> None:
    made = signature(secret, request.query.get("timestamp", ""), request.query.get("nonce", ""))
    if not secret or not hmac.compare_digest(request.query.get("signature", "").encode(), made.encode()):
        raise BadSignature


def _read(fields: Mapping[str, Any]) -> Inbound | None:
    kind, data, text = str(fields["type"]), fields.get("data") or {}, tidy(str(fields.get("text") or ""))
    sender, to = str(int(fields["sender_id"])), str(int(fields["receiver_id"]))
    at = datetime.strptime(str(fields["created_at"]), "%a %b %d %H:%M:%S %z %Y").astimezone(UTC)
    in_calendar(at)
    told = hashlib.sha256(f"{kind} {text} {json.dumps(data, sort_keys=True)}".encode()).hexdigest()[:16]
    key = f"{sender}-{int(at.timestamp())}-{told}"
    if kind != "event":
        media = {name: str(value) for name, value in data.items() if value is not None}
        if kind == "mention":
            return Message(key, sender, "text", text, at, {**media, MENTION: media.get("subtype") or MENTION}, to)
        return Message(key, sender, "location" if kind == "position" else kind, text, at, media, to)
    event = str(data.get("subtype", ""))
    if event not in JOINED | LEFT | TOUCHES:
        return None  # Of a kind to come, and nobody's words.
    if event in JOINED | LEFT:
        return Follower(key, sender, event in JOINED, at, str(data.get("key", "")), to)
    return Message(key, sender, event, str(data.get("key", "")), at, {}, to)
