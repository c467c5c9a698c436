"""The content of a release: one piece's revision with every channel's variant, frozen and hashed.

What is signed, booked and sent is this value and nothing else. Pictures are named by the SHA-256 of
their bytes, so that the hash covers them too.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Case, case, or_, select
from sqlalchemy.orm import Session

from content import naming
from content.article import article, mark_of, marked
from content.kinds import kind_of
from content.models import Asset, Column, Piece, PublicPiece, Revision, Variant
from content.sanitise import clean_text, describe_pictures, plain
from kernel.people import Unit
from templates.engine import Engine
from templates.views import PortalColumn, PortalFile, PortalItem, PortalPicture, Post, WechatAccount

Style = Literal["page", "article", "layout", "text"]

MEDIA = re.compile(r"/media/([0-9a-f]{64})\.(?:jpg|png)")


@dataclass(frozen=True)
class Target:
    """One account a release may go to: the action signed, the audience, and how the channel shows text.

    `dressing` is what the account itself puts into its layout, by the layout's own names.
    """

    account_id: int
    account_name: str
    channel: str
    style: Style
    action: str
    audience: Mapping[str, Any] = field(default_factory=dict)
    dressing: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """The earliest and latest moment at which a release may go out; None leaves that side open."""

    earliest: datetime | None = None
    latest: datetime | None = None


@dataclass(frozen=True)
class Urgency:
    """What an emergency release (应急发布) says beside its words, signed with them.

    `level` is the incident's (I the gravest to IV), the portal's banner stands until `banner_until`, and `through`
    marks it as let out while everything else is stopped.
    """

    level: str
    banner_until: datetime | None = None
    through: bool = False


def path_of(column: Column, piece: Piece) -> str:
    """The piece's one address on the portal, the same for all its revisions."""
    return f"/{column.slug}/{piece.id}.html"


def compose(
    session: Session,
    engine: Engine,
    piece: Piece,
    revision: Revision,
    targets: Sequence[Target],
    window: Window,
    portal: str,
    urgency: Urgency | None = None,
) -> dict[str, Any]:
    """The release's content for these targets; `portal` is the site's address without a closing slash."""
    column = session.get_one(Column, piece.column_id)
    unit = session.get_one(Unit, piece.unit_id)
    common = _common(session, piece, revision, column, unit)
    own = own_variants(session, piece, revision)
    # Where a channel has several accounts, the first one's name stands in the drawing, in whatever order they came.
    styles = {target.channel: (target.style, target.account_name) for target in reversed(_in_order(targets))}
    variants = {
        channel: variant_of(
            engine, common, own.get(channel), channel, style, account, portal, _dressing(targets, channel)
        )
        for channel, (style, account) in sorted(styles.items())
    }
    return {
        **common,
        "variants": variants,
        "targets": [_target(target) for target in _in_order(targets)],
        "window": {"earliest": _moment(window.earliest), "latest": _moment(window.latest)},
        "pictures": _pictures(
            session, piece, [common["body"], *(variant["html"] for variant in variants.values())], common
        ),
        **({"emergency": _urgency(urgency)} if urgency else {}),
    }


def own_variants(session: Session, piece: Piece, revision: Revision) -> dict[str, Variant]:
    """The channels' own words of a revision, as rows apart from the session with their pictures described."""
    found = {}
    for row in session.scalars(select(Variant).filter_by(revision_id=revision.id)):
        body = row.body if row.layout else describe_pictures(row.body, _described(session, piece, row.body))
        found[row.channel] = Variant(
            revision_id=revision.id,
            channel=row.channel,
            title=row.title,
            digest=row.digest,
            body=body,
            layout=row.layout,
        )
    return found


