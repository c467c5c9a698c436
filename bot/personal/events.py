"""What citizens' requests about their own data tell those above them."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event


@dataclass(frozen=True)
class DataAsked(Event):
    """A citizen asked for a copy of his data, or for its deletion."""

    request_id: int
    unit_id: int
    number: str
    kind: str


@dataclass(frozen=True)
class DataAnswerLate(Event):
    """Such a request is past its deadline."""

    request_id: int
    unit_id: int
    number: str
    kind: str
