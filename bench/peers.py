"""Peers to measure against, each from a hash-locked list in an environment of its own below ./var."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def python_of(name: str) -> Path:
    """The Python of a peer's environment, which is made and filled where it is missing or its lock has changed."""
    lock, folder = ROOT / "requirements" / f"{name}.lock", ROOT / "var" / "peers" / name
    python, stamp = folder / "bin" / "python", folder / "stamp"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if not (python.exists() and stamp.exists() and stamp.read_text("utf-8") == wanted):
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, str(folder)], check=True)
        filling = [uv, "pip", "install", "-q", "--python", str(python), "--require-hashes", "-r", str(lock)]
        subprocess.run(filling, check=True)  # Our own lock.
        stamp.write_text(wanted, "utf-8")
    return python
