"""Restoring: a backup is unpacked beside its place, checked whole, and only then put where it belongs."""

from __future__ import annotations

import json
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from sqlalchemy import URL, Engine, create_engine, inspect, make_url, text
from sqlalchemy.orm import Session

from hub.backup import DATABASE, FILES, FORMAT, KEY, MANIFEST, Manifest, Say, picture_of, run_program, sha256_of
from hub.db import open_database
from hub.errors import BadBackup, CannotRun
from hub.settings import Settings
from kernel import audit
from kernel.blobs import Blobs

MEMBER = re.compile(rf"{re.escape(MANIFEST)}|{re.escape(KEY)}|{FILES}/[0-9a-f]{{64}}|database\.(sqlite|dump)")


@dataclass(frozen=True)
class Unpacked:
    """A backup's parts in a folder of their own."""

    folder: Path
    manifest: Manifest

    @property
    def database(self) -> Path:
        """The database's copy."""
        return self.folder / DATABASE[self.manifest.database]


def check_backup(file: Path, settings: Settings, say: Say = lambda _line: None) -> list[str]:
    """Restores into a throw-away place, checks it there and removes it; returns what does not hold."""
    with unpacked(file, file.parent, say) as backup:
        faults = _check_parts(backup, say)
        if faults:
            return faults
        if backup.manifest.database == "sqlite":
            return _check_sqlite(backup, backup.folder, say)
        with _throw_away_database(settings) as url:
            _load_postgres(backup, url, say)
            return _check_database(create_engine(url), backup.manifest, say)


def restore_backup(file: Path, settings: Settings, say: Say = lambda _line: None) -> list[str]:
    """Restores into an installation that is still empty; returns what does not hold (then nothing was put in place).

    Raises CannotRun when there is anything in the data folder, the files folder or the database.
    """
    _must_be_empty(settings)
    settings.data.parent.mkdir(parents=True, exist_ok=True)
    with unpacked(file, settings.data.parent, say) as backup:
        _must_fit(backup.manifest, settings)
        faults = _check_parts(backup, say)
        if not faults and backup.manifest.database == "sqlite":
            faults = _check_sqlite(backup, backup.folder, say)
        if faults:
            return faults
        settings.data.mkdir(parents=True, exist_ok=True)
        if backup.manifest.database == "postgresql":
            url = make_url(settings.database)
            _load_postgres(backup, url, say)
            faults = _check_database(create_engine(url), backup.manifest, say)
        else:
            place = Path(make_url(settings.database).database or "")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(backup.database, place)
        _put_files(backup, Blobs(settings.files_folder), say)
        if backup.manifest.key_sha256:
            shutil.move(backup.folder / KEY, settings.key_file)
            settings.key_file.chmod(0o600)
        elif not settings.key_file.exists():
            say(f"The backup holds no key: put the old one back as {settings.key_file} before you start.")
    return faults


@contextmanager
def unpacked(file: Path, beside: Path, say: Say) -> Iterator[Unpacked]:
    """Unpacks the known members of a backup, and nothing else; raises BadBackup."""
    with tempfile.TemporaryDirectory(dir=beside, prefix=".restore-") as name:
        folder = Path(name)
        (folder / FILES).mkdir()
        say("unpacking …")
        try:
            with tarfile.open(file, "r:gz") as archive:
                for member in archive:
                    if not member.isfile() or not MEMBER.fullmatch(member.name):
                        raise BadBackup(why=f"it holds {member.name[:100]!r}.")
                    archive.extract(member, folder, filter="data")
        except (tarfile.TarError, OSError, EOFError) as failure:
            raise BadBackup(why=f"{failure}.") from failure
        yield Unpacked(folder, _read_manifest(folder / MANIFEST))


