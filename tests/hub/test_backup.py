"""Backups: taken while people work, checked part by part, and restored only into an empty place."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text, update

from hub.backup import MANIFEST, make_backup
from hub.db import open_database
from hub.errors import BadBackup, CannotRun
from hub.restore import check_backup, restore_backup
from hub.settings import Settings
from kernel import audit
from kernel.audit import AuditLine
from kernel.blobs import Blobs
from kernel.clock import StillClock
from kernel.people import Person, add_unit
from kernel.work import Works


@pytest.fixture
def files(tmp_path: Path) -> Blobs:
    """Three kept files."""
    blobs = Blobs(tmp_path / "old" / "files")
    for data in (b"one", b"two" * 100_000, b""):
        blobs.put(data)
    return blobs


@pytest.fixture
def filled(works: Works) -> Works:
    """A database with some people and a chain of forty acts."""
    with works.write() as work:
        unit = add_unit(work.session, "宣州市", "root")
    for number in range(40):
        with works.write() as work:
            person = Person(unit_id=unit.id, name="某", login=f"p{number}")
            work.session.add(person)
            work.session.flush()
            work.audit("person.created", person)
    return works


@pytest.fixture
def fresh(works: Works, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Settings of an installation that is still empty, on the same kind of database."""
    data = tmp_path / "new"
    if works.engine.dialect.name == "sqlite":
        return Settings(data=data)
    server = make_url(request.getfixturevalue("postgres_server"))
    name = f"restored_{os.getpid()}_{abs(hash(tmp_path)) % 10**8}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    admin.dispose()
    return Settings(data=data, database_url=server.set(database=name).render_as_string(hide_password=False))


def back_up(works: Works, files: Blobs, tmp_path: Path, key: Path | None = None, name: str = "b.tar.gz") -> Path:
    target = tmp_path / name
    make_backup(works.engine, files, key, target, works.clock.now())
    return target


