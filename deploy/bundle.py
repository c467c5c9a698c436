"""`make bundle`: one archive from which an installation with the network off succeeds.

It holds this version's files, every Python package as a wheel for the Python that makes it, the browser
libraries, and a check. Unpacked, `./check` proves that it is whole and starts; `make demo` works as in a clone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = Path("templates/static/vendor")
WHEELS = Path("wheels")
# What runs nowhere but in a workshop.
LEFT_OUT = ("tests/", "bench/", ".ci/")
LOCKS = ("requirements/run.lock", "requirements/build.lock")


class BundleError(Exception):
    """What went wrong and what to do next, in one line."""


def main() -> int:
    """Writes dist/xuanda-VERSION-PYTHON-PLATFORM.tar.gz and prints its path and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder of the archive")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            print(make(options.out, Path(scratch)))
    except BundleError as error:
        print(f"no bundle: {error}", file=sys.stderr)
        return 1
    return 0


def make(out: Path, scratch: Path) -> str:
    """Makes the archive; returns what to say of it."""
    about = {"version": version(), "python": sysconfig.get_python_version(), "platform": sysconfig.get_platform()}
    name = f"xuanda-{about['version']}-py{about['python']}-{about['platform']}"
    tree = scratch / name
    copy_tree(tree)
    print("· wheels", flush=True)
    collect_wheels(tree / WHEELS)
    shutil.copytree(ROOT / VENDOR, tree / VENDOR)
    (tree / "bundle.json").write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    check = tree / "check"
    check.write_text(
        f'#!/bin/sh\nexec "${{PYTHON:-python{about["python"]}}}" "$(dirname "$0")/deploy/unpacked.py" "$@"\n'
    )
    check.chmod(0o755)
    write_sums(tree)
    print("· archive", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"{name}.tar.gz"
    # Written beside and renamed, so that a half-written archive never bears the name.
    part = archive.with_suffix(".part")
    with tarfile.open(part, "w:gz", compresslevel=5) as packed:
        packed.add(tree, name)
    part.replace(archive)
    return f"{archive} ({archive.stat().st_size / 1024 / 1024:.0f} MB): unpack it, then ./check"


def version() -> str:
    """The version in pyproject.toml."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def copy_tree(tree: Path) -> None:
    """Copies the tracked files an installation needs, as they stand in the working folder."""
    git = shutil.which("git")
    listed = git and subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if not listed or listed.returncode != 0:
        raise BundleError("git cannot list this folder's files: run it in a clone")
    for name in listed.stdout.decode().split("\0"):
        if name and not name.startswith(LEFT_OUT) and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def collect_wheels(folder: Path) -> None:
    """Fetches what the locks name, checked by their hashes, and builds wheels of what comes as source only.

    A wheel built here has a hash of its own; `wheels/bundle.lock` names every wheel that lies here by name and hash.
    """
    wanted = [option for lock in LOCKS for option in ("-r", lock)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--require-hashes", *wanted, "-w", str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        tail = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise BundleError(f"packages could not be fetched. Is the network (or your package mirror) reachable?\n{tail}")
    lines = [line_of(wheel) for wheel in sorted(folder.glob("*.whl"))]
    (folder / "bundle.lock").write_text("\n".join(lines) + "\n", "utf-8")


def line_of(wheel: Path) -> str:
    """One line of the bundle's lock."""
    name, version = wheel.name.split("-")[:2]
    return f"{name.replace('_', '-')}=={version} --hash=sha256:{sha256(wheel)}"


def write_sums(tree: Path) -> None:
    """SHA256SUMS over every file, in the form `sha256sum -c` reads."""
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    lines = [f"{sha256(path)}  {path.relative_to(tree).as_posix()}\n" for path in files]
    (tree / "SHA256SUMS").write_text("".join(lines), "utf-8")


def sha256(path: Path) -> str:
    """The hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
