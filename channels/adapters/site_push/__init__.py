"""集约化平台: the office's site stands on another platform, which takes articles by HTTP in its own words."""

from __future__ import annotations

from channels.adapters.site_push.channel import SitePushChannel

__all__ = ["SitePushChannel"]
