"""What of a cover is shown: pic_crop_235_1 (a first item's) and pic_crop_1_1 (further items' and shared cards').

Each is "x1_y1_x2_y2" in shares of the picture from its upper left corner (developers.weixin.qq.com, draft/add).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHAPES = {"pic_crop_235_1": 2.35, "pic_crop_1_1": 1.0}
# Of what has to go above and below, this share goes above: faces and signs stand in the upper half.
ABOVE = 1 / 3


def crops(picture: Mapping[str, Any]) -> dict[str, str]:
    """The largest part of each shape, in the middle from left to right; nothing where the size is unknown."""
    width, height = picture.get("width"), picture.get("height")
    if not width or not height:
        return {}
    return {name: _part(width / height, shape) for name, shape in SHAPES.items()}


def _part(ratio: float, shape: float) -> str:
    across, down = min(1.0, shape / ratio), min(1.0, ratio / shape)
    left, top = (1 - across) / 2, (1 - down) * ABOVE
    corners = (left, top, min(1.0, left + across), min(1.0, top + down))
    return "_".join(f"{one:.6f}" for one in corners)
