"""The front of the site: the home page and the map for people, of the newest in every column."""

from __future__ import annotations

from collections.abc import Mapping

from channels.adapters.portal import feeds, lists
from channels.adapters.portal.lists import KIND_LABELS, LATEST
from channels.adapters.portal.press import Press
from templates.views import PortalEntry, PortalGroup, PortalHome, PortalLink


def draw(press: Press) -> None:
    """Draws the home page, the site's feed and maps, and the page for what is not there."""
    lists.draw_empty(press)
    by_kind = {kind: _of_kind(press, kind) for kind in KIND_LABELS}
    everything = sorted(
        (entry for entries in by_kind.values() for entry in entries),
        key=lambda entry: entry.published_at,
        reverse=True,
    )
    press.draw("/index.html", "home", home=_home(press, by_kind))
    feeds.draw_site(press, everything[:LATEST])
    press.draw("/site-map.html", "site_map", groups=_groups(press))
    press.draw("/404.html", "not_found", path="")


def _groups(press: Press) -> list[PortalGroup]:
    return [
        PortalGroup(label, [PortalLink(column["name"], f"/{column['slug']}/") for column in own])
        for kind, label in KIND_LABELS.items()
        if (own := [column for column in press.columns if column["kind"] == kind])
    ]


def _home(press: Press, by_kind: Mapping[str, list[PortalEntry]]) -> PortalHome:
    hrefs = {
        kind: next((f"/{column['slug']}/" for column in press.columns if column["kind"] == kind), "")
        for kind in KIND_LABELS
    }
    pictured = [entry for entry in by_kind["news"] if entry.picture]
    guides = [PortalLink(entry.title, entry.href) for entry in by_kind["guide"]]
    return PortalHome(
        lead=by_kind["news"][0] if by_kind["news"] else None,
        pictures=pictured[:5],
        news=by_kind["news"][:8],
        news_href=hrefs["news"],
        notices=by_kind["notice"][:8],
        notices_href=hrefs["notice"],
        policies=by_kind["policy"][:6],
        policies_href=hrefs["policy"],
        interpretations=by_kind["interpretation"][:6],
        interpretations_href=hrefs["interpretation"],
        personal=guides[:8],
        legal=(),
        guides_href=hrefs["guide"],
        interaction=(),
        faqs=[PortalLink(entry.title, entry.href) for entry in by_kind["faq"][:8]],
        faqs_href=hrefs["faq"],
    )


def _of_kind(press: Press, kind: str) -> list[PortalEntry]:
    found = [entry for column in press.columns if column["kind"] == kind for entry in lists.newest(press, column)]
    return sorted(found, key=lambda entry: entry.published_at, reverse=True)[:LATEST]
