"""Checks of a push's body and what each platform's phones will show (docs.jiguang.cn, Push API v3)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from channels.rehearsal.jpush.codes import Refusal

PLATFORMS = ("android", "ios", "quickapp", "hmos", "winphone")
ANDROID_BYTES = 4000
LIST_LIMITS = {"tag": 20, "tag_and": 20, "tag_not": 20, "alias": 1000, "registration_id": 1000}
WORD_BYTES = 40
CID_LENGTH = 64
_DAYS_10 = 10 * 24 * 3600
_KNOWN = {"cid", "platform", "audience", "notification", "message", "options", "live_activity", "sms_message"}
_CID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check(body: dict[str, Any], ios_bytes: int) -> None:
    """Raise the Refusal for what is wrong: 1002 missing, 1003 value, 1005 size, 1009 unknown audience."""
    if body.keys() - _KNOWN:
        raise Refusal(1003, f"unknown field {sorted(body.keys() - _KNOWN)[0]}")
    for name in ("platform", "audience"):
        if name not in body:
            raise Refusal(1002, f"Missing parameter {name}.")
    if not body.get("notification") and not body.get("message"):
        raise Refusal(1002, "Missing parameter notification or message.")
    if "cid" in body and not (isinstance(body["cid"], str) and _CID.fullmatch(body["cid"])):
        raise Refusal(1003, "Invalid cid.")
    platforms(body["platform"])
    _check_audience(body["audience"])
    _check_options(body.get("options", {}))
    _check_contents(body)
    _check_sizes(body, ios_bytes)


def platforms(given: Any) -> tuple[str, ...]:
    """The platforms meant by `platform`; 1003 for an unknown one."""
    if given == "all":
        return PLATFORMS
    if not isinstance(given, list) or not given or any(one not in PLATFORMS for one in given):
        raise Refusal(1003, "Invalid platform.")
    return tuple(given)


def shown(body: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    """What phones of each platform display: title, alert, and whether it is a silent in-app message."""
    notification, message = body.get("notification") or {}, body.get("message") or {}
    shows = {}
    for platform in platforms(body["platform"]):
        own = notification.get(platform)
        alert = own.get("alert") if isinstance(own, dict) else own
        alert = alert if alert is not None else notification.get("alert")
        title = own.get("title", "") if isinstance(own, dict) else ""
        if isinstance(alert, dict):
            title, alert = alert.get("title", ""), alert.get("body", "")
        if alert is not None:
            shows[platform] = {"title": title or name, "alert": str(alert), "silent": False}
        elif message:
            words = {"title": message.get("title") or name, "alert": str(message.get("msg_content", ""))}
            shows[platform] = words | {"silent": True}
    return shows


def _check_audience(audience: Any) -> None:
    if audience == "all":
        return
    if not isinstance(audience, dict) or not audience:
        raise Refusal(1003, "Invalid audience.")
    if audience.keys() - LIST_LIMITS.keys():
        raise Refusal(1009)
    for kind, listed in audience.items():
        if not isinstance(listed, list) or not 1 <= len(listed) <= LIST_LIMITS[kind]:
            raise Refusal(1003, f"Invalid number of {kind}.")
        if not all(isinstance(word, str) and word for word in listed):
            raise Refusal(1003, f"Invalid {kind}.")
        if kind != "registration_id" and any(len(word.encode()) > WORD_BYTES for word in listed):
            raise Refusal(1003, f"{kind} too long.")


_OPTIONS: dict[str, Callable[[Any], bool]] = {
    "sendno": lambda value: isinstance(value, int) and value != 0,
    "time_to_live": lambda value: isinstance(value, int) and 0 <= value <= _DAYS_10,
    "apns_production": lambda value: isinstance(value, bool),
    "apns_collapse_id": lambda value: isinstance(value, str) and len(value.encode()) <= 64,
    "big_push_duration": lambda value: isinstance(value, int) and 0 < value <= 1400,
}


def _check_options(options: Any) -> None:
    if not isinstance(options, dict):
        raise Refusal(1003, "Invalid options.")
    for name, fits in _OPTIONS.items():
        value = options.get(name)
        if value is not None and (not fits(value) or (isinstance(value, bool) and name != "apns_production")):
            raise Refusal(1003, f"Invalid options.{name}.")


def _check_contents(body: dict[str, Any]) -> None:
    notification, message = body.get("notification"), body.get("message")
    if notification is not None and not isinstance(notification, dict):
        raise Refusal(1003, "Invalid notification.")
    if message is not None and (not isinstance(message, dict) or not message.get("msg_content")):
        raise Refusal(1002, "Missing parameter message.msg_content.")
    for platform in ("android", "hmos", "quickapp"):
        own = (notification or {}).get(platform)
        if isinstance(own, dict) and "alert" not in own and "alert" not in (notification or {}):
            raise Refusal(1002, f"Missing parameter notification.{platform}.alert.")


def _check_sizes(body: dict[str, Any], ios_bytes: int) -> None:
    notification, message = body.get("notification") or {}, body.get("message") or {}
    android = {name: notification[name] for name in ("alert", "android") if name in notification}
    if _size(android) + _size(message) > ANDROID_BYTES:
        raise Refusal(1005)
    if "ios" in notification and _size({"ios": notification["ios"]}) > ios_bytes:
        raise Refusal(1005)


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) if value else 0
