"""Whatever a phone, a camera or an attacker sends becomes a small clean JPEG or PNG, or is refused in words."""

from __future__ import annotations

import io
import os
import struct
import zlib

import pytest
from PIL import Image

from content.errors import NotAPicture
from content.pictures import LONGEST_SIDE, MOST_BYTES, normalise, square_thumbnail
from tests.factories import picture_bytes

GPS = 0x8825


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "HEIF", "AVIF", "BMP", "TIFF"])
def test_every_kind_a_person_has_becomes_one_that_channels_take(kind: str) -> None:
    picture = normalise(picture_bytes("green", (320, 200), kind), "图")
    assert picture.media_type in ("image/jpeg", "image/png")
    assert (picture.width, picture.height) == (320, 200)
    assert opened(picture.data).format in ("JPEG", "PNG")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_way_of_keeping_colour(mode: str) -> None:
    image = Image.new("RGB", (20, 20), "white").convert("L" if mode in ("I;16", "I", "F") else "RGB").convert(mode)
    kind = {"CMYK": "JPEG", "F": "TIFF", "I": "TIFF"}.get(mode, "PNG")
    picture = normalise(saved(image, kind), "图")
    assert (picture.width, picture.height) == (20, 20)


def test_a_large_photograph_is_made_to_fit() -> None:
    noise = Image.frombytes("RGB", (2600, 1300), os.urandom(2600 * 1300 * 3))
    picture = normalise(saved(noise, "JPEG", quality=95), "大图.jpg")
    assert len(picture.data) <= MOST_BYTES
    assert max(picture.width, picture.height) <= LONGEST_SIDE
    assert abs(picture.width / picture.height - 2) < 0.01


def test_a_noisy_transparent_picture_ends_as_a_small_jpeg_on_white() -> None:
    noise = Image.frombytes("RGBA", (900, 900), os.urandom(900 * 900 * 4))
    picture = normalise(saved(noise, "PNG"), "图")
    assert picture.media_type == "image/jpeg"
    assert len(picture.data) <= MOST_BYTES


def test_transparency_stays_where_it_is_small_enough() -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    assert opened(normalise(saved(image, "PNG"), "章.png").data).getpixel((5, 5)) == (0, 0, 0, 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_the_place_where_it_was_taken_is_gone(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Phone"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (30.0, 15.0, 5.0)
    data = picture_bytes("red", (80, 60), kind, exif=exif.tobytes())
    assert opened(data).getexif().get_ifd(GPS)
    picture = normalise(data, "图")
    assert not dict(opened(picture.data).getexif())
    assert b"Phone" not in picture.data


def test_a_photograph_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = normalise(picture_bytes("red", (80, 40), "JPEG", exif=exif.tobytes()), "图")
    assert (picture.width, picture.height) == (40, 80)


def _png_of_claimed_size(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.7 not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"\xff\xd8\xff\xe0" + b"cut off",
        picture_bytes("red", (200, 200), "JPEG")[:300],
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        _png_of_claimed_size(9_000, 9_000),
        _png_of_claimed_size(40_000, 40_000),
    ],
    ids=["empty", "pdf", "svg", "cut", "half", "eps", "many pixels", "bomb"],
)
def test_what_is_no_picture_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(NotAPicture) as refusal:
        normalise(data, "附件.png")
    assert "附件.png" in refusal.value.message()


def test_a_thumbnail_is_square() -> None:
    assert opened(square_thumbnail(picture_bytes("red", (300, 100)), 120)).size == (120, 120)
