"""Trains Rasa on what is published: project, validation, training in a low-priority process; and starts its server.

Rasa lives in an environment of its own (Python 3.10). Whatever fails, the model in service stays.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
import yaml

from bot import tied
from bot.errors import TrainingFailed
from bot.project import Project, write_project

log = structlog.get_logger(__name__)

COMPONENTS = tied.ROOT / "bot" / "rasa_project"
LIMIT_SECONDS = 1800
SUFFIX = ".tar.gz"
TOKEN = "XUANDA_RASA_TOKEN"  # noqa: S105  # The variable's name.


@dataclass(frozen=True)
class RasaHome:
    """Where Rasa is installed (`python` of its environment) and where projects and models are kept."""

    python: Path
    folder: Path

    @property
    def project(self) -> Path:
        """The project that is trained."""
        return self.folder / "project"

    @property
    def models(self) -> Path:
        """The trained models, newest last by name."""
        return self.folder / "models"

    def path(self, name: str) -> Path:
        """Where the model of this name is or would be; raises ValueError for what is no name of one."""
        if not name.endswith(SUFFIX) or Path(name).name != name:
            raise ValueError(f"not a model's name: {name[:80]!r}")
        return self.models / name


def environment(token: str = "") -> dict[str, str]:
    """Rasa's environment: the shared classifier on its path, no telemetry, quiet; the token for our actions."""
    return {
        **os.environ,
        "PYTHONPATH": f"{tied.ROOT}{os.pathsep}{COMPONENTS}",
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        TOKEN: token,
    }


def prepare(home: RasaHome, project: Project) -> str:
    """Writes the project; returns the fingerprint of what a model is made of: its files, byte by byte."""
    digest = hashlib.sha256()
    for path in write_project(project, home.project):
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def train(home: RasaHome, fingerprint: str, now: datetime) -> Path:
    """Validates and trains what was prepared; returns the model file. Raises TrainingFailed with Rasa's last lines."""
    home.models.mkdir(parents=True, exist_ok=True)
    name = f"faq-{now:%Y%m%d-%H%M%S}-{fingerprint[:8]}"
    # It validates by itself before it trains: Rasa needs as long to start and to read everything as to learn it.
    _rasa(home, ["train", "--fail-on-validation-warnings", "--domain", "domain.yml", "--data", "data", "--config",
                 "config.yml", "--out", str(home.models.resolve()), "--fixed-model-name", name])  # fmt: skip
    model = home.path(f"{name}{SUFFIX}")
    if not model.exists():
        raise TrainingFailed(why="Rasa said that it had trained, but there is no model file.")
    log.info("rasa trained", model=model.name)
    return model


def server_command(home: RasaHome, model: Path, port: int, token: str, actions: str = "") -> list[str]:
    """What starts a Rasa server on loopback with this model; without a token its API asks for none.

    `actions` is the address at which the hub answers for Rasa's forms.
    """
    command = [
        str(home.python), "-m", "rasa", "run", "--enable-api", "--model", str(model.resolve()),
        "--interface", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    if token and actions:
        endpoints = home.folder / "endpoints.yml"
        # The token stands in the environment (see `environment`), not in a file.
        asked = {"action_endpoint": {"url": actions, "token": f"${{{TOKEN}}}"}}
        endpoints.write_text(yaml.safe_dump(asked), encoding="utf-8")
        command += ["--endpoints", str(endpoints.resolve())]
    return [*command, "--auth-token", token] if token else command


def _rasa(home: RasaHome, arguments: Sequence[str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603  # Rasa's own command and our arguments; no citizen's text is among them.
            tied.command([str(home.python), "-m", "rasa", *arguments]),
            cwd=home.project,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )
    except subprocess.TimeoutExpired as failure:
        raise TrainingFailed(why=f"rasa {arguments[0]} took longer than {LIMIT_SECONDS} s") from failure
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise TrainingFailed(why=f"rasa {arguments[0]}: {tail}")
