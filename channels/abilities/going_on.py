"""A channel that goes on with the act itself when it is polled or asked: between two calls it can be stopped."""

from __future__ import annotations

from abc import ABC


class GoesOn(ABC):  # noqa: B024  # Nothing to implement: an adapter only says that it is so.
    """Sending in rounds, or under a number that was fetched before: `poll` and `reconcile` send what is left.

    Where they only ask the platform, a stop has nothing to hold back, and an answer must not wait.
    """
