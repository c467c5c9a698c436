"""Who sends: the check of a VAPID header (RFC 8292)."""

from __future__ import annotations

import json
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from channels.rehearsal.webpush import base64url

DAY = 24 * 3600
_PART = re.compile(r"\s*([A-Za-z]+)\s*=\s*\"?([^\s\",]+)\"?\s*")


class BadSender(ValueError):
    """The header proves nothing; `status` is the answer's, the text says why."""

    def __init__(self, why: str, status: int = 401) -> None:
        super().__init__(why)
        self.status = status


def check(header: str, origin: str, now: float, wanted_key: str) -> str:
    """The sender's public key as base64url.

    `origin` is the push service's own, `now` real time in seconds, `wanted_key` the subscription's
    applicationServerKey or "". Raises BadSender with 401, or 403 for a good token of another sender.
    """
    token, key = _header(header)
    try:
        head, claims, signed, signature = _token(token)
        point = base64url.decode(key)
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except (ValueError, TypeError):
        raise BadSender("malformed token or key") from None
    if head.get("alg") != "ES256" or len(signature) != 64:
        raise BadSender("not ES256")
    pair = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        public.verify(pair, signed, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise BadSender("wrong signature") from None
    _check_claims(claims, origin, now)
    if wanted_key and base64url.decode(wanted_key) != point:
        raise BadSender("the subscription belongs to another applicationServerKey", 403)
    return base64url.encode(point)


def _header(header: str) -> tuple[str, str]:
    scheme, _, rest = header.partition(" ")
    parts = {found[1]: found[2] for part in rest.split(",") if (found := _PART.fullmatch(part))}
    if scheme.lower() != "vapid" or "t" not in parts or "k" not in parts:
        raise BadSender("Authorization is not 'vapid t=..., k=...'")
    return parts["t"], parts["k"]


def _token(token: str) -> tuple[dict[str, object], dict[str, object], bytes, bytes]:
    head, claims, signature = token.split(".")
    decoded = json.loads(base64url.decode(head)), json.loads(base64url.decode(claims))
    if not all(isinstance(one, dict) for one in decoded):
        raise ValueError(token)
    return *decoded, f"{head}.{claims}".encode(), base64url.decode(signature)


def _check_claims(claims: dict[str, object], origin: str, now: float) -> None:
    if claims.get("aud") != origin:
        raise BadSender(f"aud is not {origin}")
    ends = claims.get("exp")
    if isinstance(ends, bool) or not isinstance(ends, (int, float)):
        raise BadSender("exp is no number")
    if ends <= now:
        raise BadSender("exp is over")
    if ends > now + DAY:
        raise BadSender("exp is more than 24 hours ahead")
    if not str(claims.get("sub", "")).startswith(("mailto:", "https:")):
        raise BadSender("sub is neither mailto: nor https:")
