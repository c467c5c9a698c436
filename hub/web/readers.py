"""What a reader of each channel will see, drawn with the channel's own templates, for previews and signing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.abilities.cover_cuts import CutsCovers
from channels.accounts.models import Account
from channels.base import Channel, Limits
from channels.registry import channel as adapter_of
from channels.registry import channels as installed
from channels.registry import limits_of
from content import snapshot
from content.models import Piece, Revision
from content.snapshot import Target, Window
from hub.product import Hub
from hub.web.edge import allow_framing, allow_inline_styles
from hub.web.media import inside, with_files
from scheduler import elsewhere
from scheduler.posts import own_link
from templates.views import PortalLink, PortalPicture, PortalSite

_SITE_WORDS = ("operator", "english_name", "phone", "icp", "police", "emblem", "hotline", "description", "keywords")


@dataclass(frozen=True)
class CoverPart:
    """What of the cover its readers see in one shape: `box` is that part of the picture, in its own pixels."""

    label: str
    src: str
    width: int
    height: int
    box: str


@dataclass(frozen=True)
class Elsewhere:
    """Where a piece's own link leads once it has left: to `address` on the office's site on another platform, whose
    account is `site`; '' where that has given it none yet."""

    site: str
    address: str


@dataclass(frozen=True)
class Shown:
    """One channel's variant with what the frame around it needs; `src` is where the frame's page is fetched."""

    channel: str
    label: str
    style: str
    account: str
    title: str
    digest: str
    text: str
    author: str
    src: str
    picture: str
    limits: Limits
    mode: str = ""
    cover_parts: Sequence[CoverPart] = ()
    signed_link: str = ""  # The link in the signed words that leaves as another: `elsewhere` says as which.
    elsewhere: Elsewhere | None = None

    @property
    def phone(self) -> str:
        """The phone its words are drawn on here, `push` or `weibo`; '' for what is a page of its own in a frame."""
        return "push" if self.mode == "push" else "weibo" if self.channel == "weibo" else ""

    @property
    def note(self) -> str:
        """How long the text is against the channel's limit."""
        if self.style == "text" and self.limits.text:
            return f"{len(self.text)}/{self.limits.text}"
        return f"{len(self.title)}/{self.limits.title}"


def shown(
    content: Mapping[str, Any], src: str, door: str = "/console/media", there: Elsewhere | None = None
) -> list[Shown]:
    """Every variant of a release's content, the portal first; `src` leads to `preview_page` by channel name.

    Words drawn on a phone are as readers see them: once the piece has its address elsewhere, the link leads `there`.
    """
    accounts: dict[str, list[Mapping[str, Any]]] = {}
    for target in content["targets"]:
        accounts.setdefault(target["channel"], []).append(target)
    order = sorted(content["variants"], key=lambda channel: (channel != "portal", channel))
    found = [_shown(content, channel, accounts.get(channel, []), f"{src}/{channel}", door) for channel in order]
    return [_leading_there(content, one, there) for one in found] if there is not None else found


def elsewhere_of(session: Session, content: Mapping[str, Any], piece_id: int) -> Elsewhere | None:
    """Where the link to a piece's own page leads; None where that is our portal."""
    sites = elsewhere.sites_of(content)
    if not sites or not content["path"]:
        return None
    names = [target["name"] for target in content["targets"] if target["account"] in sites]
    return Elsewhere("、".join(names), elsewhere.address_of(session, content, piece_id))


def _leading_there(content: Mapping[str, Any], one: Shown, there: Elsewhere) -> Shown:
    link = own_link(content)
    found = link.search(one.text)
    if found is None:
        return one
    text = link.sub(lambda _found: there.address, one.text) if there.address and one.phone else one.text
    return replace(one, text=text, signed_link=found.group(), elsewhere=there)


