"""Backups: one consistent picture of the database, every file, and a manifest that a restore is checked against."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from hub.errors import CannotRun
from kernel.audit import GENESIS
from kernel.blobs import Blobs

FORMAT = 1
MANIFEST, FILES, KEY = "manifest.json", "files", "secret.key"
DATABASE = {"sqlite": "database.sqlite", "postgresql": "database.dump"}
TOLD_EVERY = 500

Say = Callable[[str], Any]


@dataclass
class Manifest:
    """What is in a backup; `tables` are row counts, `files` sizes by SHA-256, `audit` the end of the chain."""

    made_at: str
    database: str
    database_sha256: str
    tables: dict[str, int]
    audit_seq: int
    audit_hash: str
    files: dict[str, int]
    key_sha256: str = ""
    format: int = FORMAT


@dataclass
class Report:
    """What a backup came to; `damaged` are files on disk whose bytes no longer match their name."""

    size: int
    rows: int
    files: int
    damaged: list[str] = field(default_factory=list)


@dataclass
class Picture:
    """Row counts and the audit log's end, read from the same moment as the database's copy."""

    tables: dict[str, int]
    audit_seq: int
    audit_hash: str


def make_backup(
    engine: Engine, blobs: Blobs, key_file: Path | None, target: Path, now: datetime, say: Say = lambda _line: None
) -> Report:
    """Writes a .tar.gz that only its owner may read; raises CannotRun when the target exists.

    Files are listed after the database was copied: a row is committed only once its file is on disk, so every file the
    copy speaks of is there.
    """
    if target.exists():
        raise CannotRun(why=f"{target} exists already; choose another name.")
    kind = engine.dialect.name
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
        copy = Path(folder) / DATABASE[kind]
        say(f"database ({kind}) …")
        picture = _copy_sqlite(engine, copy) if kind == "sqlite" else _copy_postgres(engine, copy)
        whole, damaged = _sound_files(blobs)
        manifest = Manifest(
            made_at=now.isoformat(),
            database=kind,
            database_sha256=sha256_of(copy),
            tables=picture.tables,
            audit_seq=picture.audit_seq,
            audit_hash=picture.audit_hash,
            files=whole,
            key_sha256=sha256_of(key_file) if key_file else "",
        )
        part = Path(folder) / "backup"
        with _opened(part) as archive:
            _add_bytes(archive, MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
            archive.add(copy, DATABASE[kind], filter=_nobody)
            if key_file:
                archive.add(key_file, KEY, filter=_nobody)
            for count, name in enumerate(whole, 1):
                archive.add(blobs.path(name), f"{FILES}/{name}", filter=_nobody)
                if count % TOLD_EVERY == 0 or count == len(whole):
                    say(f"files {count} / {len(whole)}")
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.rename(target)
    return Report(target.stat().st_size, sum(picture.tables.values()), len(whole), damaged)


def picture_of(connection: Connection) -> Picture:
    """Counts every table's rows and reads the end of the audit chain."""
    names = sorted(inspect(connection).get_table_names())
    quote = connection.dialect.identifier_preparer.quote
    tables = {name: connection.scalar(text(f"SELECT count(*) FROM {quote(name)}")) or 0 for name in names}  # noqa: S608  # Names from the catalogue, quoted.
    query = text("SELECT seq, hash FROM audit_head")
    head = connection.execute(query).one_or_none() if "audit_head" in tables else None
    return Picture(tables, head[0] if head else 0, head[1] if head else GENESIS)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def postgres_environment(url: URL) -> dict[str, str]:
    """How PostgreSQL's programs are told where to connect: by environment, because others can read arguments."""
    named = {
        "PGHOST": url.host,
        "PGPORT": str(url.port) if url.port else None,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
    }
    return {**os.environ, **{key: value for key, value in named.items() if value}}


def run_program(arguments: list[str], url: URL) -> None:
    """Runs pg_dump or pg_restore; raises CannotRun with its own words when it fails or is missing."""
    try:
        done = subprocess.run(  # noqa: S603  # PostgreSQL's own programs with arguments of ours.
            arguments, env=postgres_environment(url), capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise CannotRun(why=f"{arguments[0]} is not installed (apt install postgresql-client).") from None
    if done.returncode != 0:
        raise CannotRun(why=f"{arguments[0]} failed: {done.stderr.strip()[-500:]}")


def _copy_sqlite(engine: Engine, copy: Path) -> Picture:
    pooled = engine.raw_connection()
    target = sqlite3.connect(copy)
    try:
        source = pooled.driver_connection
        assert isinstance(source, sqlite3.Connection)  # noqa: S101  # The dialect says so.
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # One file, without a log beside it.
    finally:
        target.close()
        pooled.close()
    reading = create_engine(f"sqlite:///{copy}", poolclass=NullPool)
    with reading.connect() as connection:
        return picture_of(connection)


def _copy_postgres(engine: Engine, copy: Path) -> Picture:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) as connection:
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        arguments = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges"]
        run_program([*arguments, f"--snapshot={snapshot}", f"--file={copy}"], engine.url)
        return picture_of(connection)


def _sound_files(blobs: Blobs) -> tuple[dict[str, int], list[str]]:
    whole: dict[str, int] = {}
    damaged: list[str] = []
    for name in blobs.all():
        path = blobs.path(name)
        if sha256_of(path) == name:
            whole[name] = path.stat().st_size
        else:
            damaged.append(name)
    return whole, damaged


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz", compresslevel=4) as archive:
        yield archive


def _add_bytes(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    archive.addfile(member, io.BytesIO(data))


def _nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member
