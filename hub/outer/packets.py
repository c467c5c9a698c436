"""Packets and parcels: what passes between the two sides, closed to its receiver and signed by its sender. Pure.

A packet is one fact with its number; it is closed to the receiver's key the moment it is written, so that a side
cannot read its own outbox. A parcel is a run of packets with the highest number taken from the other side, under one
signature.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.outer.errors import BadParcel

MAGIC = b"XUANDA-PARCEL-1\n"
LARGEST_PACKET = 4 * 1024 * 1024
LARGEST_PARCEL = 12 * 1024 * 1024
MOST_PACKETS = 2000
_SIGNATURE = 64
_KEY = 32
# Each key is made for one message and used once.
_NONCE = bytes(12)


@dataclass(frozen=True)
class Keys:
    """A side's own secrets: one key to sign with, one to open what is closed to it."""

    sign: bytes
    box: bytes

    @classmethod
    def make(cls) -> Keys:
        """New ones."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw(), X25519PrivateKey.generate().private_bytes_raw())


@dataclass(frozen=True)
class Card:
    """What a side shows the other: its log's name and its public keys. `answers` is the log it was made for."""

    role: str
    log: str
    sign: str
    box: str
    answers: str = ""

    def text(self) -> str:
        """As it stands in a file."""
        return json.dumps({"xuanda": "card", **asdict(self)}, indent=2) + "\n"

    @property
    def mark(self) -> str:
        """Twenty figures to read out over the telephone, so that nobody slips in a card of his own."""
        digest = hashlib.sha256(f"{self.role}{self.log}{self.sign}{self.box}".encode()).hexdigest()[:20]
        return "-".join(digest[place : place + 4] for place in range(0, 20, 4))


def card_of(keys: Keys, role: str, log: str, answers: str = "") -> Card:
    """The card that belongs to a side's keys."""
    sign = Ed25519PrivateKey.from_private_bytes(keys.sign).public_key().public_bytes_raw()
    return Card(role, log, sign.hex(), public_of(keys.box).hex(), answers)


def read_card(text: str) -> Card:
    """A card out of its file; raises BadParcel for anything else."""
    try:
        told = json.loads(text)
        if told.pop("xuanda") != "card":
            raise ValueError("no card")
        card = Card(**told)
        sizes = [len(bytes.fromhex(one)) for one in (card.sign, card.box, card.log)]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadParcel(why="这不是配对文件。") from None
    if sizes != [_KEY, _KEY, 16] or card.role not in ("inner", "outer"):
        raise BadParcel(why="配对文件不完整。")
    return card


# --- closing -------------------------------------------------------------------------------------------------------


def public_of(private: bytes) -> bytes:
    """The public half of a key that opens."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def close(to: bytes, data: bytes, bound: bytes = b"") -> bytes:
    """Closes bytes to whoever holds the private half of `to`; they open only together with the same `bound`."""
    once = X25519PrivateKey.generate()
    mine = once.public_key().public_bytes_raw()
    key = _derived(once.exchange(X25519PublicKey.from_public_bytes(to)), mine + to)
    return mine + ChaCha20Poly1305(key).encrypt(_NONCE, data, bound)


def opened(private: bytes, closed: bytes, bound: bytes = b"") -> bytes:
    """What was closed to us; raises BadParcel where it was not, or was changed on the way."""
    own = X25519PrivateKey.from_private_bytes(private)
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(closed[:_KEY]))
        key = _derived(shared, closed[:_KEY] + own.public_key().public_bytes_raw())
        return ChaCha20Poly1305(key).decrypt(_NONCE, closed[_KEY:], bound)
    except (InvalidTag, ValueError):
        raise BadParcel(why="内容无法解密，不是发给本端的，或在途中被改动。") from None


def _derived(shared: bytes, salt: bytes) -> bytes:
    return HKDF(hashes.SHA256(), _KEY, salt, b"xuanda packet 1").derive(shared)


# --- packets -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Packet:
    """One fact: its number in the sender's log, what it is, its values, and bytes where it has some."""

    number: int
    kind: str
    values: Mapping[str, Any]
    data: bytes = b""


