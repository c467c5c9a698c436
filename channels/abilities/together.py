"""A channel that shows several due posts in one go: what they share is made once for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from channels.base import Live, Post


class Together(ABC):
    """Publishing at most `most_together` posts at once, each of a piece of its own."""

    most_together: ClassVar[int]

    @abstractmethod
    def publish_together(self, posts: Sequence[Post]) -> Sequence[Live]:
        """Shows all of them. Where it raises, each is published by itself: doing any of it again must be harmless."""