def draft_content(
    hub: Hub, session: Session, piece: Piece, revision: Revision, targets: list[Target]
) -> dict[str, Any]:
    """The content a release would have if it were submitted now."""
    return snapshot.compose(session, hub.pages, piece, revision, targets, Window(), hub.settings.address)


def preview_page(
    request: Request, hub: Hub, content: Mapping[str, Any], channel: str, door: str = "/console"
) -> HTMLResponse:
    """The page a reader will see, for a frame without rights: it runs nothing and submits nothing.

    Its pictures are behind `door` under `media`, its films and documents under `files`.
    """
    variant = content["variants"][channel]
    allow_framing(request)
    if limits_of(channel).style == "page":
        html = hub.pages.render(
            hub.pages.choose(f"outbound/portal/{content['kind']}.html", "outbound/portal/news.html"),
            site=_site(hub, content),
            item=_item(hub, content, variant["html"]),
        )
    else:
        allow_inline_styles(request)
        html = hub.pages.render(
            "pages/pieces/preview.html",
            title=variant["title"],
            author=variant["author"],
            account=_account_name(content, channel),
            html=variant["html"],
            text=variant["text"],
        )
    return HTMLResponse(with_files(inside(html, f"{door}/media"), f"{door}/files"))


def _shown(content: Mapping[str, Any], channel: str, targets: list[Mapping[str, Any]], src: str, door: str) -> Shown:
    known = channel in installed()
    limits = limits_of(channel) if known else Limits(style="text")
    variant = content["variants"][channel]
    picture = f"{door}/{content['cover_path'].rpartition('/')[2]}" if content["cover_path"] else ""
    return Shown(
        channel=channel,
        label=adapter_of(channel).label if known else channel,
        style=limits.style,
        account="、".join(target["name"] for target in targets),
        title=variant["title"],
        digest=variant["digest"],
        text=variant["text"],
        author=variant["author"],
        src=src,
        picture=picture,
        limits=limits,
        mode="、".join(dict.fromkeys(target["action"] for target in targets)),
        cover_parts=_cover_parts(content, adapter_of(channel), picture) if known else (),
    )


def _cover_parts(content: Mapping[str, Any], adapter: type[Channel], src: str) -> list[CoverPart]:
    if not issubclass(adapter, CutsCovers):
        return []
    about = content.get("pictures", {}).get(content["cover"], {})
    wide, high = about.get("width") or 0, about.get("height") or 0
    return [
        CoverPart(
            label,
            src,
            wide,
            high,
            f"{one.left * wide:g} {one.top * high:g} "
            f"{(one.right - one.left) * wide:g} {(one.bottom - one.top) * high:g}",
        )
        for label, one in adapter.cuts(content).items()
    ]


def _account_name(content: Mapping[str, Any], channel: str) -> str:
    return next((target["name"] for target in content["targets"] if target["channel"] == channel), "")


def _item(hub: Hub, content: Mapping[str, Any], body: str) -> Any:
    item = snapshot.item_view(content, published_at=hub.clock.now(), body=body)
    picture = PortalPicture(content["cover_path"], content["cover_alt"]) if content["cover_path"] else None
    return replace(item, picture=picture)


def _site(hub: Hub, content: Mapping[str, Any]) -> PortalSite:
    with hub.works.read() as work:
        query = select(Account).where(Account.channel == "portal", Account.active).order_by(Account.id).limit(1)
        account = work.session.scalars(query).one_or_none()
    about: Mapping[str, Any] = account.settings if account else {}
    words: dict[str, Any] = {name: str(about[name]) for name in _SITE_WORDS if name in about}
    column = content["column"]
    return PortalSite(
        name=account.name if account else content["unit"],
        address=hub.settings.address,
        id_code=str(about.get("id_code", "")),
        sponsor=str(about.get("sponsor", content["unit"])),
        nav=[PortalLink("首页", "/"), PortalLink(column["name"], f"/{column['slug']}/", current=True)],
        beacon=False,
        **words,
    )
