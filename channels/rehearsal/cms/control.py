"""Control doors of the site platform: sites and what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from channels.rehearsal.cms.state import SiteState
from channels.rehearsal.config import CmsSite

if TYPE_CHECKING:
    from channels.rehearsal.world import World


def accounts(world: World) -> list[dict[str, Any]]:
    """All sites with how many articles each shows."""
    return [_shown(state) for state in world.state.cms.sites.values()]


def add_doors(routes: APIRouter, world: World) -> None:
    """Add the doors below /control/accounts/cms."""

    @routes.post("/control/accounts/cms")
    async def open_site(given: CmsSite) -> dict[str, Any]:
        return _shown(world.state.cms.open(given))


def _shown(state: SiteState) -> dict[str, Any]:
    return state.site.model_dump() | {"articles": sum(not one.gone for one in state.articles.values())}
