"""Files kept by the hash of their bytes."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kernel.blobs import Blobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "files")


def test_what_is_put_is_found_by_its_hash(blobs: Blobs) -> None:
    ref = blobs.put("中文".encode())
    assert (ref.sha256, ref.size) == (hashlib.sha256("中文".encode()).hexdigest(), 6)
    assert blobs.get(ref.sha256) == "中文".encode()
    assert blobs.path(ref.sha256) == blobs.root / ref.sha256[:2] / ref.sha256


def test_the_same_bytes_are_kept_once_and_never_written_again(blobs: Blobs) -> None:
    first = blobs.put(b"same")
    before = blobs.path(first.sha256).stat()
    assert blobs.put(b"same") == first
    after = blobs.path(first.sha256).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert blobs.all() == [first.sha256]


def test_many_at_once_leave_one_whole_file_and_no_rubbish(blobs: Blobs) -> None:
    data = b"picture" * 50_000
    with ThreadPoolExecutor(8) as pool:
        refs = set(pool.map(lambda _n: blobs.put(data), range(32)))
    assert len(refs) == 1
    assert [path.name for path in blobs.root.rglob("*") if path.is_file()] == [hashlib.sha256(data).hexdigest()]


def test_a_write_that_breaks_leaves_nothing(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(_file: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("kernel.blobs.os.fsync", break_off)
    with pytest.raises(OSError, match="disk full"):
        blobs.put(b"half")
    assert [path for path in blobs.root.rglob("*") if path.is_file()] == []


def test_damage_is_found(blobs: Blobs) -> None:
    good, bad = blobs.put(b"good"), blobs.put(b"bad")
    blobs.path(bad.sha256).write_bytes(b"rotten")
    assert blobs.damaged() == [bad.sha256]
    assert blobs.all() == sorted([good.sha256, bad.sha256])


@pytest.mark.parametrize("name", ["", "abc", "../../etc/passwd", "A" * 64, "g" * 64, "0" * 65])
def test_what_is_no_hash_leads_to_no_file(blobs: Blobs, name: str) -> None:
    with pytest.raises(ValueError, match="not a SHA-256"):
        blobs.path(name)


def test_what_was_never_put_is_not_found(blobs: Blobs) -> None:
    with pytest.raises(FileNotFoundError):
        blobs.get("0" * 64)
    assert blobs.all() == []
