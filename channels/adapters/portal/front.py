"""The front of the site: the home page and the map for people, of the newest in every column."""

from __future__ import annotations

from collections.abc import Mapping

from channels.adapters.portal import feeds, files, front_pictures, lists, open_data, shelves
from channels.adapters.portal.lists import LATEST
from channels.adapters.portal.press import Press
from templates.views import PortalEntry, PortalGroup, PortalHome, PortalLink

HOME_KINDS = ("news", "notice", "policy", "interpretation", "guide", "faq", "gallery", "feature")
INTERACTION = (
    PortalLink("我要咨询", "/feedback?kind=咨询", note="咨询、求助、建议"),
    PortalLink("投诉举报", "/feedback?kind=投诉", note="投诉与举报"),
    PortalLink("我要找错", "/feedback?kind=找错", note="网页差错反映"),
    PortalLink("留言公开", "/feedback/answers", note="已答复的留言"),
    PortalLink("好差评公开", "/feedback/ratings", note="办事评价统计"),
    PortalLink("查询进度", "/feedback/progress", note="凭编号查询办理"),
)


def draw(press: Press) -> None:
    """Draws the home page, the site's feed and maps, and the page for what is not there."""
    files.put_marks(press)
    lists.draw_empty(press)
    kinds = dict.fromkeys((*HOME_KINDS, *(column["kind"] for column in press.columns)))
    by_kind = {kind: _of_kind(press, kind) for kind in kinds}
    everything = sorted(
        (entry for entries in by_kind.values() for entry in entries),
        key=lambda entry: entry.published_at,
        reverse=True,
    )
    press.draw("/index.html", "home", home=front_pictures.lightened(press, _home(press, by_kind)))
    feeds.draw_site(press, everything[:LATEST])
    open_data.draw_index(press)
    press.draw("/site-map.html", "site_map", groups=_groups(press))
    press.draw("/404.html", "not_found", path="")


def _groups(press: Press) -> list[PortalGroup]:
    labels = dict.fromkeys(str(column["label"]) for column in press.columns)
    return [
        PortalGroup(
            label, [PortalLink(one["name"], f"/{one['slug']}/") for one in press.columns if one["label"] == label]
        )
        for label in labels
    ]


def _home(press: Press, by_kind: Mapping[str, list[PortalEntry]]) -> PortalHome:
    hrefs = {
        kind: next((f"/{column['slug']}/" for column in press.columns if column["kind"] == kind), "")
        for kind in HOME_KINDS
    }
    pictured = [entry for entry in (*by_kind["gallery"], *by_kind["news"]) if entry.picture]
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
        personal=shelves.links(press, "personal", 8),
        legal=shelves.links(press, "legal", 8),
        guides_href=hrefs["guide"],
        interaction=INTERACTION,
        specials=[PortalLink(entry.title, entry.href, note=entry.summary[:40]) for entry in by_kind["feature"][:6]],
        faqs=[PortalLink(entry.title, entry.href) for entry in by_kind["faq"][:8]],
        faqs_href=hrefs["faq"],
    )


def _of_kind(press: Press, kind: str) -> list[PortalEntry]:
    found = [entry for column in press.columns if column["kind"] == kind for entry in lists.newest(press, column)]
    return sorted(found, key=lambda entry: entry.published_at, reverse=True)[:LATEST]
