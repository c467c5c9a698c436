"""The browser's half: its keys, and reading what was encrypted for it (RFC 8291 over RFC 8188)."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from channels.rehearsal.webpush import base64url
from channels.rehearsal.webpush.state import Subscription

_HEADER = 16 + 4 + 1
_KEY = 65
_TAG = 16


class Unreadable(ValueError):
    """内容不是为这个订阅加密的。"""


def subscribe(name: str, application_server_key: str = "") -> Subscription:
    """A new subscription with fresh keys."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Subscription(
        id=secrets.token_urlsafe(24),
        name=name,
        private_key=base64url.encode(key.private_numbers().private_value.to_bytes(32, "big")),
        p256dh=base64url.encode(_point(key.public_key())),
        auth=base64url.encode(secrets.token_bytes(16)),
        application_server_key=application_server_key,
    )


def read(subscription: Subscription, body: bytes) -> bytes:
    """The plaintext of an aes128gcm body; Unreadable for wrong keys, a broken header or more than one record."""
    salt, size, sender, record = _parts(body)
    key = _private(subscription)
    try:
        shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
    except ValueError:
        raise Unreadable from None
    info = b"WebPush: info\x00" + _point(key.public_key()) + sender
    secret = _derive(base64url.decode(subscription.auth), shared, info, 32)
    content_key = _derive(salt, secret, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derive(salt, secret, b"Content-Encoding: nonce\x00", 12)
    if len(record) > size or len(record) <= _TAG:
        raise Unreadable
    try:
        padded = AESGCM(content_key).decrypt(nonce, record, None)
    except InvalidTag:
        raise Unreadable from None
    plain, delimiter, padding = padded.rpartition(b"\x02")
    if not delimiter or padding.strip(b"\x00"):
        raise Unreadable
    return plain


def _parts(body: bytes) -> tuple[bytes, int, bytes, bytes]:
    if len(body) < _HEADER + _KEY or body[20] != _KEY:
        raise Unreadable
    start = _HEADER + _KEY
    return body[:16], int.from_bytes(body[16:20], "big"), body[_HEADER:start], body[start:]


def _derive(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def _private(subscription: Subscription) -> ec.EllipticCurvePrivateKey:
    number = int.from_bytes(base64url.decode(subscription.private_key), "big")
    return ec.derive_private_key(number, ec.SECP256R1())


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