def _read_manifest(path: Path) -> Manifest:
    try:
        manifest = Manifest(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as failure:
        raise BadBackup(why="its manifest is missing or unreadable.") from failure
    if manifest.format != FORMAT or manifest.database not in DATABASE:
        raise BadBackup(why=f"its format {manifest.format} is not known to this version.")
    return manifest


def _check_parts(backup: Unpacked, say: Say) -> list[str]:
    manifest = backup.manifest
    say(f"checking {len(manifest.files)} files …")
    faults = []
    if not backup.database.exists() or sha256_of(backup.database) != manifest.database_sha256:
        faults.append("the database's copy is missing or changed")
    key = backup.folder / KEY
    if manifest.key_sha256 and (not key.exists() or sha256_of(key) != manifest.key_sha256):
        faults.append("the key is missing or changed")
    present = {path.name: path for path in (backup.folder / FILES).iterdir()}
    faults += [f"file {name} is missing" for name in sorted(manifest.files.keys() - present.keys())]
    faults += [f"file {name} is not in the manifest" for name in sorted(present.keys() - manifest.files.keys())]
    for name in sorted(present.keys() & manifest.files.keys()):
        if present[name].stat().st_size != manifest.files[name] or sha256_of(present[name]) != name:
            faults.append(f"file {name} was changed")
    return faults


def _check_sqlite(backup: Unpacked, folder: Path, say: Say) -> list[str]:
    # A copy is opened, because opening writes; what is put in place is byte for byte what was backed up.
    copy = folder / "checked.sqlite"
    shutil.copyfile(backup.database, copy)
    return _check_database(open_database(f"sqlite:///{copy}"), backup.manifest, say)


def _check_database(engine: Engine, manifest: Manifest, say: Say) -> list[str]:
    try:
        with engine.connect() as connection:
            picture = picture_of(connection)
        say(f"checking {sum(picture.tables.values()):,} rows and the audit chain …")
        with Session(engine) as session:
            verdict = audit.verify(session, (manifest.audit_seq, manifest.audit_hash) if manifest.audit_seq else None)
    finally:
        engine.dispose()
    faults = [] if verdict.fault is None else [f"audit log: {verdict.fault}"]
    for name in sorted(picture.tables.keys() | manifest.tables.keys()):
        found, expected = picture.tables.get(name), manifest.tables.get(name)
        if found != expected:
            faults.append(f"table {name} has {found} rows instead of {expected}")
    return faults


def _load_postgres(backup: Unpacked, url: URL, say: Say) -> None:
    say("loading the database …")
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", f"--dbname={url.database}"]
    run_program(["pg_restore", *options, str(backup.database)], url)


@contextmanager
def _throw_away_database(settings: Settings) -> Iterator[URL]:
    url = make_url(settings.database)
    if url.get_backend_name() != "postgresql":
        raise CannotRun(why="The backup is of PostgreSQL: set XUANDA_DATABASE_URL to a server to check it on.")
    name = f"xuanda_check_{token_hex(6)}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
        try:
            yield url.set(database=name)
        finally:
            with admin.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        admin.dispose()


def _must_fit(manifest: Manifest, settings: Settings) -> None:
    kind = make_url(settings.database).get_backend_name()
    if kind != manifest.database:
        raise CannotRun(why=f"The backup is of {manifest.database}, but this installation is set to {kind}.")


def _must_be_empty(settings: Settings) -> None:
    for folder in (settings.data, settings.files_folder):
        if folder.exists() and any(folder.iterdir()):
            raise CannotRun(why=f"{folder} is not empty. Restore into an empty folder (XUANDA_DATA).")
    url = make_url(settings.database)
    if url.get_backend_name() == "sqlite":
        if Path(url.database or "").exists():
            raise CannotRun(why=f"{url.database} exists already.")
        return
    engine = create_engine(url)
    try:
        if inspect(engine).get_table_names():
            raise CannotRun(why=f"The database {url.database} is not empty. Restore into a fresh one.")
    finally:
        engine.dispose()


def _put_files(backup: Unpacked, blobs: Blobs, say: Say) -> None:
    say(f"putting {len(backup.manifest.files)} files in place …")
    for name in backup.manifest.files:
        place = blobs.path(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(backup.folder / FILES / name, place)
