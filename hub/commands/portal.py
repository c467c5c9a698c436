"""`xuanda portal`: the whole site drawn again from the database."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import typer

from channels.accounts import store as accounts
from channels.adapters.portal.crew import hands_here
from channels.adapters.portal.rebuild import Progress, Rebuild
from hub.errors import CannotRun
from hub.incoming import portal_account
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build
from scheduler.whole_site import WholeSite

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


def rebuild_site(hub: Hub, tell: Callable[[Progress], None], *, anew: bool = False, hands: int = 1) -> Progress:
    """Draws the site of the installation's portal."""
    with hub.works.read() as work:
        account = portal_account(work)
        if account is None:
            raise CannotRun(why="No portal is registered; add its account in the console (账号矩阵).")
        about = accounts.info(work.session, hub.seal, account)
    adapter = hub.incoming.make(about)
    with hub.works.write() as work:
        work.audit("account.rebuild_begun", account, anew=anew)
    done = Rebuild(about, adapter.tools, WholeSite(hub.works, about.id), tell, hands).run(anew=anew)
    with hub.works.write() as work:
        work.audit("account.rebuilt", account, pages=done.pages, removed=done.removed)
    return done


def _tell(progress: Progress) -> None:
    if progress.places:
        typer.echo(f"  {progress.column}  {progress.place:,} / {progress.places:,}  ({progress.pages:,} pages)")
