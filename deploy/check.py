"""`make test`: linters, types, import contracts, tests; one line per step, everything a step said when it failed."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

LINT = (
    ("formatting", [BIN / "ruff", "format", "--check", "-q", "."]),
    ("lint", [BIN / "ruff", "check", "-q", "."]),
    ("types", [BIN / "mypy", "--no-error-summary"]),
    ("imports", [BIN / "lint-imports"]),
)
# Browsers and PostgreSQL share two cores with everything else; more workers than cores make timings unsteady.
TESTS = (
    (
        "tests",
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            str(os.cpu_count() or 2),
            # Which tests stay together says tests/conftest.py.
            "--dist",
            "loadscope",
            "--durations",
            "30",
        ],
    ),
)


MEMORY = Path("/dev/shm")  # noqa: S108  # Only a folder of our own with a random name is used in it.
ROOM = 4 * 1024**3


def run(name: str, command: list[str | Path], *, show: bool) -> bool:
    """Runs one step from the repository's root; True when it succeeded."""
    started = time.monotonic()
    words = [str(word) for word in command]
    with scratch() as folder, compiled() as settings:
        environment = {**settings, "TMPDIR": folder} if folder else settings
        done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=not show, text=True, check=False)
    said = "ok" if done.returncode == 0 else f"FAILED ({done.returncode})"
    if done.returncode != 0 and not show:
        print((done.stdout + done.stderr).strip())
    print(f"· {name}: {said} in {time.monotonic() - started:.0f} s", flush=True)
    return done.returncode == 0


@contextmanager
def scratch() -> Iterator[str]:
    """A folder in memory for what tests write, where there is room: their databases need not survive a power cut.

    Yields "" where there is none; then the system's own temporary folder is used.
    """
    if not MEMORY.is_dir() or not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        yield ""
        return
    folder = tempfile.mkdtemp(prefix="xuanda-tests-", dir=MEMORY)
    Path(folder).chmod(0o755)  # PostgreSQL refuses to run as root, and its own user must get in.
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def compiled() -> Iterator[dict[str, str]]:
    """An environment in which what one process compiled is there for the next.

    Tests start hundreds of processes, and compiling every library costs each of them seconds. The folder is their own:
    a checkout that is not to be written to stays as it is.
    """
    given = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if "PYTHONPYCACHEPREFIX" in given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="xuanda-compiled-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield {**given, "PYTHONPYCACHEPREFIX": folder}


def main() -> int:
    """Runs every step even when one fails, so that one look shows all; 1 if any failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("lint", "tests"))
    chosen = parser.parse_args().only
    results = []
    if chosen in (None, "lint"):
        results += [run(name, list(command), show=False) for name, command in LINT]
    if chosen in (None, "tests"):
        results += [run(name, list(command), show=True) for name, command in TESTS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
