"""`xuanda bot`: Rasa trained on what is published, and served on loopback."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import httpx
import typer

from bot import knowledge, training
from bot.project import Project, write_project
from hub import schema
from hub.errors import CannotRun
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build

app = typer.Typer(help="The bot's Rasa engine: project, training, server.", no_args_is_help=True)

DEFAULT_URL = "http://127.0.0.1:5005"


@app.command("project")
def project(folder: Annotated[Path, typer.Argument(help="Where the project goes.")]) -> None:
    """Writes what is published as a Rasa project, for a look or for training elsewhere."""
    hub = build(Settings())
    try:
        for path in write_project(_published(hub), folder):
            typer.echo(str(path))
    finally:
        hub.close()


@app.command("train")
def train() -> None:
    """Trains Rasa on what is published, and puts the model into service where XUANDA_RASA_URL names a server."""
    hub = build(Settings())
    try:
        home = _home(hub.settings)
        wanted = _published(hub)
        typer.echo(f"Training on {len(wanted.questions)} questions and guides …")
        model = training.train(home, wanted, hub.clock.now())
        typer.echo(f"Trained: {model}")
        if hub.settings.rasa_url:
            token = hub.settings.rasa_token.get_secret_value()
            with httpx.Client(trust_env=False) as client:
                training.swap(client, hub.settings.rasa_url, token, model)
            typer.echo(f"In service at {hub.settings.rasa_url}")
    finally:
        hub.close()


@app.command("serve")
def serve() -> None:
    """Runs a Rasa server with the newest model on loopback, at XUANDA_RASA_URL's port (default 5005), until Ctrl-C."""
    settings = Settings()
    home = _home(settings)
    models = sorted(home.models.glob("*.tar.gz"))
    if not models:
        raise CannotRun(why="There is no trained model yet. Run: xuanda bot train")
    port = urlsplit(settings.rasa_url or DEFAULT_URL).port or 5005
    token = settings.rasa_token.get_secret_value()
    typer.echo(f"Rasa with {models[-1].name} on http://127.0.0.1:{port}; give the product XUANDA_RASA_URL with it.")
    command = training.server_command(home, models[-1], port, token, settings.rasa_actions)
    os.execve(command[0], command, training.environment(token))  # noqa: S606  # Becomes the server, so that Ctrl-C is its own.


def _published(hub: Hub) -> Project:
    if not schema.is_current(hub.engine):
        raise CannotRun(
            why="The database has no tables yet, or those of another version. Run: make demo, or make migrate"
        )
    with hub.works.read() as work:
        found = knowledge.project_of(work.session, work.now)
    if not found.questions:
        raise CannotRun(why="Nothing is published that a bot could learn: publish questions or guides first.")
    return found


def _home(settings: Settings) -> training.RasaHome:
    python = settings.rasa_python.absolute()
    if not python.exists():
        raise CannotRun(why=f"Rasa is not installed at {settings.rasa_python}. Run: make rasa")
    return training.RasaHome(python, settings.data / "rasa")
