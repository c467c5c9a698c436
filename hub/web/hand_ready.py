"""What a person who publishes by hand needs at the platform: each item's words, pictures in order, attachments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from channels.base import Item
from content.models import Release
from content.sanitise import plain
from content.snapshot import media_in
from hub.web import approval
from scheduler import elsewhere
from scheduler.models import Delivery
from scheduler.placements import place_of
from scheduler.posts import item_sent, items_of
from templates.views import Change

_OURS = re.compile(r'\b(href|src)="/(?!/)')


@dataclass(frozen=True)
class ReadyPicture:
    """A picture by the name it is kept under, its description, and what it is for."""

    sha256: str
    extension: str
    alt: str
    is_cover: bool

    @property
    def name(self) -> str:
        """The last part of its address."""
        return f"{self.sha256}.{self.extension}"


@dataclass(frozen=True)
class Ready:
    """One item ready to copy: its words for this channel, its pictures in reading order, its files, what changed."""

    item: Item
    words: str
    pictures: Sequence[ReadyPicture]
    files: Sequence[tuple[str, str]]
    changes: Sequence[Change]
    copied: str = ""  # The text with its layout as it is pasted elsewhere.
    corrects: bool = False
    on_site: bool = False  # Its address is the page itself, where it has one by now.


def ready_items(session: Session, delivery: Delivery, address: str) -> list[Ready]:
    """The delivery's items that were not dropped."""
    found = []
    for row, release, piece in items_of(session, delivery.id):
        if row.dropped:
            continue
        item = item_sent(session, delivery, release, piece, address)
        on_site = elsewhere.is_elsewhere(delivery.channel)
        if on_site:
            there = place_of(session, piece.id, delivery)
            item = replace(item, url=there.url if there else "")
        words = item.text or plain(item.html)
        files = [(str(one["name"]), str(one["sha256"])) for one in release.content["attachments"]]
        changes = _changes(session, delivery, release, item)
        corrects = bool(changes) and delivery.action == "correct"
        found.append(Ready(item, words, _pictures(item), files, changes, whole(item.html, address), corrects, on_site))
    return found


def whole(html: str, address: str) -> str:
    """The text with whole addresses of what it links to and shows, since it is pasted elsewhere."""
    return _OURS.sub(rf'\1="{address.rstrip("/")}/', html)


def _pictures(item: Item) -> list[ReadyPicture]:
    """The cover first, then as the text shows them, then what only the signed content names."""
    about: dict[str, Any] = item.content["pictures"]
    names = dict.fromkeys([*([item.cover] if item.cover else []), *media_in([item.html, item.content["body"]]), *about])
    return [
        ReadyPicture(
            sha256,
            "png" if about[sha256]["media_type"] == "image/png" else "jpg",
            str(about[sha256]["alt"]),
            sha256 == item.cover,
        )
        for sha256 in names
        if sha256 in about
    ]


def _changes(session: Session, delivery: Delivery, release: Release, item: Item) -> list[Change]:
    """The words that show now against those to show, for a correction or another label by hand."""
    if delivery.action == "refresh":
        return approval.changes(_words(release, delivery.channel), f"{item.title}\n{item.text or plain(item.html)}")
    placement = place_of(session, release.piece_id, delivery) if delivery.action == "correct" else None
    if placement is None or placement.release_id == release.id:
        return []
    before = session.get_one(Release, placement.release_id)
    return approval.changes(_words(before, delivery.channel), _words(release, delivery.channel))


def _words(release: Release, channel: str) -> str:
    content: dict[str, Any] = release.content
    variant = content["variants"].get(channel) or {"title": content["title"], "html": content["body"], "text": ""}
    return f"{variant['title']}\n{variant['text'] or plain(variant['html'])}"
