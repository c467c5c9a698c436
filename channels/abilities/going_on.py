"""A channel that goes on with the act itself when it is polled or asked: between two calls it can be stopped."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping

from channels.base import Placed, Shown


class GoesOn(ABC):  # noqa: B024  # Nothing that must be implemented: most adapters only say that it is so.
    """Sending in rounds, or under a number that was fetched before: `poll` and `reconcile` send what is left.

    Where they only ask the platform, a stop has nothing to hold back, and an answer must not wait.
    """

    @classmethod
    def reached_by(cls, key: str, before: Placed | None, counts: Mapping[str, int]) -> Shown | None:
        """What shows of the delivery with this key when it ends here, for those whom it has reached by now.

        `before` is what showed of the piece earlier, `counts` how many are in each state; None where nothing tells.
        """
        return None
