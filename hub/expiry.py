"""Wires what ends by itself: within half a minute a lapsed policy and an expired notice say so on every page."""

from __future__ import annotations

from datetime import date, timedelta

from content import expiry
from hub.product import Hub
from kernel.duties import Duty
from scheduler import booking

EVERY = timedelta(seconds=20)
AT_ONCE = 50


def connect(hub: Hub) -> None:
    """Adds the duty that looks for what has ended."""
    hub.duties.append(Duty("public.expiry", EVERY, lambda: follow(hub), timedelta(minutes=2)))


def follow(hub: Hub) -> int:
    """Marks what has ended and books its pages to be drawn again, some at a time; returns how many."""
    marked = 0
    while _waits(hub):
        with hub.works.write() as work:
            pieces = expiry.mark(work, _today(hub), AT_ONCE)
            for piece in pieces:
                booking.redraw(work, piece)
        marked += len(pieces)
        hub.stale()
    return marked


def _waits(hub: Hub) -> bool:
    with hub.works.read() as work:
        return expiry.waits(work.session, work, _today(hub))


def _today(hub: Hub) -> date:
    return hub.clock.now().astimezone(hub.settings.office_zone).date()
