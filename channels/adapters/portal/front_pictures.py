"""Pictures of the front page, drawn small: the first page stays light however large the pictures of its pieces are.

Each is made once, stands beside its original under the width in its name, and goes when the front shows it no more.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image, UnidentifiedImageError

from channels.adapters.portal import files
from channels.adapters.portal.press import Press
from templates.views import PortalEntry, PortalHome


@dataclass(frozen=True)
class Size:
    """How wide a picture is drawn, and how many bytes it may have."""

    wide: int
    most: int


LEAD, SHOT = Size(800, 40_000), Size(400, 10_000)
SHOWER = "front"
COARSEST = 43


def lightened(press: Press, home: PortalHome) -> PortalHome:
    """The front with small pictures, which are put in place."""
    made: dict[str, Callable[[], bytes]] = {}
    lead = home.lead and _small(press, home.lead, LEAD, made)
    pictures = [_small(press, entry, SHOT, made) for entry in home.pictures]
    files.hold(press, SHOWER, made)
    return replace(home, lead=lead, pictures=pictures)


def _small(press: Press, entry: PortalEntry, size: Size, made: dict[str, Callable[[], bytes]]) -> PortalEntry:
    named = files.MARK.fullmatch(entry.picture.src) if entry.picture else None
    if entry.picture is None or named is None:
        return entry
    path = f"/media/{named[1]}-{size.wide}.jpg"
    if path not in made and not press.folder.has(path):
        try:
            data = shrunk(press.tools.files.get(named[1]), size)
        except (OSError, ValueError, SyntaxError, UnidentifiedImageError):
            return entry  # Better the large one than none.
        made[path] = lambda: data
    made.setdefault(path, bytes)
    return replace(entry, picture=replace(entry.picture, src=path))


def shrunk(data: bytes, size: Size) -> bytes:
    """A JPEG no wider and no larger than that: coarser first, then smaller."""
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as opened:
        opened.draft("RGB", (size.wide, size.wide))
        picture = opened.convert("RGBA") if opened.mode in ("RGBA", "LA", "P") else opened.convert("RGB")
    picture.thumbnail((size.wide, 2 * size.wide))
    flat = Image.new("RGB", picture.size, "white")
    flat.paste(picture, mask=picture.getchannel("A") if picture.mode == "RGBA" else None)
    quality = 82
    while len(drawn := _jpeg(flat, quality)) > size.most:
        if quality > COARSEST:
            quality -= 13
        else:
            flat = flat.resize((max(1, flat.width * 3 // 4), max(1, flat.height * 3 // 4)))
    return drawn


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
    return buffer.getvalue()
