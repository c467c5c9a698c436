"""Cuts of a cover: a platform that shows parts of fixed shapes; the part follows the focus that its officer set."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

# Without a focus, of what has to go above and below this share goes above: faces and signs stand in the upper half.
ABOVE = 1 / 3
# Under this name a release's content keeps the focus: percent from the left and from the top.
FOCUS = "cover_focus"


@dataclass(frozen=True)
class Cut:
    """The part of a picture that is shown, in shares of its width and height from the upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


class CutsCovers(ABC):
    """A channel that shows covers cut to shapes: the label of each and its width by its height, the largest first."""

    cover_shapes: ClassVar[Mapping[str, float]]

    @classmethod
    def cuts(cls, content: Mapping[str, Any]) -> dict[str, Cut]:
        """What of the cover shows in each shape; nothing where the picture's size is unknown."""
        about = content.get("pictures", {}).get(content.get("cover"), {})
        width, height = about.get("width"), about.get("height")
        if not width or not height:
            return {}
        focus = content.get(FOCUS)
        return {label: cut(width / height, shape, focus) for label, shape in cls.cover_shapes.items()}


def cut(ratio: float, shape: float, focus: tuple[int, int] | list[int] | None = None) -> Cut:
    """The largest part of a shape, as near to the focus as the picture's edges allow."""
    across, down = min(1.0, shape / ratio), min(1.0, ratio / shape)
    left, top = (1 - across) / 2, (1 - down) * ABOVE
    if focus:
        left = min(max(focus[0] / 100 - across / 2, 0.0), 1 - across)
        top = min(max(focus[1] / 100 - down / 2, 0.0), 1 - down)
    return Cut(left, top, min(1.0, left + across), min(1.0, top + down))