def close_packet(packet: Packet, to: bytes, log: str) -> bytes:
    """Closed to the receiver, and bound to its place in the log, so that no packet can stand for another."""
    head = json.dumps({"kind": packet.kind, "values": packet.values}, ensure_ascii=False).encode()
    plain = struct.pack(">I", len(head)) + head + packet.data
    if len(plain) > LARGEST_PACKET:
        raise ValueError(f"a packet of {len(plain)} bytes is too large: {packet.kind}")
    return close(to, zlib.compress(plain, 6), _bound(log, packet.number))


def open_packet(closed: bytes, number: int, private: bytes, log: str) -> Packet:
    """The packet that stands at this number of the sender's log; raises BadParcel."""
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(opened(private, closed, _bound(log, number)), LARGEST_PACKET + 1)
        if len(plain) > LARGEST_PACKET:
            raise ValueError("too large")
        (size,) = struct.unpack(">I", plain[:4])
        head = json.loads(plain[4 : 4 + size])
        return Packet(number, str(head["kind"]), dict(head["values"]), plain[4 + size :])
    except (zlib.error, struct.error, ValueError, KeyError, TypeError, RecursionError):
        raise BadParcel(why=f"第 {number} 号包的内容无法读取。") from None


def _bound(log: str, number: int) -> bytes:
    return f"{log}/{number}".encode()


# --- parcels -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parcel:
    """A run of closed packets from `first` on. `ack`: the highest number taken from the other side; `last`: the highest
    ever written here; `serial` grows with every parcel of a log."""

    log: str
    to: str
    serial: int
    ack: int
    last: int
    first: int = 0
    packets: Sequence[bytes] = ()


def sign_parcel(parcel: Parcel, sign: bytes) -> bytes:
    """The parcel as it travels."""
    told = {
        "log": parcel.log,
        "to": parcel.to,
        "serial": parcel.serial,
        "ack": parcel.ack,
        "last": parcel.last,
        "first": parcel.first,
        "sizes": [len(one) for one in parcel.packets],
    }
    head = json.dumps(told).encode()
    signed = struct.pack(">I", len(head)) + head + b"".join(parcel.packets)
    return MAGIC + Ed25519PrivateKey.from_private_bytes(sign).sign(MAGIC + signed) + signed


def read_parcel(travelled: bytes, sender: Card, own_log: str) -> Parcel:
    """The parcel of this sender to this log; raises BadParcel, saying what is wrong with it."""
    if len(travelled) > LARGEST_PARCEL:
        raise BadParcel(why="超过大小上限。")
    if not travelled.startswith(MAGIC):
        raise BadParcel(why="不是本系统的数据包。")
    place = len(MAGIC) + _SIGNATURE
    signature, signed = travelled[len(MAGIC) : place], travelled[place:]
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(sender.sign)).verify(signature, MAGIC + signed)
    except InvalidSignature:
        raise BadParcel(why="签名不符：不是已配对的对端所发，或文件残缺、被改动。") from None
    parcel = _unfolded(signed)
    if parcel.log != sender.log:
        raise BadParcel(why="对端已重新配对或换了数据库，请重新配对两端。")
    if parcel.to != own_log:
        raise BadParcel(why="是发给另一套系统的，或本端已重新配对。")
    return parcel


def _unfolded(signed: bytes) -> Parcel:
    try:
        (size,) = struct.unpack(">I", signed[:4])
        told = json.loads(signed[4 : 4 + size])
        sizes = [int(one) for one in told["sizes"]]
        body = signed[4 + size :]
        if len(sizes) > MOST_PACKETS or sum(sizes) != len(body) or min(sizes, default=1) < 1:
            raise ValueError("sizes")
        packets, place = [], 0
        for one in sizes:
            packets.append(body[place : place + one])
            place += one
        numbers = {name: int(told[name]) for name in ("serial", "ack", "last", "first")}
        return Parcel(str(told["log"]), str(told["to"]), **numbers, packets=packets)
    except (struct.error, ValueError, KeyError, TypeError, RecursionError):
        raise BadParcel(why="结构无法读取。") from None
