"""`make rasa`: an environment of its own for Rasa (Python 3.10), a model trained on what is published, a server.

Runs inside the product's virtual environment. Python 3.10 is looked for on PATH, then among pyenv's
versions, then uv is asked to bring one; where none is found, one line says what to install.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv-rasa"
LOCK = ROOT / "requirements" / "rasa.lock"
IMAGE = "rasa/rasa:3.6.21"


class RasaSetupError(Exception):
    """What went wrong and what to do next, in one line."""


def find_python() -> str:
    """A Python 3.10, or one clear line."""
    candidates = [shutil.which("python3.10") or ""]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates += [str(path) for path in sorted(pyenv.glob("3.10.*/bin/python3.10"), reverse=True)]
    for candidate in candidates:
        if candidate and _is_310(candidate):
            return candidate
    uv = Path(sys.executable).parent / "uv"
    asked = subprocess.run([str(uv), "python", "find", "3.10"], capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        subprocess.run([str(uv), "python", "install", "-q", "3.10"], capture_output=True, check=False)
        asked = subprocess.run([str(uv), "python", "find", "3.10"], capture_output=True, text=True, check=False)
    found = asked.stdout.strip()
    if asked.returncode == 0 and _is_310(found):
        return found
    raise RasaSetupError(
        "Rasa needs Python 3.10: put python3.10 on PATH or into pyenv (pyenv install 3.10), or run Rasa's own "
        f"container image {IMAGE} and set XUANDA_RASA_URL"
    )


def install() -> Path:
    """Fills .venv-rasa from the hashed lock file; returns its Python. A second time takes no time."""
    python = VENV / "bin" / "python"
    stamp = VENV / "stamp"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    source = find_python()
    print("· Rasa 3.6.21 in .venv-rasa (2.6 GB)", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    _run([source, "-m", "venv", str(VENV)], "The environment for Rasa could not be made")
    uv = str(Path(sys.executable).parent / "uv")
    lost = "Rasa could not be installed. Is the network (or your package mirror) reachable? Then run this again"
    _run([uv, "pip", "install", "-q", "--python", str(python), "--require-hashes", "-r", str(LOCK)], lost)
    stamp.write_text(wanted)
    return python


def main() -> int:
    """Installs Rasa; the commands that train and serve are `xuanda bot train` and `xuanda bot serve`."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    try:
        print(install())
    except RasaSetupError as error:
        print(f"make rasa stopped: {error}", file=sys.stderr)
        return 1
    return 0


def _is_310(python: str) -> bool:
    code = "import sys, venv; print(sys.version_info[:2] == (3, 10))"
    try:
        asked = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return asked.stdout.strip() == "True"


def _run(command: list[str], hint: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise RasaSetupError(f"{hint}\n{tail}")


if __name__ == "__main__":
    sys.exit(main())
