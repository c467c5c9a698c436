"""What the stand-in for a site platform remembers of each site."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from channels.rehearsal.config import CmsSite


class Article(BaseModel):
    """An article as it was sent; one taken back keeps its number."""

    id: str
    source: str
    fields: dict[str, Any]
    at: float
    changed: int = 0
    gone: bool = False


class SiteState(BaseModel):
    """One site with its articles by number."""

    site: CmsSite
    articles: dict[str, Article] = {}


class CmsState(BaseModel):
    """All sites by name."""

    sites: dict[str, SiteState] = {}

    def open(self, site: CmsSite) -> SiteState:
        """Create a site, or give an existing one new settings."""
        state = self.sites.setdefault(site.site, SiteState(site=site))
        state.site = site
        return state
