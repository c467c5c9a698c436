"""Encrypts a notice for one browser: RFC 8291 over RFC 8188, one record, an ephemeral key per message."""

from __future__ import annotations

import base64
import hmac
import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from channels.base import Subscription

# What a push service takes is 4096 bytes: header, one byte that ends the text, and the seal go off it.
PLAINTEXT = 3993
RECORD = (4096).to_bytes(4, "big")
CURVE = ec.SECP256R1()
ECDH = ec.ECDH()


def encrypt(payload: bytes, one: Subscription) -> bytes:
    """The payload for one browser (aes128gcm, one record); raises ValueError for keys that are none."""
    receiver, secret = from_base64url(one.p256dh), from_base64url(one.auth)
    if len(receiver) != 65 or len(secret) != 16:
        raise ValueError("the browser's keys are malformed")
    key = ec.generate_private_key(CURVE)
    sender = point_of(key.public_key())
    shared = key.exchange(ECDH, ec.EllipticCurvePublicKey.from_encoded_point(CURVE, receiver))
    salt = os.urandom(16)
    # HKDF with outputs of at most one block is two HMACs, which costs a fraction of the general function.
    material = _expand(_extract(secret, shared), b"WebPush: info\x00" + receiver + sender)
    base = _extract(salt, material)
    content_key = _expand(base, b"Content-Encoding: aes128gcm\x00")[:16]
    nonce = _expand(base, b"Content-Encoding: nonce\x00")[:12]
    sealed = AESGCM(content_key).encrypt(nonce, payload + b"\x02", None)
    return salt + RECORD + b"\x41" + sender + sealed


def point_of(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key as 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def from_base64url(text: str) -> bytes:
    """The bytes of a text without padding; raises ValueError when it is none."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def to_base64url(content: bytes) -> str:
    """The text of some bytes, without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _extract(salt: bytes, material: bytes) -> bytes:
    return hmac.digest(salt, material, "sha256")


def _expand(key: bytes, info: bytes) -> bytes:
    return hmac.digest(key, info + b"\x01", "sha256")
