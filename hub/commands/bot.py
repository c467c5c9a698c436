"""`xuanda bot`: Rasa trained on what is published, examined, put into service, taken back; and served on loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from bot import knowledge, training, versions
from bot.models import BotModel
from bot.project import Project, write_project
from bot.rasa_models import Outcome, RasaModels, outcome_of
from bot.states import ModelEngine, ModelState
from hub import rasa, schema
from hub.commands.setup import OPERATOR
from hub.errors import CannotRun
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build

app = typer.Typer(help="The bot's models, and its Rasa engine: project, training, server.", no_args_is_help=True)

DEFAULT_URL = "http://127.0.0.1:5005"
SHARES = (
    ("top1", "top-1"),
    ("top3", "top-3"),
    ("answered_right", "answered right"),
    ("answered_wrong", "answered wrong"),
)
Engine = Annotated[ModelEngine, typer.Option(help="Whose model.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the model.")]


@app.command("project")
def project(folder: Annotated[Path, typer.Argument(help="Where the project goes.")]) -> None:
    """Writes what is published as a Rasa project, for a look or for training elsewhere."""
    with _installed() as hub:
        for path in write_project(_published(hub), folder):
            typer.echo(str(path))


@app.command("train")
def train(
    force: Annotated[
        bool, typer.Option("--force", help="Into service whatever the gate says; needs --reason.")
    ] = False,
    reason: Reason = "",
) -> None:
    """Trains Rasa on what is published, examines the model beside the one in service, and puts it into service.

    It goes there where the office's rules let it, on the server that XUANDA_RASA_URL names. Exit code 1 when it is
    kept out: one line says each fault, and the model in service stays.
    """
    if force != bool(reason.strip()):
        raise CannotRun(
            why="--force and --reason belong together: say why it goes into service whatever the gate says."
        )
    with _installed() as hub:
        _published(hub)
        models = _trainable(hub)
        found = models.learn(typer.echo, OPERATOR)
        _tell_figures(found)
        outcome = models.settle(found.number, OPERATOR, reason.strip())
    _tell_state(outcome)
    if outcome.state == ModelState.REFUSED:
        raise typer.Exit(1)


@app.command("models")
def models() -> None:
    """Lists the kept models of both engines, the newest first: figures, faults, and which is in service."""
    with _installed() as hub:
        zone = hub.settings.office_zone
        with hub.works.read() as work:
            rows = [row for engine in ModelEngine for row in versions.listed(work.session, engine)]
    for row in sorted(rows, key=lambda row: -row.id):
        made = f"{row.made_at.astimezone(zone):%Y-%m-%d %H:%M}"
        file = row.artefact if row.engine == ModelEngine.RASA else ""
        typer.echo(f"{row.id:>5}  {row.engine:<8}  {row.state:<9}  {made}  {_figures(row.figures)}  {file}".rstrip())
        for fault in row.faults:
            typer.echo(f"       {fault}")
    if not rows:
        typer.echo("There is no model yet.")


@app.command("examine")
def examine(
    number: Annotated[int, typer.Argument(help="The model's number, as `xuanda bot models` lists it.")],
    engine: Engine = ModelEngine.RASA,
) -> None:
    """Examines a kept model by today's questions beside the one in service, which stays in service."""
    with _installed() as hub:
        if engine == ModelEngine.RASA:
            outcome = _trainable(hub).examine(number, typer.echo, OPERATOR)
        else:
            with hub.works.read() as work:
                found, before = versions.compared(work.session, work.now, hub.blobs, number)
            with hub.works.write(OPERATOR) as work:
                versions.retested(work, number, found, before)
                outcome = outcome_of(work.session.get_one(BotModel, number))
    _tell_figures(outcome)


@app.command("promote")
def promote(
    number: Annotated[int, typer.Argument(help="The model's number, as `xuanda bot models` lists it.")],
    reason: Reason = "",
    engine: Engine = ModelEngine.RASA,
) -> None:
    """Takes a kept model into service; one that was kept out only with a reason."""
    with _installed() as hub:
        if engine == ModelEngine.RASA:
            _rasa(hub).promote(number, OPERATOR, reason)
        else:
            with hub.works.write(OPERATOR) as work:
                versions.promote(work, number, hub.blobs, reason)
    typer.echo(f"Model {number} is in service.")


