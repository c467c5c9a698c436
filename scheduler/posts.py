"""Makes what an adapter is given out of a delivery's rows: only signed content, in the signed words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.base import Item, Placed, Post, Relabelled
from channels.registry import channels
from content.article import mark_of, relabelled, remarked, restated
from content.kinds import kind_of
from content.models import Piece, PublicPiece, Release
from content.relations import STANDINGS, standing_with
from content.snapshot import targets_of
from content.states import ReleaseState
from scheduler import elsewhere
from scheduler.batch import Batch
from scheduler.models import Delivery, DeliveryItem, Place

NARROWER: Mapping[str, frozenset[str]] = {
    "mass_send": frozenset({"mass_send", "publish"}),
    "publish": frozenset({"publish"}),
    "push": frozenset({"push"}),
}


def items_of(session: Session, delivery_id: int) -> list[tuple[DeliveryItem, Release, Piece]]:
    """A delivery's items in order, with the release and piece of each."""
    query = (
        select(DeliveryItem, Release, Piece)
        .join(Release, Release.id == DeliveryItem.release_id)
        .join(Piece, Piece.id == DeliveryItem.piece_id)
        .where(DeliveryItem.delivery_id == delivery_id)
        .order_by(DeliveryItem.position)
    )
    return [(item, release, piece) for item, release, piece in session.execute(query)]


def item_of(release: Release, piece: Piece, channel: str, public_url: str) -> Item:
    """One item as its channel shows it, out of the release's content."""
    return item_with(release.content, piece, release.id, channel, public_url)


def item_with(content: Mapping[str, Any], piece: Piece, release_id: int, channel: str, public_url: str) -> Item:
    """One item out of the content of a release, or of one that would be submitted now."""
    variant = content["variants"].get(channel) or {
        "title": content["title"], "digest": content["summary"], "html": content["body"], "text": "", "author": "",
    }  # fmt: skip
    return Item(
        piece_id=piece.id,
        release_id=release_id,
        content=content,
        title=variant["title"],
        digest=variant["digest"],
        html=variant["html"],
        text=variant["text"],
        author=variant["author"],
        url=f"{public_url}{content['path']}?from={channel}",
        cover=content["cover"],
        first_published_at=piece.first_published_at,
    )


def at_its_address(session: Session, item: Item) -> Item:
    """The same item with the address that it has on another platform, where the office's site stands there.

    The link in its words is that to its own page, and becomes that address too.
    """
    if not elsewhere.sites_of(item.content):
        return item
    url = elsewhere.address_of(session, item.content, item.piece_id)
    if not url:
        return replace(item, unplaced=True)
    return replace(item, url=url, text=own_link(item.content).sub(lambda _found: url, item.text))


def own_link(content: Mapping[str, Any]) -> re.Pattern[str]:
    """The link to a piece's own page, as its signed words have it."""
    return re.compile(rf"https?://[^\s/]+{re.escape(content['path'])}(?:\?from=\w+)?")


def item_sent(session: Session, delivery: Delivery, release: Release, piece: Piece, public_url: str) -> Item:
    """An item as a delivery takes it out: with its address elsewhere and, drawn again or corrected, today's label."""
    item = at_its_address(session, item_of(release, piece, delivery.channel, public_url))
    return _relabelled(session, item, delivery.channel) if delivery.action in ("refresh", "correct") else item


def _relabelled(session: Session, item: Item, channel: str) -> Item:
    row = session.get(PublicPiece, item.piece_id)
    if row is None or not (row.standing or row.standing_at):
        return item
    kind, signed = kind_of(row.kind), item.content
    standing, note = standing_with(row, item.release_id, signed)
    now = {**signed, "fields": kind.stands_as(signed["fields"], standing, note)}
    told = Relabelled(STANDINGS[kind.standing(signed["fields"])], STANDINGS[standing], note)
    html = _restated(channels()[channel].limits.style if channel in channels() else "", signed, now, item.html, told)
    text = remarked(item.text, mark_of(signed), mark_of(now)) if item.text else ""
    return replace(item, content=now, html=html, text=text, relabelled=told)


def _restated(style: str, signed: Mapping[str, Any], now: Mapping[str, Any], html: str, told: Relabelled) -> str:
    if style == "article":
        return restated(signed, now, html)
    if style == "layout":
        return relabelled(html, told.signed, told.now)
    return html  # A page draws its elements itself, and plain words have but the mark.


def post_of(batch: Batch, delivery: Delivery, public_url: str) -> Post:
    """The post of a delivery: its items that are signed and not dropped, and where they show already."""
    rows = batch.going(delivery)
    placements = [batch.placement(piece.id, delivery.account_id) for _, _, piece in rows]
    return Post(
        key=delivery.key,
        action=delivery.action,  # type: ignore[arg-type]  # The column holds one of the actions.
        items=[item_sent(batch.session, delivery, release, piece, public_url) for _, release, piece in rows],
        audience=delivery.audience,
        placed={row.piece_id: placed_of(row) for row in placements if row is not None},
        phrase=delivery.phrase,
        attempt=delivery.attempts,
        first_attempt_at=delivery.first_attempt_at,
        attempted_at=batch.last_sent(delivery),
        doubtful=batch.is_doubtful(delivery),
        note=delivery.note,
    )


def placed_of(row: Place) -> Placed:
    """Where an item shows, as an adapter is told."""
    return Placed(row.piece_id, row.remote_id, row.url, {**row.data, "live_at": row.live_at.isoformat()})


@dataclass(frozen=True)
class Hindrance:
    """Why an item may not go out now: `code` is `unsigned`, `void`, `target` or `window`."""

    code: str
    reason: str


def hindrance(delivery: Delivery, release: Release, now: datetime) -> Hindrance | None:
    """What stands in an item's way; None when it may go out. Withdrawing needs no new signature.

    Nor does drawing again what shows already, whatever the hour: no word of it changes.
    """
    if delivery.action == "withdraw":
        return None
    if release.state == ReleaseState.OPEN:
        return Hindrance("unsigned", "到点时尚未签发")
    if release.state != ReleaseState.SIGNED:
        return Hindrance("void", "发布件已退回或作废，须重新审签")
    if delivery.signed_account not in targets_of(release.content):
        return Hindrance("target", "该账号不在签发范围内")
    if delivery.action == "refresh":
        return None
    window = release.content["window"]
    if window["earliest"] and now < datetime.fromisoformat(window["earliest"]):
        return Hindrance("window", "早于签发的时间窗")
    if window["latest"] and now > datetime.fromisoformat(window["latest"]):
        return Hindrance("window", "已超过签发的时间窗")
    return None
