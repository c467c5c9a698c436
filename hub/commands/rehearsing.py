"""`xuanda rehearsal`: the rehearsal platforms as a process of their own, where accounts in rehearsal publish."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import typer

from channels.rehearsal.app import serve
from channels.rehearsal.config import RehearsalConfig
from hub.errors import CannotRun
from hub.settings import Settings


def rehearsal(
    host: Annotated[str, typer.Option(help="Address to listen on; default: that of XUANDA_REHEARSAL_URL.")] = "",
    port: Annotated[int, typer.Option(help="Port to listen on; default: that of XUANDA_REHEARSAL_URL.")] = 0,
) -> None:
    """Serves stand-ins of all platforms until Ctrl-C; what accounts in rehearsal sent is shown there as phones.

    What they received is kept below the data folder, so that a restart forgets nothing.
    """
    settings = Settings()
    address = urlsplit(settings.rehearsal_url)
    if not address.hostname:
        raise CannotRun(why="Set XUANDA_REHEARSAL_URL, for example to http://127.0.0.1:8009, for this and for serve.")
    config = RehearsalConfig(data=settings.rehearsal_folder / "ledger", public_url=settings.rehearsal_url)
    typer.echo(f"Rehearsal platforms on {settings.rehearsal_url} (Ctrl-C stops them)")
    serve(config, host or address.hostname, port or address.port or 80)