@app.command("roll-back")
def roll_back(reason: Reason = "", engine: Engine = ModelEngine.RASA) -> None:
    """Puts the model that served before back into service; until somebody promotes one, none goes there by itself."""
    with _installed() as hub:
        if engine == ModelEngine.RASA:
            number = _rasa(hub).roll_back(OPERATOR, reason)
        else:
            with hub.works.write(OPERATOR) as work:
                number = versions.roll_back(work, hub.blobs, reason).id
    typer.echo(f"Model {number} is in service again.")


@app.command("serve")
def serve() -> None:
    """Runs Rasa with the model in service, on loopback at XUANDA_RASA_URL's port (default 5005), until Ctrl-C."""
    settings = Settings()
    home = _home(settings)
    model = _to_serve(settings)
    port = urlsplit(settings.rasa_url or DEFAULT_URL).port or 5005
    token = settings.rasa_token.get_secret_value()
    typer.echo(f"Rasa with {model.name} on http://127.0.0.1:{port}; give the product XUANDA_RASA_URL with it.")
    command = training.server_command(home, model, port, token, settings.rasa_actions)
    os.execve(command[0], command, training.environment(token))  # noqa: S606  # Becomes the server, so that Ctrl-C is its own.


def _to_serve(settings: Settings) -> Path:
    """The file of the model in service; without rows, or without that file, the newest that was not kept out."""
    hub = build(settings)
    try:
        models, serving = rasa.models_of(hub, None), None
        if schema.is_current(hub.engine):
            file, serving = models.to_serve()
        else:
            file = next(iter(sorted(models.home.models.glob(f"*{training.SUFFIX}"), reverse=True)), None)
    finally:
        hub.close()
    if file is None:
        raise CannotRun(why="There is no trained model yet. Run: xuanda bot train")
    if serving is not None and serving.artefact != file.name:
        lost = f"The file of model {serving.id}, which is in service, is not in {models.home.models}"
        typer.echo(f"{lost}: {file.name} serves instead. Run: xuanda bot train", err=True)
    return file


def _tell_figures(outcome: Outcome) -> None:
    typer.echo(f"Model {outcome.number}: {_figures(outcome.figures)}")
    if outcome.before.get("inside") or outcome.before.get("outside"):
        typer.echo(f"  before: {_figures(outcome.before)}")
    for fault in outcome.faults:
        typer.echo(f"  FAULT: {fault}")


def _tell_state(outcome: Outcome) -> None:
    told = {
        ModelState.CURRENT: "In service.",
        ModelState.REFUSED: "Kept out; the model in service stays. To put it there all the same: "
        f"xuanda bot promote {outcome.number} --reason TEXT",
    }
    waits = f"It waits for a person: xuanda bot promote {outcome.number}"
    typer.echo(told.get(ModelState(outcome.state), waits))


def _figures(figures: Mapping[str, float]) -> str:
    inside, outside = int(figures.get("inside", 0)), int(figures.get("outside", 0))
    told = [f"{inside + outside} questions"]
    if inside:
        told += [f"{label} {figures[key]:.3f}" for key, label in SHARES]
    if outside:
        told.append(f"foreign refused {figures['refused_outside']:.3f}")
    return ", ".join(told)


@contextmanager
def _installed() -> Iterator[Hub]:
    """The product, whose database has the tables of this version."""
    hub = build(Settings())
    try:
        if not schema.is_current(hub.engine):
            raise CannotRun(
                why="The database has no tables yet, or those of another version. Run: make demo, or make migrate"
            )
        yield hub
    finally:
        hub.close()


def _published(hub: Hub) -> Project:
    with hub.works.read() as work:
        found = knowledge.project_of(work.session, work.now)
    if not found.questions:
        raise CannotRun(why="Nothing is published that a bot could learn: publish questions or guides first.")
    return found


def _trainable(hub: Hub) -> RasaModels:
    _home(hub.settings)
    return _rasa(hub)


def _rasa(hub: Hub) -> RasaModels:
    """Rasa's models and the server they are put on; without one they are what `xuanda bot serve` starts with."""
    server = rasa.server_running(hub)
    if server is None:
        where = hub.settings.rasa_url or "XUANDA_RASA_URL (not set)"
        typer.echo(f"No Rasa server runs at {where}: the model in service is what `xuanda bot serve` starts with.")
    return rasa.models_of(hub, server)


def _home(settings: Settings) -> training.RasaHome:
    home = rasa.home_of(settings)
    if not home.python.exists():
        raise CannotRun(why=f"Rasa is not installed at {settings.rasa_python}. Run: make rasa")
    return home
