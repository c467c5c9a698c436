"""A cover for an emergency that has no picture: a warning sign on the level's colour, drawn without any font."""

from __future__ import annotations

import io
from functools import cache

from PIL import Image, ImageDraw

from content.pictures import Picture

# As wide as the widest platforms show covers (2.35:1).
WIDTH, HEIGHT = 900, 383
# The colours that warnings have by their level: red, orange, yellow, blue.
COLOURS = {"I": "#ad1f1a", "II": "#c2570c", "III": "#d9a400", "IV": "#1f5fa8"}
SIGN, MARK = "#ffffff", "#20242a"


@cache
def warning(level: str) -> Picture:
    """The cover for this level."""
    image = Image.new("RGB", (WIDTH, HEIGHT), COLOURS.get(level, COLOURS["II"]))
    pen = ImageDraw.Draw(image)
    middle, top, foot, half = WIDTH // 2, 70, 310, 140
    pen.polygon([(middle, top), (middle - half, foot), (middle + half, foot)], fill=SIGN)
    stroke = [(middle - 14, top + 80), (middle + 14, top + 80), (middle + 8, foot - 80), (middle - 8, foot - 80)]
    pen.polygon(stroke, fill=MARK)
    pen.ellipse([(middle - 14, foot - 60), (middle + 14, foot - 32)], fill=MARK)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return Picture(out.getvalue(), "image/png", WIDTH, HEIGHT)
