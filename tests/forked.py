"""Processes that begin with all that is imported: importing the product takes each of them two seconds of a core.

One process of this module imports it and does nothing else; each that is asked for is a fork of that one. It ends when
whoever asked does.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

PRODUCT = ("hub.cli", "channels.rehearsal")


class Fork:
    """A process that was begun so; asked and told like one of `subprocess`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        # Nobody but its parent learns how it ended, and its number may be another's by then: this remains its own.
        self._handle: int | None = None
        with suppress(ProcessLookupError):
            self._handle = os.pidfd_open(pid)

    def send_signal(self, how: int) -> None:
        """Sends it a signal, if it is still there."""
        if self._handle is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, how)

    def kill(self) -> None:
        """Ends it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Asks it to end."""
        self.send_signal(signal.SIGTERM)

    def wait(self, timeout: float | None = None) -> None:
        """Waits until it has ended."""
        if self._handle is None:
            return
        if not select.select([self._handle], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        os.close(self._handle)
        self._handle = None


def started(module: Sequence[str], environment: Mapping[str, str], log: Path) -> Fork:
    """What `python -m` runs for these words, in such an environment; what it says goes to a file."""
    parent = _parent()
    asked = {"words": list(module), "environment": dict(environment), "log": str(log.resolve())}
    assert parent.stdin is not None
    assert parent.stdout is not None
    parent.stdin.write(json.dumps(asked) + "\n")
    parent.stdin.flush()
    return Fork(int(parent.stdout.readline()))


@cache
def _parent() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.forked"]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(parent.communicate)
    return parent


def main() -> None:
    """Forks for each line it reads; what was forked goes on as what was asked for."""
    for name in PRODUCT:
        _entry(name)
    gc.freeze()
    # Whoever ends is not waited for here.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    asks, tells = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    with Path(os.devnull).open("r+b") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(nothing.fileno(), 1)
    for line in asks:
        asked = json.loads(line)
        pid = os.fork()
        if not pid:
            _become(asked, asks, tells)
            return
        print(pid, file=tells, flush=True)


def _become(asked: Mapping[str, Any], *ours: IO[str]) -> None:
    """Goes on as the process that was asked for, as if it had just begun."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for one in ours:
        os.close(one.fileno())
    with Path(asked["log"]).open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = list(asked["words"])
    _entry(sys.argv[0])()


def _entry(name: str) -> Callable[[], None]:
    """The `main` of what `python -m` runs under this name."""
    found = find_spec(name)
    packed = found is not None and found.submodule_search_locations is not None
    entry: Callable[[], None] = import_module(f"{name}.__main__" if packed else name).main
    return entry


if __name__ == "__main__":
    main()
