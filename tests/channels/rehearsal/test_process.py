"""The rehearsal as the process people start, and what is left when it is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from channels.rehearsal.app import RehearsalApp
from channels.rehearsal.config import RehearsalConfig
from tests.channels.rehearsal.served import Rehearsal

ROOT = Path(__file__).parents[3]


@contextmanager
def started(port: int, data: Path, config: Path) -> Iterator[tuple[Rehearsal, subprocess.Popen[bytes]]]:
    """`python -m channels.rehearsal` until the block ends."""
    command = [sys.executable, "-m", "channels.rehearsal", "--port", str(port)]
    process = subprocess.Popen([*command, "--data", str(data), "--config", str(config)], cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 20
    while True:
        try:
            httpx.get(f"{url}/control/clock", trust_env=False)
            break
        except httpx.TransportError:
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.05)
    rehearsal = Rehearsal(url, RehearsalApp())
    try:
        yield rehearsal, process
    finally:
        rehearsal.http.close()
        if process.poll() is None:
            process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def test_what_was_received_survives_a_kill(tmp_path: Path) -> None:
    config, data, port = tmp_path / "rehearsal.json", tmp_path / "data", free_port()
    settings = RehearsalConfig.demo()
    settings.wechat_rules.publish_seconds = 0
    config.write_text(settings.model_dump_json(), encoding="utf-8")
    with started(port, data, config) as (rehearsal, process):
        wechat = rehearsal.wechat()
        kept = wechat.draft()
        wechat("freepublish/submit", media_id=wechat.draft())
        received = rehearsal.wait_for("publish")[0]
        time.sleep(1.5)
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    with started(port, data, config) as (rehearsal, _):
        assert rehearsal.ledger("publish") == [received]
        assert "请注意安全" in rehearsal.http.get(received["data"]["articles"][0]["path"]).text
        wechat.rehearsal = rehearsal
        assert wechat.code("draft/get", media_id=kept) == 0


def test_it_imports_nothing_of_the_product() -> None:
    code = (
        "import sys, channels.rehearsal.__main__\n"
        "known = {name.split('.')[0] for name in sys.modules}\n"
        "print(sorted(known & {'sqlalchemy', 'kernel', 'wechatpy', 'pywebpush', 'jinja2', 'httpx'}))"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
