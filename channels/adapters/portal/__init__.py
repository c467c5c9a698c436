"""The portal: static pages written to a folder that any web server can serve."""

from __future__ import annotations

from channels.adapters.portal.channel import PortalChannel
from channels.adapters.portal.folder import GONE, MOVED
from channels.adapters.portal.lists import PER_PAGE

__all__ = ["GONE", "MOVED", "PER_PAGE", "PortalChannel"]
