"""`xuanda move-database`: from one machine's SQLite to PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer
from sqlalchemy import select

from hub.db import open_database
from hub.moving import move_database, set_aside
from hub.settings import Settings
from kernel.clock import SystemClock
from kernel.work import Works
from scheduler.models import Delivery
from scheduler.queue import Wakes
from scheduler.states import DeliveryState


def move(
    source: Annotated[str, typer.Option("--from", metavar="URL", help="sqlite:///var/xuanda.db")],
    target: Annotated[str, typer.Option("--to", metavar="URL", help="postgresql+psycopg://… of an empty database.")],
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the old file under its name, to try the move out on a copy.")
    ] = False,
) -> None:
    """Copies a SQLite installation to PostgreSQL, compares every row, and sets the old file aside."""
    rows = move_database(source, target, typer.echo)
    _begin_there(target, rows)
    typer.echo(
        f"{rows:,} rows moved. Set XUANDA_DATABASE_URL to the new address, then start web processes and workers."
    )
    if not keep:
        typer.echo(f"The old file is now {set_aside(source)}.")


def _begin_there(target: str, rows: int) -> None:
    """Notes the move, and defers the wake-ups that the booked rows would have been given on PostgreSQL."""
    settings = Settings()
    engine = open_database(target)
    wakes = Wakes(timedelta(seconds=settings.clock_offset))
    try:
        with Works(engine, SystemClock(settings.clock_offset)).write() as work:
            query = select(Delivery.account_id, Delivery.next_at).where(
                Delivery.state.in_((DeliveryState.BOOKED, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN)),
                Delivery.next_at.is_not(None),
            )
            for lane, at in work.session.execute(query.distinct()).all():
                wakes.defer(work, lane, max(at or work.now, work.now))
            work.audit("database.relocated", rows=rows)
    finally:
        engine.dispose()
