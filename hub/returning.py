"""Wires what comes back: the portal's own count, the platforms' figures, and the advice made from them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from analytics import collect, plan, public_ratings, statistics
from hub.product import Hub
from kernel.duties import Duty
from kernel.people import Unit


def connect(hub: Hub) -> None:
    """Adds the duties of what comes back."""
    make = hub.make_adapter
    hub.duties += [
        Duty(
            "readings.collect",
            timedelta(hours=6),
            lambda: collect.collect(hub.works, hub.seal, make, hub.settings.office_zone),
            timedelta(hours=1),
        ),
        # Often, because what was delayed is asked for again; where nothing is missing nothing is asked.
        Duty(
            "statistics.collect",
            timedelta(hours=1),
            lambda: statistics.collect(hub.works, hub.seal, make),
            timedelta(hours=1),
        ),
        Duty("ratings.publish", timedelta(hours=1), lambda: publish_ratings(hub)),
        Duty("plan.refresh", timedelta(hours=1), lambda: refresh_plan(hub)),
    ]


def publish_ratings(hub: Hub) -> int:
    """Counts 好差评 for everybody; returns how many quarters changed."""
    return public_ratings.publish(hub.works, hub.settings.office_zone)


def refresh_plan(hub: Hub) -> int:
    """Works the advice of every unit out anew, each in a work of its own; returns how many are new."""
    with hub.works.read() as work:
        units = work.session.scalars(select(Unit.id).order_by(Unit.id)).all()
    new = 0
    for unit_id in units:
        with hub.works.write() as work:
            new += plan.refresh(work, [unit_id], hub.settings.office_zone)
    return new
