"""`xuanda drill`: the whole job in a throw-away office, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.demo.platforms import write_accounts
from hub.drill import report
from hub.drill.faces import Apart


def drill(
    platforms: Annotated[
        str,
        typer.Option(help="Other stand-ins of the same protocols: URL/wechat, URL/weibo, URL/jpush; default: our own."),
    ] = "",
    faces: Annotated[
        Apart | None,
        typer.Option(help="Play it with the two faces apart, without a shared database: by `https` or by `files`."),
    ] = None,
    accounts: Annotated[
        Path | None,
        typer.Option(
            help="Only write the drill's accounts and their credentials to this file, for stand-ins to be set up with "
            "(ours: python -m channels.rehearsal --config FILE)."
        ),
    ] = None,
) -> None:
    """Plays the whole job through HTTP doors against processes of their own; exit code 1 when a step fails."""
    if accounts is not None:
        write_accounts(accounts)
        typer.echo(f"Written: {accounts}")
        return
    if not report.run(platforms, typer.echo, faces):
        raise typer.Exit(1)