def digest(content: Mapping[str, Any]) -> str:
    """The SHA-256 over the whole content, in hexadecimal."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def variant_of(
    engine: Engine,
    common: Mapping[str, Any],
    own: Variant | None,
    channel: str,
    style: Style,
    account: str,
    portal: str,
    dressing: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """What one kind of channel shows: its own words where somebody wrote them, else the common text in its layout."""
    title = own.title if own and own.title else str(common["title"])
    summary = own.digest if own and own.digest else str(common["summary"])
    shown = {"title": title, "digest": summary, "html": "", "text": "", "author": str(common["editor"])}
    if style == "page":
        shown["html"] = clean_text(own.body) if own and own.body else str(common["body"])
    elif style == "article":
        shown["html"] = article(common, clean_text(own.body) if own and own.body else str(common["body"]))
    elif style == "layout":
        shown["html"] = (
            own.body
            if own and own.layout and own.body
            else _layout(engine, common, own, channel, _account(common, account, portal, dressing or {}))
        )
    else:
        words = own.body if own and own.body else _text(engine, common, title, summary, channel, portal)
        shown["text"] = marked(words, mark_of(common))
    return shown


def item_view(
    content: Mapping[str, Any],
    *,
    published_at: datetime,
    body: str | None = None,
    address: str = "",
    column: PortalColumn | None = None,
    related: Mapping[str, Any] | None = None,
    **more: Any,
) -> PortalItem:
    """A release's content as its readers' page shows it; `address` goes in front of paths on the portal.

    `related` are the pieces it names now (`links`, `linked`) and those that name it (`incoming`).
    """
    base: dict[str, Any] = {
        "id": str(content["piece"]),
        "title": content["title"],
        "href": f"{address}{content['path']}",
        "column": column or column_view(content["column"], address),
        "published_at": published_at,
        "unit": content["unit"],
        "source": content["source_name"] or content["unit"],
        "body_html": content["body"] if body is None else body,
        "editor": content["editor"],
        "summary": content["summary"],
        "keywords": content["keywords"],
        "picture": _cover(content, address),
        "files": [
            PortalFile(file["name"], f"{address}{file['href']}", file["size"]) for file in content["attachments"]
        ],
        "revision": content["revision_number"],
        "original": not content["source_name"],
        "expires_at": datetime.fromisoformat(content["expires_at"]) if content["expires_at"] else None,
        **more,
    }
    links = content["links"]
    linked = [link for link in links.values() if "piece" in link]
    around = {"links": links, "linked": linked, "incoming": (), **(related or {})}
    return kind_of(content["kind"]).view(base, {**content["fields"], **around})


def column_view(column: Mapping[str, str], address: str = "") -> PortalColumn:
    """A column as the portal names it."""
    return PortalColumn(
        name=column["name"],
        href=f"{address}/{column['slug']}/",
        description=column["description"],
        keywords=column["keywords"],
        kind=kind_of(column["kind"]).label,
    )


def targets_of(content: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    """The signed targets by account id."""
    return {target["account"]: target for target in content["targets"]}


def media_path(asset: Asset) -> str:
    """The address of a picture on the portal, named by its bytes."""
    return f"/media/{asset.sha256}.{'png' if asset.media_type == 'image/png' else 'jpg'}"


def media_in(texts: Iterable[str]) -> list[str]:
    """The SHA-256 of every picture shown in these texts, in order, each once."""
    return list(dict.fromkeys(name for text in texts for name in MEDIA.findall(text)))


def _common(session: Session, piece: Piece, revision: Revision, column: Column, unit: Unit) -> dict[str, Any]:
    cover = session.get(Asset, revision.cover_id) if revision.cover_id else None
    files = session.scalars(
        select(Asset).where(Asset.piece_id == piece.id, Asset.media_type.not_like("image/%")).order_by(Asset.id)
    )
    return {
        "piece": piece.id,
        "revision": revision.id,
        "revision_number": revision.number,
        "kind": piece.kind,
        "unit": unit.name,
        "column": {
            "slug": column.slug,
            "name": column.name,
            "kind": column.kind,
            "description": column.description,
            "keywords": column.keywords,
        },
        "path": path_of(column, piece),
        "title": revision.title,
        "summary": revision.summary or plain(revision.body).replace("\n", " ")[:120],
        "body": describe_pictures(revision.body, _described(session, piece, revision.body)),
        "fields": revision.fields,
        "links": _links(session, piece, revision),
        "cover": cover.sha256 if cover else "",
        "cover_path": media_path(cover) if cover else "",
        "cover_alt": cover.alt if cover else "",
        **({"cover_focus": [revision.cover_x, revision.cover_y]} if cover and revision.cover_x is not None else {}),
        "source_name": revision.source_name,
        "source_url": revision.source_url,
        "editor": revision.editor,
        "keywords": revision.keywords,
        "expires_at": _moment(revision.expires_at),
        "attachments": [
            {"name": file.name, "sha256": file.sha256, "size": file.size, "href": f"/files/{file.sha256}/{file.name}"}
            for file in files
        ],
    }


def _links(session: Session, piece: Piece, revision: Revision) -> dict[str, dict[str, Any]]:
    """The pieces that the kind's fields name, with title and address, under the titles that were signed."""
    return {
        one.field: {"piece": one.piece.id, "title": one.title, "path": _path_now(session, one.piece)}
        for one in naming.named(session, piece, revision.fields)
        if one.title
    }


