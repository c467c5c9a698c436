"""动态要闻: a news item."""

from __future__ import annotations

from content.kinds.base import Kind

KIND = Kind(name="news", label="动态要闻", position=20)
