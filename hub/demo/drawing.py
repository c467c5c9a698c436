"""Pictures for the demo, drawn on the spot: hills, a river and a bridge, another scene per number."""

from __future__ import annotations

import io
import math
import random

from PIL import Image, ImageDraw

SIZE = (1200, 675)
SKIES = (((222, 236, 247), (247, 226, 205)), ((205, 226, 240), (238, 244, 247)), ((250, 231, 205), (222, 206, 219)))
HILLS = ((118, 148, 158), (87, 122, 132), (60, 96, 104))
WATER = (150, 190, 205)


def landscape(number: int) -> bytes:
    """A JPEG of an invented river city; the same number gives the same picture."""
    # Not for secrets: the same scene must come out for the same number.
    chance = random.Random(number)  # noqa: S311
    image = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(image)
    top, bottom = SKIES[number % len(SKIES)]
    for y in range(SIZE[1]):
        share = y / SIZE[1]
        draw.line(
            [(0, y), (SIZE[0], y)], fill=tuple(int(a + (b - a) * share) for a, b in zip(top, bottom, strict=True))
        )
    for layer, colour in enumerate(HILLS):
        _ridge(draw, chance, 300 + 60 * layer, colour)
    draw.rectangle((0, 500, *SIZE), fill=WATER)
    for _ in range(60):
        x, y = chance.randrange(SIZE[0]), chance.randrange(510, SIZE[1])
        draw.line([(x, y), (x + chance.randrange(30, 120), y)], fill=(190, 215, 225), width=2)
    _bridge(draw, chance.randrange(150, 450))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def _ridge(draw: ImageDraw.ImageDraw, chance: random.Random, height: int, colour: tuple[int, int, int]) -> None:
    phase, waves = chance.uniform(0, 6), chance.uniform(0.004, 0.009)
    line = [
        (x, height + 40 * math.sin(x * waves + phase) + 18 * math.sin(x * waves * 2.7))
        for x in range(0, SIZE[0] + 1, 8)
    ]
    draw.polygon([(0, 500), *line, (SIZE[0], 500)], fill=colour)


def _bridge(draw: ImageDraw.ImageDraw, left: int) -> None:
    steel, right, deck = (150, 62, 50), left + 560, 478
    draw.line([(0, deck), (SIZE[0], deck)], fill=steel, width=9)
    for tower in (left, right):
        draw.line([(tower, deck - 150), (tower, deck + 40)], fill=steel, width=12)
        for step in range(1, 9):
            for side in (-1, 1):
                draw.line([(tower, deck - 145), (tower + side * step * 32, deck)], fill=steel, width=2)
