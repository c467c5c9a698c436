"""Signatures between us and a 12345 system: HMAC-SHA256 over the moment and the body, under one shared secret."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from kernel.typed import number_in

MOMENT, SIGNATURE = "X-Xuanda-Timestamp", "X-Xuanda-Signature"
FRESH = timedelta(minutes=5)


def headers(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers that prove a body is ours and of this moment."""
    moment = str(int(now.timestamp()))
    return {MOMENT: moment, SIGNATURE: _signature(secret, moment, body)}


def holds(secret: str, body: bytes, sent: Mapping[str, str], now: datetime) -> bool:
    """Whether the headers prove the body; without a secret nothing does, nor does what is older than five minutes."""
    moment = sent.get(MOMENT, "")
    at = number_in(moment, 10**11)
    if not secret or at is None or abs(now.timestamp() - at) > FRESH.total_seconds():
        return False
    return hmac.compare_digest(_signature(secret, moment, body).encode(), sent.get(SIGNATURE, "").encode())


def _signature(secret: str, moment: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