def rewrite(file: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of a backup in which every member went through `change`; None leaves it out."""
    other = file.with_name(f"changed-{file.name}")
    with tarfile.open(file, "r:gz") as old, tarfile.open(other, "w:gz") as new:
        for member in old:
            source = old.extractfile(member)
            assert source is not None
            data = change(member.name, source.read())
            if data is not None:
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return other


def test_a_backup_is_restored_whole(filled: Works, files: Blobs, fresh: Settings, tmp_path: Path) -> None:
    key = tmp_path / "old" / "secret.key"
    key.write_bytes(b"the key")
    backup = back_up(filled, files, tmp_path, key)
    assert backup.stat().st_mode & 0o777 == 0o600
    assert restore_backup(backup, fresh) == []
    engine = open_database(fresh.database)
    restored = Works(engine, StillClock())
    with restored.read() as work, filled.read() as original:
        assert audit.verify(work.session) == audit.verify(original.session)
        assert len(work.session.query(Person).all()) == 40
    with restored.write() as work:
        work.audit("probe.after")
    engine.dispose()
    kept = Blobs(fresh.files_folder)
    assert kept.all() == files.all()
    assert kept.damaged() == []
    assert fresh.key_file.read_bytes() == b"the key"
    assert fresh.key_file.stat().st_mode & 0o777 == 0o600


def test_checking_alone_leaves_nothing_behind(filled: Works, files: Blobs, fresh: Settings, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    backup = back_up(filled, files, place)
    said: list[str] = []
    assert check_backup(backup, fresh, said.append) == []
    assert [path.name for path in place.iterdir()] == ["b.tar.gz"]
    assert not fresh.data.exists()
    assert any("checking 3 files" in line for line in said)
    if filled.engine.dialect.name == "postgresql":
        engine = create_engine(fresh.database)
        with engine.connect() as connection:
            names = connection.scalars(text("SELECT datname FROM pg_database WHERE datname LIKE 'xuanda_check%'")).all()
        engine.dispose()
        assert names == []


def test_a_backup_taken_while_people_work_is_of_one_moment(
    filled: Works, files: Blobs, fresh: Settings, tmp_path: Path
) -> None:
    stop = threading.Event()

    def keep_working() -> None:
        while not stop.is_set():
            with filled.write() as work:
                for _ in range(3):
                    work.audit("probe.busy")

    people = [threading.Thread(target=keep_working) for _ in range(2)]
    for one in people:
        one.start()
    try:
        backups = [back_up(filled, files, tmp_path, name=f"{number}.tar.gz") for number in range(3)]
    finally:
        stop.set()
        for one in people:
            one.join()
    for backup in backups:
        assert check_backup(backup, fresh) == []


def test_the_key_is_in_it_only_when_asked_for(filled: Works, files: Blobs, fresh: Settings, tmp_path: Path) -> None:
    said: list[str] = []
    restore_backup(back_up(filled, files, tmp_path), fresh, said.append)
    assert not fresh.key_file.exists()
    assert any("holds no key" in line for line in said)


def test_a_damaged_file_on_disk_is_reported_and_left_out(
    filled: Works, files: Blobs, fresh: Settings, tmp_path: Path
) -> None:
    name = files.all()[0]
    files.path(name).write_bytes(b"rotten")
    report = make_backup(filled.engine, files, None, tmp_path / "b.tar.gz", filled.clock.now())
    assert report.damaged == [name]
    assert report.files == 2
    assert check_backup(tmp_path / "b.tar.gz", fresh) == []


def test_nothing_is_overwritten(filled: Works, files: Blobs, fresh: Settings, tmp_path: Path) -> None:
    backup = back_up(filled, files, tmp_path)
    with pytest.raises(CannotRun):
        back_up(filled, files, tmp_path)
    fresh.data.mkdir()
    (fresh.data / "something").write_text("there")
    with pytest.raises(CannotRun) as refusal:
        restore_backup(backup, fresh)
    assert "not empty" in str(refusal.value)
    shutil.rmtree(fresh.data)
    assert restore_backup(backup, fresh) == []
    with pytest.raises(CannotRun):
        restore_backup(backup, fresh)


def test_a_database_that_is_not_empty_is_not_touched(filled: Works, files: Blobs, tmp_path: Path) -> None:
    backup = back_up(filled, files, tmp_path)
    address = filled.engine.url.render_as_string(hide_password=False)
    with pytest.raises(CannotRun):
        restore_backup(backup, Settings(data=tmp_path / "new", database_url=address))
    with filled.read() as work:
        assert audit.verify(work.session).fault is None


def flip(data: bytes) -> bytes:
    """The same with its last byte changed."""
    return data[:-1] + bytes([data[-1] ^ 1])


def manifest_with(**changes: Any) -> Callable[[str, bytes], bytes]:
    """Changes entries of the manifest."""

    def change(name: str, data: bytes) -> bytes:
        return json.dumps({**json.loads(data), **changes}).encode() if name == MANIFEST else data

    return change


CHANGES: dict[str, tuple[Callable[[str, bytes], bytes | None], str]] = {
    "a file was changed": (
        lambda name, data: flip(data) if name.startswith("files/") and data else data,
        "was changed",
    ),
    "a file is missing": (lambda name, data: None if name.startswith("files/") else data, "is missing"),
    "the database was changed": (lambda name, data: flip(data) if name.startswith("database") else data, "database"),
    "the key was changed": (lambda name, data: flip(data) if name == "secret.key" else data, "the key"),
    "rows were lost": (manifest_with(tables={"person": 41}), "table person has 40 rows instead of 41"),
    "the log was cut": (manifest_with(audit_seq=41, audit_hash="0" * 64), "audit log: line 41"),
    "the log is another": (manifest_with(audit_seq=40, audit_hash="0" * 64), "audit log: line 40"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_fault_is_found(filled: Works, files: Blobs, fresh: Settings, tmp_path: Path, change: str) -> None:
    key = tmp_path / "old" / "secret.key"
    key.write_bytes(b"the key")
    how, words = CHANGES[change]
    backup = rewrite(back_up(filled, files, tmp_path, key), how)
    faults = check_backup(backup, fresh)
    assert any(words in fault for fault in faults), faults


def test_a_tampered_log_is_found_in_its_backup(filled: Works, files: Blobs, fresh: Settings, tmp_path: Path) -> None:
    with filled.engine.begin() as connection:
        connection.execute(update(AuditLine).where(AuditLine.seq == 7).values(actor_name="nobody"))
    assert check_backup(back_up(filled, files, tmp_path), fresh) == ["audit log: line 7 was changed"]


def test_a_faulty_backup_is_not_put_in_place(filled: Works, files: Blobs, fresh: Settings, tmp_path: Path) -> None:
    backup = rewrite(back_up(filled, files, tmp_path), CHANGES["a file is missing"][0])
    assert restore_backup(backup, fresh) != []
    assert not fresh.data.exists()


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "new")
    plain = tmp_path / "plain.tar.gz"
    plain.write_bytes(b"no archive")
    outside = tmp_path / "outside.tar.gz"
    with tarfile.open(outside, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../../outside"), io.BytesIO())
    linked = tmp_path / "linked.tar.gz"
    with tarfile.open(linked, "w:gz") as archive:
        member = tarfile.TarInfo("secret.key")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(member)
    empty = tmp_path / "empty.tar.gz"
    with tarfile.open(empty, "w:gz"):
        pass
    for file in (plain, outside, linked, empty):
        with pytest.raises(BadBackup):
            check_backup(file, settings)


def test_a_backup_cut_short_is_refused(filled: Works, files: Blobs, fresh: Settings, tmp_path: Path) -> None:
    backup = back_up(filled, files, tmp_path)
    data = backup.read_bytes()
    backup.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadBackup):
        check_backup(backup, fresh)


def test_an_unknown_format_is_refused(filled: Works, files: Blobs, fresh: Settings, tmp_path: Path) -> None:
    backup = rewrite(back_up(filled, files, tmp_path), manifest_with(format=99))
    with pytest.raises(BadBackup):
        check_backup(backup, fresh)
