"""Facts that a package tells those above it, and who listens.

A listener *in work* writes rows in the same transaction as the fact. A listener *after* only wakes or
notifies; it runs once the fact is committed and may be lost without harm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from kernel.work import Work


class Event:
    """A fact in the past tense; subclasses are frozen dataclasses."""


E = TypeVar("E", bound=Event)


class Listeners:
    """Who hears which fact; filled once, in `hub.wiring`."""

    def __init__(self) -> None:
        self._in_work: dict[type[Event], list[Callable[[Work, Any], None]]] = defaultdict(list)
        self._together: dict[type[Event], list[Callable[[Work, Any], None]]] = defaultdict(list)
        self._after: dict[type[Event], list[Callable[[Any], None]]] = defaultdict(list)

    def in_work(self, event: type[E], listener: Callable[[Work, E], None]) -> None:
        """Registers a listener that writes rows in the fact's own transaction."""
        self._in_work[event].append(listener)

    def in_work_together(self, event: type[E], listener: Callable[[Work, Sequence[E]], None]) -> None:
        """Registers one that writes rows for all facts of this kind at once, once each was told to those above."""
        self._together[event].append(listener)

    def after(self, event: type[E], listener: Callable[[E], None]) -> None:
        """Registers a listener that runs after the commit."""
        self._after[event].append(listener)

    def tell_in_work(self, work: Work, event: Event) -> None:
        """Runs the in-work listeners of one fact, in the order of registration."""
        for listener in self._in_work[type(event)]:
            listener(work, event)

    def tell_together(self, work: Work, events: Sequence[Event]) -> None:
        """Runs the in-work listeners that hear all facts of a kind at once."""
        for kind in {type(event): None for event in events}:
            for listener in self._together[kind]:
                listener(work, [event for event in events if type(event) is kind])

    def after_commit(self, event: Event) -> list[Callable[[], None]]:
        """The calls to make once the fact is committed."""
        return [_bind(listener, event) for listener in self._after[type(event)]]


def _bind(listener: Callable[[Any], None], event: Event) -> Callable[[], None]:
    return lambda: listener(event)
