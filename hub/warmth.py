"""What a web process does before it is asked anything, so that nobody's first look pays for it."""

from __future__ import annotations

import time

import structlog
from sqlalchemy.orm import configure_mappers

from channels.registry import channels
from hub.product import Hub

log = structlog.get_logger(__name__)


def get_ready(hub: Hub) -> None:
    """Loads the adapters with their libraries, the tables' mappings and every template.

    Each takes hundreds of milliseconds of one core, and at the hour when a desk opens fifty people would wait for it.
    """
    began = time.monotonic()
    channels()
    configure_mappers()
    hub.pages.get_ready()
    log.info("ready to draw pages", seconds=round(time.monotonic() - began, 2))
