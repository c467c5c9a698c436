"""`xuanda audit`: checks the chain of the audit log."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from hub.errors import CannotRun
from hub.settings import Settings
from hub.wiring import build
from kernel import audit

app = typer.Typer(help="The audit log.", no_args_is_help=True)

NOTED = re.compile(r"([0-9]+):([0-9a-f]{64})")


@app.callback()
def _group() -> None:
    """The audit log."""


@app.command("verify")
def verify(
    expect: Annotated[
        str,
        typer.Option(metavar="SEQ:HASH", help="A line noted down earlier that must still stand as it did."),
    ] = "",
) -> None:
    """Walks the whole chain; exit code 1 when a line was changed, removed, inserted or cut off."""
    hub = build(Settings())
    try:
        with hub.works.read() as work:
            verdict = audit.verify(work.session, _noted(expect))
    finally:
        hub.close()
    if verdict.fault is not None:
        typer.echo(f"FAULT after {verdict.lines} good lines: {verdict.fault}", err=True)
        raise typer.Exit(1)
    typer.echo(f"{verdict.lines} lines hold. Note down: {verdict.lines}:{verdict.head}")


def _noted(text: str) -> tuple[int, str] | None:
    if not text:
        return None
    found = NOTED.fullmatch(text)
    if found is None:
        raise CannotRun(why="--expect is written SEQ:HASH, as `xuanda audit verify` prints it.")
    return int(found[1]), found[2]
