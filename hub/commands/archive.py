"""`xuanda backup` and `xuanda restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.backup import make_backup
from hub.db import open_database
from hub.errors import CannotRun
from hub.restore import check_backup, restore_backup
from hub.settings import Settings
from kernel.blobs import Blobs
from kernel.clock import SystemClock


def backup(
    file: Annotated[Path, typer.Argument(help="The backup to write, for example xuanda-2026-03-02.tar.gz.")],
    with_key: Annotated[
        bool,
        typer.Option(help="Also the key that opens the accounts' secrets; guard the file like a password."),
    ] = False,
) -> None:
    """Writes one consistent backup while the installation runs: database, files, manifest with hashes."""
    settings = Settings()
    engine = open_database(settings.database)
    try:
        report = make_backup(
            engine,
            Blobs(settings.files_folder),
            settings.key_file if with_key else None,
            file,
            SystemClock(settings.clock_offset).now(),
            typer.echo,
        )
    finally:
        engine.dispose()
    typer.echo(f"{file}: {report.size:,} bytes, {report.rows:,} rows, {report.files:,} files")
    if not with_key:
        typer.echo(f"The key is not in it. Keep {settings.key_file} somewhere else that is safe.")
    for name in report.damaged:
        typer.echo(f"WARNING: the file {name} is damaged on disk and is not in the backup.", err=True)
    if report.damaged:
        raise typer.Exit(1)


def restore(
    file: Annotated[Path, typer.Argument(help="The backup to read.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Only restore into a throw-away place, check everything there, report.")
    ] = False,
) -> None:
    """Restores a backup into an empty installation, after checking every hash, row count and the audit chain."""
    if not file.is_file():
        raise CannotRun(why=f"There is no file {file}.")
    settings = Settings()
    act = check_backup if verify else restore_backup
    faults = act(file, settings, typer.echo)
    for fault in faults:
        typer.echo(f"FAULT: {fault}", err=True)
    if faults:
        raise typer.Exit(1)
    typer.echo("Everything holds." if verify else f"Restored into {settings.data}. Everything holds.")
