"""A part of the workbench, as a desk gives it: a template of its own with what it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hub.product import Hub
from hub.web.access import Asker


@dataclass(frozen=True)
class Section:
    """One part of the workbench: a template of its own, drawn with `section.context` in reach.

    `order` decides the place (small first); a provider returns None when it has nothing for this person.
    """

    template: str
    order: int
    context: dict[str, Any] = field(default_factory=dict)


Provider = Callable[[Hub, Asker], Section | None]
