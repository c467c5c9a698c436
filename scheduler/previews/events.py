"""What previews tell those above the scheduler."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event


@dataclass(frozen=True)
class PreviewLost(Event):
    """The platform took things away that readers need; `first` is the first of them in words."""

    preview_id: int
    piece_id: int
    unit_id: int
    account: str
    title: str
    count: int
    first: str