def _path_now(session: Session, piece: Piece) -> str:
    # A piece that is being moved still stands where it was.
    shown = session.get(PublicPiece, piece.id)
    if shown is not None and shown.from_at is not None and shown.withdrawn_at is None:
        return shown.path
    return path_of(session.get_one(Column, piece.column_id), piece)


def _layout(engine: Engine, common: Mapping[str, Any], own: Variant | None, channel: str, about: WechatAccount) -> str:
    template = engine.choose(f"outbound/{channel}/{common['kind']}.html", f"outbound/{channel}/default.html")
    # The time printed in the layout is the platform's own; what is signed must not change with the hour of signing.
    body = clean_text(own.body) if own and own.body else None
    item = item_view(common, published_at=_EPOCH, body=body, address=about.portal)
    # The same without text and elements: what shows no more than this frame shows nothing.
    frame = item_view({**common, "fields": {}, "links": {}}, published_at=_EPOCH, body="", address=about.portal)
    drawn, empty = (engine.render(template, item=one, account=about) for one in (item, frame))
    same = plain(drawn) == plain(empty) and drawn.count("<img") == empty.count("<img")
    return "" if same else drawn


def _account(common: Mapping[str, Any], name: str, portal: str, dressing: Mapping[str, Any]) -> WechatAccount:
    said = {key: dressing[key] for key in ("guide_line", "closing", "hotline", "picture_message") if key in dressing}
    signed = [(str(role), str(person)) for role, person in dressing.get("credits", ())]
    return WechatAccount(name=name, unit=common["unit"], portal=portal, credits=signed, **said)


def _dressing(targets: Sequence[Target], channel: str) -> Mapping[str, Any]:
    """What all accounts of a channel put into its layout: they show one drawing, and none speaks for another."""
    found = [target.dressing for target in targets if target.channel == channel]
    return {
        name: value
        for name, value in (found[0] if found else {}).items()
        if all(other.get(name) == value for other in found)
    }


def _text(engine: Engine, common: Mapping[str, Any], title: str, summary: str, channel: str, portal: str) -> str:
    post = Post(
        title=title,
        text=summary,
        href=f"{portal}{common['path']}?from={channel}",
        unit=common["unit"],
        id=str(common["piece"]),
        revision=common["revision_number"],
        kind=common["kind"],
        mark=mark_of(common),
    )
    template = engine.choose(
        f"outbound/{channel}/{common['kind']}.txt", f"outbound/{channel}/default.txt", "outbound/text.txt"
    )
    return engine.render(template, post=post).strip()


def _described(session: Session, piece: Piece, body: str) -> dict[str, tuple[str, str, int, int]]:
    rows = session.scalars(
        select(Asset)
        .where(Asset.sha256.in_(media_in([body])), Asset.unit_id == piece.unit_id)
        .order_by(_own_last(piece))
    )
    return {row.sha256: (media_path(row), row.alt, row.width or 0, row.height or 0) for row in rows}


def _own_last(piece: Piece) -> Case[int]:
    # The same picture may be kept with several pieces, each with its own description; this piece's own wins.
    return case((Asset.piece_id == piece.id, 1), else_=0)


def _in_order(targets: Sequence[Target]) -> list[Target]:
    return sorted(targets, key=lambda target: target.account_id)


def _pictures(
    session: Session, piece: Piece, texts: Sequence[str], common: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    wanted = media_in(texts) + ([common["cover"]] if common["cover"] else [])
    rows = session.scalars(
        select(Asset)
        # What an account prints beneath its pieces is of no piece, and perhaps of another unit.
        .where(Asset.sha256.in_(wanted), or_(Asset.unit_id == piece.unit_id, Asset.piece_id.is_(None)))
        .order_by(_own_last(piece), Asset.id)
    )
    return {
        row.sha256: {
            "media_type": row.media_type,
            "alt": row.alt,
            "width": row.width,
            "height": row.height,
            "size": row.size,
        }
        for row in rows
    }


def _cover(content: Mapping[str, Any], address: str) -> PortalPicture | None:
    if not content["cover"]:
        return None
    return PortalPicture(f"{address}{content['cover_path']}", content["cover_alt"])


def _target(target: Target) -> dict[str, Any]:
    return {
        "account": target.account_id,
        "name": target.account_name,
        "channel": target.channel,
        "action": target.action,
        "audience": dict(target.audience),
    }


def _urgency(urgency: Urgency) -> dict[str, Any]:
    return {
        "level": urgency.level,
        "banner_until": _moment(urgency.banner_until),
        "through": urgency.through,
    }


def _moment(moment: datetime | None) -> str | None:
    # In UTC, so that the same moment gives the same hash whoever wrote it down.
    return moment.astimezone(UTC).isoformat() if moment else None


_EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
