"""Rasa as the settings name it: where it is kept on this machine, and the server behind the bot."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

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


def server_running(hub: Hub) -> RasaServer | None:
    """The same; None also where it would be on this machine and is not: `xuanda bot serve` starts it then."""
    server = server_of(hub)
    return None if server is not None and _nobody_listens(server) else server


def _nobody_listens(server: RasaServer) -> bool:
    """Whether it would be on this machine and is not there: then nothing of it can go on with an older model."""
    address = urlsplit(server.url)
    if address.hostname not in ("127.0.0.1", "localhost", "::1"):
        return False
    try:
        with socket.create_connection((address.hostname, address.port or 80), timeout=5):
            return False
    except ConnectionRefusedError:
        return True
    except OSError:
        return False


def models_of(hub: Hub, server: RasaServer | None) -> RasaModels:
    """Rasa's models on this machine, put on this server."""
    return RasaModels(hub.works, home_of(hub.settings), hub.blobs, server)
