"""When an item is due: whoever puts it to another time says so here, and its lateness counts from that time on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from scheduler.models import Delivery


def due_at(at: datetime) -> dict[str, Any]:
    """The values of a delivery that people put to this time: its lateness, that alarm and the missed rule begin anew.

    What the system does by itself (waiting for a signature, trying again, asking) is no decision and moves no time.
    """
    return {"scheduled_at": at, "next_at": at, "late_told_at": None, "handed_on_at": None}


def put_to(delivery: Delivery, at: datetime) -> None:
    """The same for a row in hand."""
    values: Mapping[str, Any] = due_at(at)
    for name, value in values.items():
        setattr(delivery, name, value)
