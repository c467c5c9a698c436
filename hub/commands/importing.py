"""`xuanda import feed` and `xuanda import docx`: text from elsewhere made into drafts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from sqlalchemy import select

from content.importing.drafts import Report, Row
from content.importing.errors import TooLargeToImport
from content.importing.feeds import LONGEST_FEED, read_feed
from hub import imports
from hub.errors import CannotRun
from hub.imports import Fetched
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build
from kernel.people import Person, Viewer, viewer
from kernel.work import Actor

app = typer.Typer(help="Text from elsewhere made into drafts: news feeds, Word documents.", no_args_is_help=True)

STATES = {"new": "new", "known": "already there", "changed": "changed at its source", "failed": "FAILED"}

ColumnOption = Annotated[str, typer.Option("--column", help="Slug of the column the drafts are for.")]
LoginOption = Annotated[str, typer.Option("--login", help="In whose name the drafts are written; his rights hold.")]


@app.callback()
def _group() -> None:
    """Text from elsewhere made into drafts."""


@app.command("feed")
def feed(
    source: Annotated[str, typer.Argument(help="Address of an RSS or Atom feed, or a file that holds one.")],
    column: ColumnOption,
    login: LoginOption,
) -> None:
    """Makes drafts of a feed's entries that are not here yet; exit code 1 when anything failed or nothing was read."""
    with _at_work(login) as (hub, who, actor), imports.fetching(hub.settings) as fetcher:
        got = _feed_file(Path(source)) if not _is_address(source) else fetcher.get(source, LONGEST_FEED)
        found = read_feed(got.data, got.content_type, got.address, hub.settings.office_zone)
        column_id = _column(hub, column)
        report = imports.take_feed(hub, who, actor, column_id, found, fetcher.picture, _print)
    _end(report)


@app.command("docx")
def docx(
    files: Annotated[list[Path], typer.Argument(help="Word documents (.docx).")],
    column: ColumnOption,
    login: LoginOption,
) -> None:
    """Makes a draft of each Word document; exit code 1 when any could not be read."""
    for file in files:
        if not file.is_file():
            raise CannotRun(why=f"There is no file {file}.")
    with _at_work(login) as (hub, who, actor):
        column_id = _column(hub, column)
        given = ((file.name, file.read_bytes()) for file in files)
        report = imports.take_documents(hub, who, actor, column_id, given, _print)
    _end(report)


@contextmanager
def _at_work(login: str) -> Iterator[tuple[Hub, Viewer, Actor]]:
    hub = build(Settings())
    try:
        with hub.works.read() as work:
            query = select(Person).where(Person.login == login.strip().lower(), Person.active)
            person = work.session.scalars(query).one_or_none()
            if person is None:
                raise CannotRun(why=f"There is nobody active with the login name {login!r}.")
            who = viewer(work.session, person, work.now)
        yield hub, who, Actor(person.name, person.id, person.unit_id, "command line")
    finally:
        hub.close()


def _column(hub: Hub, slug: str) -> int:
    with hub.works.read() as work:
        return imports.column_of(work.session, slug).id


def _is_address(source: str) -> bool:
    return urlsplit(source).scheme in ("http", "https")


def _feed_file(path: Path) -> Fetched:
    if not path.is_file():
        raise CannotRun(why=f"There is no file {path}, and it is no http or https address.")
    if path.stat().st_size > LONGEST_FEED:
        raise TooLargeToImport(what=str(path), limit=f"{LONGEST_FEED // 1024 // 1024} MB")
    return Fetched(path.read_bytes(), "", "")


def _print(row: Row) -> None:
    number = f" (piece {row.piece_id})" if row.piece_id else ""
    typer.echo(f"{STATES[row.state]}: {row.title}{number}", err=row.state == "failed")
    for remark in row.remarks:
        typer.echo(f"    {remark}", err=row.state == "failed")


def _end(report: Report) -> None:
    for remark in report.remarks:
        typer.echo(remark)
    counts = ", ".join(f"{report.count(state)} {label}" for state, label in STATES.items())  # type: ignore[arg-type]
    typer.echo(counts if report.rows else "Nothing was read.")
    if not report.rows or report.count("failed"):
        raise typer.Exit(1)
