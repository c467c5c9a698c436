"""`xuanda portal`: the whole site drawn again from the database."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from channels.adapters.portal.crew import hands_here
from channels.adapters.portal.rebuild import Progress
from hub.settings import Settings
from hub.whole_portal import rebuild_site
from hub.wiring import build

app = typer.Typer(help="The portal's folder of pages.", no_args_is_help=True)


@app.callback()
def portal() -> None:
    """The portal's folder of pages."""


@app.command()
def rebuild(
    anew: Annotated[bool, typer.Option("--anew", help="Begin again, even after an interruption.")] = False,
    processes: Annotated[int, typer.Option(help="How many draw at a time; 0 for one per processor.")] = 0,
) -> None:
    """Draws every page from the database and takes away what does not belong; publishing goes on meanwhile."""
    hub = build(Settings())
    try:
        begun = time.monotonic()
        done = rebuild_site(hub, _tell, anew=anew, hands=processes or hands_here())
    finally:
        hub.close()
    seconds = time.monotonic() - begun
    pace = done.pages / max(seconds, 0.001)
    typer.echo(f"{done.pages:,} pages in {seconds:.1f} s ({pace:.0f}/s), {done.removed:,} files removed")
    if done.skipped:
        typer.echo(f"{done.skipped} pages were left to a delivery on its way; the scheduler draws them.")


def _tell(progress: Progress) -> None:
    if progress.places:
        typer.echo(f"  {progress.column}  {progress.place:,} / {progress.places:,}  ({progress.pages:,} pages)")
