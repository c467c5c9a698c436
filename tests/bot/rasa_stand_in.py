"""What stands in for Rasa's Python: it trains with the shared classifier and serves the calls that the product makes.

`-m rasa train …` (what it validates is always right) and `-m rasa run …` as Rasa 3.6.21 takes them;
tests/journeys/test_rasa.py holds the same against the real one. Where a wording says 失败, training fails.
"""

from __future__ import annotations

import argparse
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bot.nlu.classifier import Classifier
from bot.nlu.errors import UnreadableModel
from bot.nlu.wire import to_parse
from bot.project import read_examples


def python_in(folder: Path) -> Path:
    """A Python that stands in for Rasa's, made in this folder."""
    python = folder / "python"
    folder.mkdir(parents=True, exist_ok=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.bot.rasa_stand_in "$@"\n')
    python.chmod(0o755)
    return python


def _train(told: list[str]) -> int:
    parser = argparse.ArgumentParser()
    for name in ("--domain", "--data", "--config", "--out", "--fixed-model-name"):
        parser.add_argument(name, required=True)
    parser.add_argument("--fail-on-validation-warnings", action="store_true", required=True)
    wanted = parser.parse_args(told)
    examples = read_examples(Path(wanted.data) / "nlu.yml")
    if any("失败" in example.text for example in examples):
        sys.stderr.write("InvalidConfigException: nothing was trained\n")
        return 1
    model = Path(wanted.out) / f"{wanted.fixed_model_name}.tar.gz"
    model.write_bytes(Classifier.fit(examples).to_bytes())
    return 0


def _run(told: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--enable-api", action="store_true")
    for name in ("--model", "--interface", "--port", "--auth-token"):
        parser.add_argument(name, required=True)
    wanted = parser.parse_args(told)
    server = ThreadingHTTPServer((wanted.interface, int(wanted.port)), _Handler)
    _Handler.token, _Handler.model = wanted.auth_token, Path(wanted.model)
    _Handler.classifier = Classifier.load(_Handler.model)
    server.serve_forever()
    return 0


class _Handler(BaseHTTPRequestHandler):
    token = ""
    model = Path()
    classifier: Classifier

    def do_GET(self) -> None:
        """`/status`."""
        if self._allowed():
            self._answer(200, {"model_file": str(type(self).model)})

    def do_POST(self) -> None:
        """`/model/parse`."""
        if self._allowed():
            self._answer(200, to_parse(self.classifier.predict(self._said()["text"])))

    def do_PUT(self) -> None:
        """`/model`."""
        if not self._allowed():
            return
        model = Path(self._said()["model_file"])
        try:
            type(self).classifier = Classifier.load(model)
        except (FileNotFoundError, UnreadableModel):
            self._answer(400, {"reason": "BadRequest"})
            return
        type(self).model = model
        self.send_response(204)
        self.end_headers()

    def log_request(self, *_args: Any) -> None:
        """Says nothing of each request."""

    def _said(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return said

    def _allowed(self) -> bool:
        allowed = parse_qs(urlsplit(self.path).query).get("token") == [self.token]
        if not allowed:
            self._answer(401, {})
        return allowed

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        told = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)


def main(told: list[str]) -> int:
    """Does what Rasa's command line would."""
    assert told[:2] == ["-m", "rasa"], told
    act, rest = told[2], told[3:]
    return {"train": _train, "run": _run}[act](rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
