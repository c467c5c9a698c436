"""What the register of public opinion tells those above it."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.events import Event


@dataclass(frozen=True)
class CaseReported(Event):
    """A clue was written down and waits for a judgement."""

    case_id: int
    unit_id: int
    title: str


@dataclass(frozen=True)
class CaseJudged(Event):
    """A person decided that a case is to be responded to, and which unit does it."""

    case_id: int
    unit_id: int
    handler_id: int
    title: str
