"""What of a cover is shown: pic_crop_235_1 (a first item's) and pic_crop_1_1 (further items' and shared cards').

Each is "x1_y1_x2_y2" in shares of the picture from its upper left corner (developers.weixin.qq.com, draft/add).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from channels.abilities.cover_cuts import CutsCovers

FIRST, FURTHER = "2.35 : 1（头条）", "1 : 1（次条、转发卡片）"
FIELDS = {FIRST: "pic_crop_235_1", FURTHER: "pic_crop_1_1"}


class WeChatCovers(CutsCovers):
    """The two shapes in which the platform shows a cover."""

    cover_shapes: ClassVar[Mapping[str, float]] = {FIRST: 2.35, FURTHER: 1.0}


def crops(content: Mapping[str, Any]) -> dict[str, str]:
    """The fields of an article that name what of its cover shows; none where the picture's size is unknown."""
    return {
        FIELDS[label]: f"{one.left:.6f}_{one.top:.6f}_{one.right:.6f}_{one.bottom:.6f}"
        for label, one in WeChatCovers.cuts(content).items()
    }
