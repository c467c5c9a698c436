"""`xuanda outer`: pairs an inside with its outer side, and says how the exchange stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import func, select

from hub.errors import CannotRun
from hub.outer import outside, pairing
from hub.outer.log import is_paired, marks_of
from hub.outer.models import OuterLink, OuterPacket, OuterProblem
from hub.outer.packets import Card, read_card
from hub.settings import Settings
from hub.wiring import build
from kernel.work import Actor

app = typer.Typer(help="Two faces without a shared database: pairing, how the exchange stands.", no_args_is_help=True)

OPERATOR = Actor("command line")
Anew = Annotated[bool, typer.Option(help="End the pairing that is there; what was still on its way is lost.")]
Out = Annotated[Path, typer.Option(help="File to write our card to; it holds no secret.")]


@app.command("invite")
def invite(out: Out = Path("inner.card"), anew: Anew = False) -> None:
    """Inside, first: writes our card, to be carried to the outer host."""
    hub = build(Settings())
    try:
        with hub.works.write(OPERATOR) as work:
            card = pairing.invite(work, hub.seal, anew=anew)
    finally:
        hub.close()
    _write(out, card)


@app.command("join")
def join(
    card: Annotated[Path, typer.Argument(help="The inside's card.")], out: Out = Path("outer.card"), anew: Anew = False
) -> None:
    """On the outer host: takes the inside's card and writes our own, to be carried back."""
    hub = build(Settings())
    try:
        with hub.works.write(OPERATOR) as work:
            inner = _read(card)
            own = pairing.join(work, hub.seal, inner, anew=anew)
    finally:
        hub.close()
    typer.echo(f"The inside's mark: {inner.mark}")
    _write(out, own)


@app.command("accept")
def accept(card: Annotated[Path, typer.Argument(help="The outer side's card.")]) -> None:
    """Inside, last: takes the outer side's card; from now on what is public is sent there."""
    hub = build(Settings())
    try:
        with hub.works.write(OPERATOR) as work:
            outer = _read(card)
            pairing.accept(work, outer)
    finally:
        hub.close()
    typer.echo(f"Paired. The outer side's mark: {outer.mark}")


@app.command("status")
def status() -> None:
    """Says which side this is, when the other was last heard, and what waits."""
    hub = build(Settings())
    try:
        with hub.works.read() as work:
            link = work.session.get(OuterLink, 1)
            marks = marks_of(work.session)
            waiting = work.session.scalar(select(func.count()).select_from(OuterPacket))
            open_ = select(func.count()).select_from(OuterProblem).where(OuterProblem.settled_at.is_(None))
            problems, paired = work.session.scalar(open_), is_paired(work.session)
    finally:
        hub.close()
    if link is None:
        raise CannotRun(why="This installation has no other side. See docs/how-to/two-faces.md.")
    typer.echo(f"side: {link.role}, paired: {'yes' if paired else 'no'}")
    typer.echo(f"last heard: {link.heard_at or 'never'}; trouble: {link.trouble or 'none'}")
    typer.echo(f"waiting to be taken: {waiting}; taken: {marks['applied']}; problems: {problems}")


@app.command("again")
def again(number: Annotated[int, typer.Argument(help="The number of the packet that was set aside.")]) -> None:
    """Takes a packet once more that was set aside on this side."""
    settings = Settings()
    hub = build(settings)
    with hub.works.read() as work:
        role = work.session.scalar(select(OuterLink.role))
        query = select(OuterProblem.id).where(OuterProblem.number == number, OuterProblem.settled_at.is_(None))
        found = work.session.scalars(query.where(OuterProblem.sealed.is_not(None))).first()
    if role == "outer":
        hub.close()
        hub = outside.build(settings)
    try:
        done = found is not None and hub.outer.again(found)
    finally:
        hub.close()
    if not done:
        raise CannotRun(why=f"No packet with the number {number} is set aside here.")
    typer.echo(f"Packet {number} was taken.")


def _read(path: Path) -> Card:
    try:
        return read_card(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as failure:
        raise CannotRun(why=f"{path} cannot be read: {failure}") from None


def _write(path: Path, card: Card) -> None:
    path.write_text(card.text(), "utf-8")
    typer.echo(f"Written: {path}. Its mark, to be compared over the telephone: {card.mark}")
