"""The push service: each refusal of RFC 8030, and delivery to a browser that is connected now or later."""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from channels.rehearsal.webpush import base64url, browser, vapid
from channels.rehearsal.webpush.state import Subscription, Waiting

if TYPE_CHECKING:
    from channels.rehearsal.world import World

MOST_BYTES = 4096
LONGEST_TTL = 30 * 24 * 3600
URGENCIES = ("very-low", "low", "normal", "high")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")


class Refusal(Exception):
    """The push service's answer to a message it does not take."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


def router(world: World) -> APIRouter:
    """The subscriptions' addresses, to be put below /webpush."""
    routes = APIRouter()

    @routes.post("/{subscription_id}")
    async def push(subscription_id: str, request: Request) -> Response:
        try:
            return await _push(world, subscription_id, request)
        except Refusal as refused:
            world.ledger.add("webpush", subscription_id, "call", status=refused.status, why=refused.why)
            return _refused(refused.status, refused.why)

    return routes


def refusal(code: int, path: str) -> Response:  # noqa: ARG001 - the answer is the same everywhere.
    """The answer with a given HTTP status."""
    return _refused(code, "injected")


def throttled(path: str, seconds: float) -> Response:  # noqa: ARG001 - the answer is the same everywhere.
    """The answer to a sender who is too fast."""
    return _refused(429, "too many requests", {"Retry-After": str(max(int(seconds), 1))})


def connect(world: World, subscription: Subscription) -> None:
    """The browser is back: it gets what waited for it and has not ended."""
    subscription.online = True
    waiting, subscription.waiting = subscription.waiting, []
    for message in waiting:
        if message.ends > world.clock.now():
            _deliver(world, subscription, message)


async def _push(world: World, subscription_id: str, request: Request) -> Response:
    subscription = world.state.webpush.subscriptions.get(subscription_id)
    if subscription is None:
        raise Refusal(404, "no such subscription")
    if subscription.gone:
        raise Refusal(subscription.gone, "the subscription is gone")
    ttl = _ttl(request.headers.get("ttl"))
    urgency = request.headers.get("urgency", "normal")
    if urgency not in URGENCIES:
        raise Refusal(400, "unknown Urgency")
    topic = request.headers.get("topic", "")
    if topic and not _TOPIC.fullmatch(topic):
        raise Refusal(400, "Topic is not at most 32 base64url characters")
    base = world.base(request)
    sender = _sender(world, subscription, request.headers.get("authorization", ""), base)
    body = await request.body()
    if len(body) > MOST_BYTES:
        raise Refusal(413, "more than 4096 bytes")
    if body and request.headers.get("content-encoding") != "aes128gcm":
        raise Refusal(400, "Content-Encoding is not aes128gcm")
    message = Waiting(
        message_id=secrets.token_urlsafe(16),
        topic=topic,
        urgency=urgency,
        ends=world.clock.now() + ttl,
        body=base64url.encode(body),
        sender=sender,
    )
    _take(world, subscription, message, ttl)
    headers = {"Location": f"{base}/webpush/messages/{message.message_id}", "TTL": str(ttl)}
    world.ledger.add("webpush", subscription_id, "call", status=201, why="")
    return Response(status_code=201, headers=headers)


def _ttl(given: str | None) -> int:
    if given is None or not given.isdigit():
        raise Refusal(400, "TTL missing or no number")
    return min(int(given), LONGEST_TTL)


def _sender(world: World, subscription: Subscription, header: str, base: str) -> str:
    wanted = subscription.application_server_key
    if not header:
        if wanted or world.config.webpush_rules.vapid_required:
            raise Refusal(world.config.webpush_rules.bad_sender_status, "Authorization missing")
        return ""
    parts = urlsplit(base)
    try:
        # Real time: a sender's clock is not moved when a drill moves the platforms'.
        return vapid.check(header, f"{parts.scheme}://{parts.netloc}", time.time(), wanted)
    except vapid.BadSender as bad:
        status = world.config.webpush_rules.bad_sender_status if bad.status == 401 else bad.status
        raise Refusal(status, str(bad)) from None


def _take(world: World, subscription: Subscription, message: Waiting, ttl: int) -> None:
    if subscription.online:
        _deliver(world, subscription, message)
        return
    if not ttl:
        return
    if message.topic:
        subscription.waiting = [one for one in subscription.waiting if one.topic != message.topic]
    subscription.waiting.append(message)


def _deliver(world: World, subscription: Subscription, message: Waiting) -> None:
    subscription.delivered += 1
    body, readable, plain = base64url.decode(message.body), True, b""
    try:
        plain = browser.read(subscription, body) if body else b""
    except browser.Unreadable:
        readable = False
    text = plain.decode("utf-8", "replace")
    world.ledger.add(
        "webpush",
        subscription.id,
        "notification",
        message_id=message.message_id,
        name=subscription.name,
        readable=readable,
        text=text,
        json=_json_of(text),
        bytes=len(body),
        topic=message.topic,
        urgency=message.urgency,
        sender=message.sender,
    )


def _json_of(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _refused(status: int, why: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"code": status, "error": why}, status, headers)
