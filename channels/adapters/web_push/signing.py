"""Says who sends (VAPID, RFC 8292): one token per push service, used until it is about to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02, VapidException

from channels.adapters.web_push.encryption import CURVE, from_base64url, point_of, to_base64url
from channels.errors import Unauthorised

TOKEN_LIVES = 12 * 3600
NEARLY_OVER = 600


class Signer:
    """Makes the Authorization header of each push service."""

    def __init__(self, private_key: str, subject: str) -> None:
        self.private_key = private_key
        self.subject = subject
        self._made: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raises Unauthorised when the key or the subject is missing or malformed."""
        if not self.subject.startswith(("mailto:", "https://")):
            raise Unauthorised("浏览器通知没有填写联系人（mailto: 或 https:）")
        self.header("https://push.example")

    def header(self, endpoint: str) -> str:
        """The Authorization header for the service this address belongs to."""
        origin = origin_of(endpoint)
        # Real time, as the push services' own clocks run, whatever a drill does to ours.
        now = time.time()
        with self._lock:
            ends, header = self._made.get(origin, (0.0, ""))
            if ends - now < NEARLY_OVER:
                ends = now + TOKEN_LIVES
                header = self._sign({"aud": origin, "exp": int(ends), "sub": self.subject})
                self._made[origin] = (ends, header)
        return header

    def _sign(self, claims: Mapping[str, Any]) -> str:
        try:
            made = Vapid02.from_string(self.private_key).sign(dict(claims))
        except (VapidException, ValueError, TypeError) as error:
            raise Unauthorised("浏览器通知的密钥不可用，请重新生成") from error
        return str(made["Authorization"])


def origin_of(endpoint: str) -> str:
    """The push service an address belongs to."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def new_key() -> tuple[str, str]:
    """A new VAPID pair: the private key for the account, the public one for browsers, both base64url."""
    key = ec.generate_private_key(CURVE)
    private = key.private_numbers().private_value.to_bytes(32, "big")
    return to_base64url(private), to_base64url(point_of(key.public_key()))


def public_of(private: str) -> str:
    """The public half (base64url) of a private key of 32 bytes that stands as base64url; raises ValueError for none."""
    raw = from_base64url(private)
    if len(raw) != 32:
        raise ValueError("a VAPID key has 32 bytes")
    return to_base64url(point_of(ec.derive_private_key(int.from_bytes(raw), CURVE).public_key()))
