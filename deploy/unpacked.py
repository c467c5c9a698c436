"""`./check` in an unpacked bundle: is it whole, does it fit this machine, does it install without a network and start.

Runs under the system's Python with nothing installed. Nothing it starts outlives it, and it keeps nothing but what
set-up made; it never touches ./var.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 90
PAGES = ("/", "/console/login", "/static/vendor/htmx.min.js", "/healthz")


class CheckError(Exception):
    """What is wrong and what to do next, in one line."""


def main() -> int:
    """Prints a line per step; exit status 1 at the first that fails."""
    steps = (
        ("whole", check_sums),
        ("made for this machine", check_machine),
        ("installed without a network", install),
        ("starts and answers", start),
    )
    for name, step in steps:
        try:
            said = step()
        except CheckError as error:
            print(f"FAILED  {name}: {error}", file=sys.stderr)
            return 1
        print(f"ok      {name}: {said}", flush=True)
    print("Next: make demo for the demo office, or docs/how-to/deploy.md for yours.")
    return 0


def check_sums() -> str:
    """Every file of SHA256SUMS is here and unchanged."""
    listed = (ROOT / "SHA256SUMS").read_text("utf-8").splitlines()
    for line in listed:
        wanted, _, name = line.partition("  ")
        path = ROOT / name
        if not path.is_file():
            raise CheckError(f"{name} is missing: copy and unpack the archive again")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != wanted:
                raise CheckError(f"{name} is not what was packed: copy and unpack the archive again")
    return f"{len(listed)} files"


def check_machine() -> str:
    """The wheels are for this Python and platform."""
    about = json.loads((ROOT / "bundle.json").read_text("utf-8"))
    here = {"python": sysconfig.get_python_version(), "platform": sysconfig.get_platform()}
    for name, value in here.items():
        if value != about[name]:
            raise CheckError(
                f"the bundle is for {name} {about[name]}, this is {value}: run "
                f"PYTHON=/path/to/python{about['python']} ./check, or make the bundle on a machine like this one"
            )
    return f"Python {here['python']}, {here['platform']}"


def install() -> str:
    """Set-up from the bundle's own wheels."""
    done = subprocess.run([sys.executable, "deploy/setup.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CheckError((done.stderr or done.stdout).strip())
    return ".venv"


def start() -> str:
    """A fresh installation in a throw-away folder serves its pages, and ends when told."""
    with tempfile.TemporaryDirectory(prefix="xuanda-check-") as folder:
        port = _free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("XUANDA_")},
            "XUANDA_DATA": folder,
            "XUANDA_HOST": "127.0.0.1",
            "XUANDA_PORT": str(port),
        }
        xuanda = [str(ROOT / ".venv" / "bin" / "xuanda")]
        done = subprocess.run([*xuanda, "migrate"], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise CheckError(f"the database could not be made: {done.stderr.strip()[-400:]}")
        log = Path(folder) / "serve.log"
        with log.open("wb") as said:
            server = subprocess.Popen([*xuanda, "serve"], env=environment, stdout=said, stderr=said)
        try:
            _wait_ready(f"http://127.0.0.1:{port}/readyz", server, log)
            for page in PAGES:
                _get(f"http://127.0.0.1:{port}{page}")
        finally:
            server.terminate()
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        return f"{', '.join(PAGES)} on 127.0.0.1:{port}, ended with {server.returncode}"


def _wait_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while True:
        if server.poll() is not None:
            raise CheckError(f"serve ended by itself:\n{log.read_text('utf-8')[-1500:]}")
        try:
            _get(url)
        except CheckError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def _get(url: str) -> None:
    # Straight to loopback: a proxy of the environment has no business here.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=10) as answer:
            answer.read()
    except (urllib.error.URLError, OSError) as error:
        raise CheckError(f"{url} does not answer: {error}") from error


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    if shutil.which("make") is None:
        print("Note: make is not installed; `make demo` is .venv/bin/python -m hub.cli demo.")
    sys.exit(main())
