"""Wires the hotline: its own client, and the duty that sends what is booked, where the settings name a system."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from channels.transport import Guard, client
from hub.hotline.sending import Hotline
from hub.outgoing import allowed_hosts
from hub.product import Hub
from kernel.duties import Duty


def connect(hub: Hub) -> None:
    """Adds the hotline and its duty to the product."""
    settings = hub.settings
    if not settings.hotline_url:
        return
    # The operator named this address; a city's hotline often stands in the government's own network.
    guard = Guard([*allowed_hosts(settings), urlsplit(settings.hotline_url).netloc])
    http = client(guard, settings.send_timeout)
    hub.closing.append(http.close)
    secret = settings.hotline_secret.get_secret_value()
    hotline = Hotline(hub.works, hub.clock, http, settings.hotline_url, secret)
    hub.duties.append(Duty("hotline.send", timedelta(seconds=2), hotline.send_due, timedelta(minutes=10)))
