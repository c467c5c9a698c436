"""Pictures made fit for every channel: read for real, turned upright, sized, and rid of location data."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pillow_heif
from PIL import Image, ImageOps, UnidentifiedImageError

from content.errors import NotAPicture

pillow_heif.register_heif_opener()

LONGEST_SIDE = 1920
MOST_PIXELS = 80_000_000
MOST_BYTES = (
    950 * 1024
)  # WeChat's uploadimg takes less than 1 MB, JPEG or PNG (developers.weixin.qq.com, media/uploadimg).
READABLE = ("JPEG", "PNG", "GIF", "WEBP", "HEIF", "AVIF", "BMP", "TIFF")


@dataclass(frozen=True)
class Picture:
    """A picture ready to be kept: its bytes, type and size in pixels."""

    data: bytes
    media_type: str
    width: int
    height: int


def normalise(data: bytes, name: str) -> Picture:
    """Reads whatever was uploaded and gives back a JPEG or PNG under 950 kB without any metadata.

    Raises NotAPicture when the bytes are no picture, or one so large that reading it would be an attack.
    """
    try:
        with Image.open(io.BytesIO(data), formats=READABLE) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise NotAPicture(name=name, why="像素过大")
            image: Image.Image = ImageOps.exif_transpose(opened)
            image.load()
    except NotAPicture:
        raise
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):
        raise NotAPicture(name=name, why="文件内容无法识别") from None
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return _encode(image)


def square_thumbnail(data: bytes, side: int = 200) -> bytes:
    """A JPEG thumbnail cut square, for covers and lists."""
    with Image.open(io.BytesIO(data)) as image:
        fitted = ImageOps.fit(image.convert("RGB"), (side, side))
    return _jpeg(fitted, 85)


def _encode(image: Image.Image) -> Picture:
    # A picture with transparency or few colours (a table, a QR code) stays PNG while that is small enough.
    if image.mode in ("RGBA", "LA", "P", "1", "L"):
        kept = image if image.mode in ("RGBA", "L") else image.convert("RGBA")
        data = _png(kept)
        if len(data) <= MOST_BYTES:
            return Picture(data, "image/png", image.width, image.height)
    flat = _on_white(image)
    quality = 88
    data = _jpeg(flat, quality)
    while len(data) > MOST_BYTES:
        if quality > 60:
            quality -= 10
        else:
            flat = flat.resize((max(1, flat.width * 3 // 4), max(1, flat.height * 3 // 4)))
        data = _jpeg(flat, quality)
    return Picture(data, "image/jpeg", flat.width, flat.height)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        # A new image, because a copy would carry EXIF and with it the place where the picture was taken.
        clean = Image.new("RGB", image.size)
        clean.paste(image)
        return clean
    rgba = image.convert("RGBA")
    clean = Image.new("RGB", image.size, "white")
    clean.paste(rgba, mask=rgba.getchannel("A"))
    return clean


def _png(image: Image.Image) -> bytes:
    clean = Image.new(image.mode, image.size)
    clean.paste(image)
    buffer = io.BytesIO()
    clean.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()
