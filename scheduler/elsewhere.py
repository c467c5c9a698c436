"""Where a piece stands when the office's site is on another platform: our links lead there, not to a portal of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.registry import channels
from scheduler.models import Placement
from scheduler.states import PlacementState

PORTAL = "portal"


def site_channels() -> list[str]:
    """The channels whose accounts are a site of the office's, ours or on another platform."""
    return [name for name, adapter in channels().items() if adapter.limits.by_column]


def is_elsewhere(channel: str) -> bool:
    """Whether the channel is the office's site on another platform."""
    return channel != PORTAL and channel in site_channels()


def sites_of(content: Mapping[str, Any]) -> list[int]:
    """The accounts that are the piece's site on another platform; none where our own portal shows it too."""
    targets = content["targets"]
    if any(target["channel"] == PORTAL for target in targets):
        return []
    return [target["account"] for target in targets if is_elsewhere(target["channel"])]


def address_of(session: Session, content: Mapping[str, Any], piece_id: int) -> str:
    """The address that the other platform gave the piece; '' where it gave none, or our portal shows it."""
    sites = sites_of(content)
    if not sites:
        return ""
    query = select(Placement.url).where(
        Placement.piece_id == piece_id,
        Placement.account_id.in_(sites),
        Placement.state == PlacementState.LIVE,
        Placement.url != "",
    )
    return session.scalars(query.order_by(Placement.account_id).limit(1)).first() or ""
