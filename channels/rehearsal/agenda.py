"""What the platforms will do later by their clock, such as finishing a publication."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel

Act = Callable[..., Awaitable[None]]


class Job(BaseModel):
    """One act due at `due` (seconds since 1970); `act` names the function, `details` are its arguments."""

    due: float
    act: str
    details: dict[str, Any]


class Agenda(BaseModel):
    """The jobs still to do, in no order."""

    jobs: list[Job] = []

    def add(self, due: float, act: str, **details: Any) -> None:
        """Note an act for later."""
        self.jobs.append(Job(due=due, act=act, details=details))

    def take(self, now: float) -> list[Job]:
        """The jobs due by `now`, earliest first, taken off the agenda."""
        due = sorted((job for job in self.jobs if job.due <= now), key=lambda job: job.due)
        self.jobs = [job for job in self.jobs if job.due > now]
        return due
