"""`xuanda answers`: published answers looked through once more, by the patterns of today."""

from __future__ import annotations

import typer
from sqlalchemy import select

from bot import publishing
from hub.settings import Settings
from hub.wiring import build
from kernel.people import Unit

app = typer.Typer(help="Published answers (留言公开).", no_args_is_help=True)


@app.callback()
def answers() -> None:
    """Published answers (留言公开)."""


@app.command("check")
def check() -> None:
    """Lists the published answers that would be refused today, by ticket and by what of a person stands in them.

    It changes nothing: a person masks the words anew or takes the answer back. Exit code 1 when there are any.
    """
    hub = build(Settings())
    try:
        with hub.works.read() as work:
            found = publishing.doubtful(work.session)
            wanted = select(Unit.id, Unit.name).where(Unit.id.in_({one.unit_id for one in found}))
            units = dict(work.session.execute(wanted).all())
    finally:
        hub.close()
    for one in found:
        page = f"{hub.settings.address}/console/tickets/{one.ticket_id}/public"
        typer.echo(f"{one.number}\t{units[one.unit_id]}\t{'、'.join(one.told)}\t{page}")
    typer.echo(f"{len(found)} published answer(s) would be refused today.")
    if found:
        raise typer.Exit(1)
