"""Packets are read by their receiver alone, parcels are believed from their sender alone, and nothing by halves."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.outer.errors import BadParcel
from hub.outer.packets import (
    LARGEST_PACKET,
    LARGEST_PARCEL,
    Keys,
    Packet,
    Parcel,
    card_of,
    close,
    close_packet,
    open_packet,
    opened,
    public_of,
    read_card,
    read_parcel,
    sign_parcel,
)

HERE, THERE, ELSE = (Keys.make() for _ in range(3))
LOG, TO = "a" * 32, "b" * 32
CARD = card_of(HERE, "inner", LOG)


def closed(number: int = 7, kind: str = "note") -> bytes:
    packet = Packet(number, kind, {"words": "市民说的话"}, b"\x00bytes")
    return close_packet(packet, public_of(THERE.box), LOG)


def test_the_receiver_reads_what_was_written() -> None:
    packet = open_packet(closed(), 7, THERE.box, LOG)
    assert (packet.kind, packet.values, packet.data) == ("note", {"words": "市民说的话"}, b"\x00bytes")


def test_nobody_else_reads_it_not_even_who_wrote_it() -> None:
    assert "市民".encode() not in closed()
    for keys in (HERE, ELSE):
        with pytest.raises(BadParcel, match="无法解密"):
            open_packet(closed(), 7, keys.box, LOG)


@pytest.mark.parametrize(("number", "log"), [(8, LOG), (7, "c" * 32)])
def test_a_packet_stands_for_no_other_number_and_in_no_other_log(number: int, log: str) -> None:
    with pytest.raises(BadParcel):
        open_packet(closed(), number, THERE.box, log)


@given(place=st.integers(0, 400), bit=st.integers(0, 7))
def test_a_changed_bit_is_noticed(place: int, bit: int) -> None:
    changed = bytearray(closed())
    changed[place % len(changed)] ^= 1 << bit
    # The highest bit of an X25519 point is ignored by its definition (RFC 7748), but it is bound into the key.
    with pytest.raises(BadParcel):
        open_packet(bytes(changed), 7, THERE.box, LOG)


def test_what_would_swell_beyond_all_bounds_is_refused() -> None:
    bomb = zlib.compress(bytes(LARGEST_PACKET * 3))
    with pytest.raises(BadParcel, match="无法读取"):
        open_packet(close(public_of(THERE.box), bomb, f"{LOG}/1".encode()), 1, THERE.box, LOG)
    with pytest.raises(ValueError, match="too large"):
        close_packet(Packet(1, "note", {}, bytes(LARGEST_PACKET + 1)), public_of(THERE.box), LOG)


@pytest.mark.parametrize(
    "inside", [b"", b"\x00\x00\x00\xff{}", b"\x00\x00\x00\x02[]", b'\x00\x00\x00\x0c{"kind": "a"}']
)
def test_nonsense_from_the_right_hands_is_refused(inside: bytes) -> None:
    sealed = close(public_of(THERE.box), zlib.compress(inside), f"{LOG}/1".encode())
    with pytest.raises(BadParcel):
        open_packet(sealed, 1, THERE.box, LOG)


def test_closing_twice_gives_different_bytes() -> None:
    first, second = (close(public_of(THERE.box), b"same") for _ in range(2))
    assert first != second
    assert opened(THERE.box, first) == opened(THERE.box, second) == b"same"


# --- parcels ----------------------------------------------------------------------------------------

PARCEL = Parcel(LOG, TO, serial=3, ack=5, last=8, first=7, packets=(closed(7), closed(8)))


def test_a_parcel_arrives_as_it_was_sent() -> None:
    assert read_parcel(sign_parcel(PARCEL, HERE.sign), CARD, TO) == replace(PARCEL, packets=list(PARCEL.packets))
    empty = Parcel(LOG, TO, 1, 0, 0)
    assert read_parcel(sign_parcel(empty, HERE.sign), CARD, TO).packets == []


@pytest.mark.parametrize(
    ("travelled", "why"),
    [
        (sign_parcel(PARCEL, ELSE.sign), "签名不符"),
        (sign_parcel(PARCEL, HERE.sign)[:-1], "签名不符"),
        (sign_parcel(PARCEL, HERE.sign)[:40], "签名不符"),
        (sign_parcel(PARCEL, HERE.sign) + b"x", "签名不符"),
        (b"", "不是本系统"),
        (b"PK\x03\x04 something else", "不是本系统"),
        (bytes(LARGEST_PARCEL + 1), "大小上限"),
        (sign_parcel(replace(PARCEL, log="d" * 32), HERE.sign), "重新配对"),
        (sign_parcel(replace(PARCEL, to="d" * 32), HERE.sign), "另一套系统"),
    ],
    ids=["foreign", "cut", "cut short", "longer", "empty", "other kind", "huge", "other log", "for another"],
)
def test_what_is_not_the_senders_whole_parcel_to_us_is_refused(travelled: bytes, why: str) -> None:
    with pytest.raises(BadParcel, match=why):
        read_parcel(travelled, CARD, TO)


@given(place=st.integers(0, 2000))
def test_a_changed_byte_anywhere_is_refused(place: int) -> None:
    travelled = bytearray(sign_parcel(PARCEL, HERE.sign))
    travelled[place % len(travelled)] ^= 0x20
    with pytest.raises(BadParcel):
        read_parcel(bytes(travelled), CARD, TO)


# --- cards ------------------------------------------------------------------------------------------


def test_a_card_comes_back_from_its_file_and_has_a_mark_to_read_out() -> None:
    assert read_card(CARD.text()) == CARD
    assert CARD.mark != card_of(ELSE, "inner", LOG).mark
    assert HERE.sign.hex() not in CARD.text()
    assert HERE.box.hex() not in CARD.text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"xuanda": "card"}',
        CARD.text().replace(LOG, "xyz"),
        CARD.text().replace("inner", "evil"),
    ],
)
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(BadParcel, match="配对文件"):
        read_card(text)
