"""What re-posting tells those above it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.events import Event


@dataclass(frozen=True)
class RepostsOpened(Event):
    """A reading of a feed opened tasks in a unit; `first` is the title of one, `due_at` the earliest deadline."""

    feed_id: int
    unit_id: int
    role: str
    count: int
    first: str
    due_at: datetime
    at: datetime
