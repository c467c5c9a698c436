"""Rasa as the settings name it: where it is kept on this machine, and the server behind the bot."""

from __future__ import annotations

from bot.rasa_engine import RasaEngine
from bot.rasa_models import RasaModels
from bot.rasa_server import RasaServer
from bot.training import RasaHome
from hub.product import Hub
from hub.settings import Settings

TRAIN = "rasa.train"
"""The duty that trains Rasa when somebody asks for it; only processes on Rasa's machine have it."""


def home_of(settings: Settings) -> RasaHome:
    """Where Rasa's Python, project and models are on this machine, or would be."""
    return RasaHome(settings.rasa_python.absolute(), settings.data / "rasa")


def server_of(hub: Hub) -> RasaServer | None:
    """The server that the product asks; None where the embedded engine understands."""
    engine = hub.incoming.engine
    return engine.server if isinstance(engine, RasaEngine) else None


def models_of(hub: Hub, server: RasaServer | None) -> RasaModels:
    """Rasa's models on this machine, put on this server."""
    return RasaModels(hub.works, home_of(hub.settings), hub.blobs, server)
