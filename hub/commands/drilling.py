"""`xuanda drill`: the whole job in a throw-away office, step by step."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.drill import report


def drill(
    platforms: Annotated[
        str,
        typer.Option(help="Other stand-ins of the same protocols: URL/wechat, URL/weibo, URL/jpush; default: our own."),
    ] = "",
) -> None:
    """Plays the whole job through HTTP doors against processes of their own; exit code 1 when a step fails."""
    if not report.run(platforms, typer.echo):
        raise typer.Exit(1)
