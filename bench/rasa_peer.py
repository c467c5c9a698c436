"""Rasa as `make rasa` starts it, with what an office has published, and its own REST channel for the other side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.callers import Call, Seen, call
from bench.offices import BenchOffice, ended, wait_for
from hub.demo.corpus import FaqRow
from hub.drill.stage import free_port

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "bench"  # noqa: S105  # Of a server that lives for minutes, on loopback.


@dataclass(frozen=True)
class Rasa:
    """A server that answers; `settings` are what the product needs to ask it, `serving` is its process."""

    port: int
    settings: dict[str, str]
    serving: subprocess.Popen[bytes]

    def asked(self, names: Sequence[str], messages: int, faqs: Sequence[FaqRow]) -> Seen:
        """Its REST channel, asked by so many at once; raises RuntimeError when it says nothing."""
        if not self._say("probe", faqs[0].question):
            raise RuntimeError("Rasa's REST channel says nothing")
        return call(self.port, [_calls(name, place, messages, faqs) for place, name in enumerate(names)])

    def _say(self, sender: str, text: str) -> list[dict[str, object]]:
        body = json.dumps({"sender": sender, "message": text}).encode()
        url = f"http://127.0.0.1:{self.port}/webhooks/rest/webhook"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310  # Our own process.
            said: list[dict[str, object]] = json.load(answer)
        return said


@contextmanager
def rasa_of(office: BenchOffice) -> Iterator[Rasa]:
    """Trains Rasa on what the office has published and serves it, with its tracker in memory."""
    python = os.environ.get("XUANDA_RASA_PYTHON") or _install()
    port = free_port()
    settings = {"rasa_url": f"http://127.0.0.1:{port}", "rasa_token": TOKEN, "rasa_python": python}
    with ended(office.run("bot", "train", rasa_python=python)) as training:
        if training.wait(600):
            raise RuntimeError("Rasa could not be trained: see `xuanda bot train`")
    with ended(office.run("bot", "serve", **settings)) as serving:
        wait_for(f"http://127.0.0.1:{port}/webhooks/rest/", serving)
        yield Rasa(port, settings, serving)


def _install() -> str:
    command = [sys.executable, str(ROOT / "deploy" / "rasa.py")]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return done.stdout.split()[-1]


def _calls(name: str, place: int, messages: int, faqs: Sequence[FaqRow]) -> list[Call]:
    calls = []
    for number in range(messages):
        row = faqs[(place * 7 + number) % len(faqs)]
        text = row.wordings[(place + number) % len(row.wordings)]
        calls.append(Call("/webhooks/rest/webhook", {"sender": name, "message": text}, {}))
    return calls
