"""A second Rasa server beside the one in service, to examine a model on before any citizen meets it.

On a loopback port of its own, with a token of its own and the lowest priority; it ends with whoever started it.
"""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bot import tied, training
from bot.errors import TrainingFailed
from bot.rasa_server import RasaServer

READY_SECONDS = 300.0
END_SECONDS = 10.0
LOG = "standby.log"


@contextmanager
def standby(home: training.RasaHome, model: Path, ready: float = READY_SECONDS) -> Iterator[RasaServer]:
    """Serves a model for as long as the block lasts; raises TrainingFailed where that does not begin."""
    # Letters and digits: what begins with "-" would be taken for an option.
    port, token = _free_port(), secrets.token_hex(16)
    command = tied.command(training.server_command(home, model, port, token))
    # Several workers would each have a model of their own after a swap.
    surroundings = {**training.environment(token), "SANIC_WORKERS": "1"}
    with (home.folder / LOG).open("wb") as told, httpx.Client(trust_env=False) as http:
        process = subprocess.Popen(  # noqa: S603  # Our own server, as `xuanda bot serve` starts it.
            command, cwd=home.project, env=surroundings, stdin=subprocess.DEVNULL, stdout=told, stderr=told
        )
        try:
            server = RasaServer(http, f"http://127.0.0.1:{port}", token)
            _wait_for(server, model, process, home.folder / LOG, time.monotonic() + ready)
            yield server
        finally:
            _end(process)


def _wait_for(server: RasaServer, model: Path, process: subprocess.Popen[bytes], told: Path, until: float) -> None:
    while process.poll() is None and time.monotonic() < until:
        try:
            # Only our own process knows this token.
            if server.serves() == model.name:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    tail = " ".join(told.read_text("utf-8", "replace").splitlines()[-3:])[-300:]
    raise TrainingFailed(why=f"a server with the new model did not begin to answer: {tail}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
